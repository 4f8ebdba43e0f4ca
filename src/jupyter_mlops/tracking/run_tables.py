"""One run from the tables of MLflow's SQLite file, without MLflow."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .datasets import Input
from .feeder import RUN
from .runs import RunRecord, facts
from .tables import opened

_READY = 2
"""MLflow's number for a logged model whose files are all there."""


def find_runs(
    file: Path, experiments: Sequence[str], condition: str, given: Sequence[Any], limit: int
) -> list[tuple[str, str]]:
    """Return MLflow's ids and our names of the newest runs that meet a condition.

    ``condition`` is SQL about ``name``, ours, and ``run_id``; ``given`` are its values.
    """
    marks = ", ".join("?" * len(experiments))
    with opened(file) as connection:
        return connection.execute(
            "SELECT run_id, name FROM (SELECT r.run_uuid AS run_id, t.value AS name, r.start_time"
            " FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = ?"
            f" WHERE r.lifecycle_stage = 'active' AND r.experiment_id IN ({marks}))"
            f" WHERE {condition} ORDER BY start_time DESC, run_id LIMIT ?",
            [RUN, *(int(each) for each in experiments), *given, limit],
        ).fetchall()


def artifact_uri(file: Path, run_id: str) -> str:
    """Return where MLflow keeps the artifacts of a run, an empty text if there is no such run."""
    with opened(file) as connection:
        row = connection.execute(
            "SELECT artifact_uri FROM runs WHERE run_uuid = ?", [run_id]
        ).fetchone()
    return row[0] or "" if row else ""


def read_record(file: Path, run_id: str) -> RunRecord:
    """Return what the tables hold of a run that is there."""
    with opened(file) as connection:

        def values(columns: str, table: str) -> list[Any]:
            text = f"SELECT key, {columns} FROM {table} WHERE run_uuid = ? ORDER BY rowid"
            return connection.execute(text, [run_id]).fetchall()

        about: tuple[str, str | None, str, int | None, int | None] = connection.execute(
            "SELECT run_uuid, name, status, start_time, end_time FROM runs WHERE run_uuid = ?",
            [run_id],
        ).fetchone()
        tags = dict(values("value", "tags"))
        metrics = {
            key: math.nan if nan else value
            for key, value, nan in values("value, is_nan", "latest_metrics")
        }
        return RunRecord(
            facts(*about, dict(values("value", "params")), metrics, tags),
            tags,
            _inputs(connection, run_id),
            _models(connection, run_id),
        )


def _inputs(connection: sqlite3.Connection, run_id: str) -> list[Input]:
    which = (
        "FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id"
        " AND i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?"
    )
    tags: dict[str, dict[str, str]] = {}
    for use, key, value in connection.execute(
        f"SELECT t.input_uuid, t.name, t.value {which} JOIN input_tags t USING (input_uuid)",
        [run_id],
    ):
        tags.setdefault(use, {})[key] = value
    rows = connection.execute(
        "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source,"
        f" d.dataset_schema, d.dataset_profile {which}",
        [run_id],
    )
    return [Input._make([*row, tags.get(use, {})]) for use, *row in rows]


def _models(connection: sqlite3.Connection, run_id: str) -> dict[str, str]:
    rows = connection.execute(
        "SELECT name, model_id FROM logged_models WHERE source_run_id = ? AND status = ?"
        " AND lifecycle_stage = 'active' ORDER BY creation_timestamp_ms",
        [run_id, _READY],
    )
    return dict(rows.fetchall())
