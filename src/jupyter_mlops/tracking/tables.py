"""Reading from the tables of MLflow's SQLite file, without MLflow.

MLflow builds an object for every value that a run has: of 10,000 runs that takes ten seconds, the
rows themselves a fraction of one; its import alone takes longer than that. The tables are looked at
first: other ones than these are left to MLflow.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .client import sqlite_file
from .feeder import PARENT, RUN
from .runs import RunSummary, facts

if TYPE_CHECKING:
    from .reading import Wanted

_SECONDS_TO_WAIT = 60
_LONG_TAGS = ("mlops.steps", "mlops.problems", "mlops.git.untracked", "mlflow.note.content")
_COLUMNS = {
    "experiments": "experiment_id, name, lifecycle_stage",
    "runs": "run_uuid, name, status, start_time, end_time, lifecycle_stage, experiment_id,"
    " artifact_uri",
    "metrics": "run_uuid, key, value, is_nan, step, timestamp",
    "latest_metrics": "run_uuid, key, value, is_nan",
    "params": "run_uuid, key, value",
    "tags": "run_uuid, key, value",
    "inputs": "input_uuid, source_type, source_id, destination_type, destination_id",
    "input_tags": "input_uuid, name, value",
    "datasets": "dataset_uuid, name, digest, dataset_source_type, dataset_source, dataset_schema,"
    " dataset_profile",
    "logged_models": "model_id, name, status, lifecycle_stage, source_run_id,"
    " creation_timestamp_ms",
}


def tables_of(uri: str) -> Path | None:
    """Return the file whose tables can be read; None where only MLflow can read the store."""
    file = sqlite_file(uri)
    if file is None or not file.exists():
        return None
    with opened(file) as connection:
        try:
            for table, columns in _COLUMNS.items():
                connection.execute(f"SELECT {columns} FROM {table} LIMIT 0")
        except sqlite3.OperationalError as error:
            if "no such" in str(error):
                return None
            raise
    return file


def read_experiments(file: Path, notebook: str | None) -> list[str]:
    """Return MLflow's ids of all experiments, or of the one of a notebook."""
    select = "SELECT experiment_id FROM experiments WHERE lifecycle_stage = 'active'"
    with opened(file) as connection:
        if notebook is None:
            rows = connection.execute(select)
        else:
            rows = connection.execute(f"{select} AND name = ?", [notebook])
        return [str(each) for (each,) in rows]


def read_summaries(file: Path, wanted: Wanted) -> tuple[list[RunSummary], int]:
    """Return the runs that are wanted, the newest first, and how many there are without a limit."""
    where, given = _condition(wanted)
    order = "ORDER BY r.start_time DESC, r.run_uuid"
    # As a sub-select these may be more than a statement can be given one by one.
    ids, few = f"SELECT r.run_uuid {where} {order}", list(given)
    if wanted.limit is not None:
        ids, few = f"{ids} LIMIT ?", [*given, wanted.limit]
    facts_of_runs = "r.run_uuid, r.name, r.status, r.start_time, r.end_time"
    with opened(file) as connection:

        def values(columns: str, table: str, more: str = "") -> list[Any]:
            text = f"SELECT run_uuid, key, {columns} FROM {table} WHERE run_uuid IN ({ids}) {more}"
            return connection.execute(text, few).fetchall()

        (total,) = connection.execute(f"SELECT count(*) {where}", given).fetchone()
        rows = connection.execute(ids.replace("r.run_uuid", facts_of_runs, 1), few).fetchall()
        long = ", ".join(f"'{key}'" for key in _LONG_TAGS)
        tags = _by_run(values("value", "tags", f"AND key NOT IN ({long})"))
        params = _by_run(values("value", "params"))
        numbers = values("value, is_nan", "latest_metrics")
        counts = "SELECT value, count(*) FROM tags WHERE key = ? GROUP BY value"
        parts = dict(connection.execute(counts, [PARENT]).fetchall())
    metrics = _by_run([(i, key, math.nan if nan else value) for i, key, value, nan in numbers])
    nothing: dict[str, Any] = {}
    found = []
    for run_id, name, status, started, ended in rows:
        each = (params.get(run_id, nothing), metrics.get(run_id, nothing), tags[run_id])
        known = facts(run_id, name, status, started, ended, *each)
        found.append(RunSummary(**known, parts=parts.get(known["run"], 0)))
    return found, total


def read_points(
    file: Path, run_ids: Sequence[str], metrics: Sequence[str]
) -> list[tuple[str, str, int, float]]:
    """Return run, metric, step and value of all points of some metrics, by step and time."""
    runs, keys = (", ".join("?" * len(each)) for each in (run_ids, metrics))
    with opened(file) as connection:
        rows = connection.execute(
            f"SELECT run_uuid, key, step, value, is_nan FROM metrics WHERE run_uuid IN ({runs})"
            f" AND key IN ({keys}) ORDER BY step, timestamp",
            [*run_ids, *metrics],
        ).fetchall()
    return [(i, key, step, math.nan if nan else value) for i, key, step, value, nan in rows]


def _condition(wanted: Wanted) -> tuple[str, list[Any]]:
    given: list[Any] = [RUN, *(int(each) for each in wanted.experiments)]
    experiments = ", ".join("?" * len(wanted.experiments))
    where = (
        "FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = ?"
        f" WHERE r.lifecycle_stage = 'active' AND r.experiment_id IN ({experiments})"
    )
    for clause, value in (("r.start_time >= ?", wanted.since), ("r.status = ?", wanted.status)):
        if value is not None:
            where, given = f"{where} AND {clause}", [*given, value]
    part = "EXISTS (SELECT 1 FROM tags p WHERE p.run_uuid = r.run_uuid AND p.key = ?"
    if wanted.folded:
        where, given = f"{where} AND NOT {part})", [*given, PARENT]
    if wanted.parent is not None:
        where, given = f"{where} AND {part} AND p.value = ?)", [*given, PARENT, wanted.parent]
    return where, given


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Open the tables for reading; all that is read sees one moment."""
    # Not opened for reading only: what a killed writer left half written must be rolled back.
    uri = f"file:{quote(str(file))}?mode=rw"
    with closing(
        sqlite3.connect(uri, uri=True, timeout=_SECONDS_TO_WAIT, isolation_level=None)
    ) as connection:
        connection.execute("PRAGMA query_only = ON")
        # One transaction: what is written meanwhile is seen by all queries of it or by none.
        connection.execute("BEGIN")
        yield connection


def _by_run(rows: Sequence[Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run_id, key, value in rows:
        found.setdefault(run_id, {})[key] = value
    return found
