"""Reading from the tables of a store in a database that this process opens itself.

MLflow builds an object for every value that a run has: of 10,000 runs that takes ten seconds, the
rows themselves a fraction of one. The tables are known by MLflow's own models of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .feeder import RUN
from .runs import RunSummary, facts

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

    from .reading import Wanted

_DATABASES = ("sqlite:", "postgresql", "mysql", "mssql")
_LONG_TAGS = ("mlops.steps", "mlops.problems", "mlops.git.untracked", "mlflow.note.content")


def has_tables(uri: str) -> bool:
    """Tell whether the store's tables can be read from here."""
    return uri.startswith(_DATABASES)


def read_summaries(uri: str, wanted: Wanted) -> tuple[list[RunSummary], int]:
    """Return the runs that are wanted, the newest first, and how many there are without a limit."""
    import sqlalchemy
    from mlflow.store.tracking.dbmodels import models as tables

    run, tag = tables.SqlRun, tables.SqlTag
    chosen: Select[Any] = (
        sqlalchemy.select(run.run_uuid)
        .join(tag, sqlalchemy.and_(tag.run_uuid == run.run_uuid, tag.key == RUN))
        .where(
            run.lifecycle_stage == "active",
            run.experiment_id.in_([int(each) for each in wanted.experiments]),
        )
    )
    if wanted.since is not None:
        chosen = chosen.where(run.start_time >= wanted.since)
    if wanted.status is not None:
        chosen = chosen.where(run.status == wanted.status)
    everything = sqlalchemy.select(sqlalchemy.func.count()).select_from(chosen.subquery())
    order = (run.start_time.desc(), run.run_uuid)
    chosen = chosen.order_by(*order)
    if wanted.limit is not None:
        chosen = chosen.limit(wanted.limit)
    # A database need not take a limit inside of IN, but takes a table of it.
    ids = sqlalchemy.select(chosen.subquery().c.run_uuid)

    def values(table: Any, *columns: Any) -> Select[Any]:
        found = sqlalchemy.select(table.run_uuid, table.key, *columns)
        return found.where(table.run_uuid.in_(ids))

    param, metric = tables.SqlParam, tables.SqlLatestMetric
    columns = (run.run_uuid, run.name, run.status, run.start_time, run.end_time)
    with _connection(uri) as connection:
        total = connection.execute(everything).scalar_one()
        listed = sqlalchemy.select(*columns).where(run.run_uuid.in_(ids)).order_by(*order)
        rows = connection.execute(listed).all()
        short = values(tag, tag.value).where(tag.key.not_in(_LONG_TAGS))
        tags = _by_run(connection.execute(short).all())
        params = _by_run(connection.execute(values(param, param.value)).all())
        numbers = connection.execute(values(metric, metric.value, metric.is_nan)).all()
    metrics = _by_run([(i, key, math.nan if nan else value) for i, key, value, nan in numbers])
    nothing: dict[str, Any] = {}
    found = []
    for run_id, name, status, started, ended in rows:
        each = (params.get(run_id, nothing), metrics.get(run_id, nothing), tags[run_id])
        found.append(RunSummary(**facts(run_id, name, status, started, ended, *each)))
    return found, total


def read_points(
    uri: str, run_ids: Sequence[str], metrics: Sequence[str]
) -> list[tuple[str, str, int, float]]:
    """Return run, metric, step and value of all points of some metrics, by step and time."""
    import sqlalchemy
    from mlflow.store.tracking.dbmodels import models as tables

    metric = tables.SqlMetric
    columns = (metric.run_uuid, metric.key, metric.step, metric.value, metric.is_nan)
    points: Any = (
        sqlalchemy.select(*columns)
        .where(metric.run_uuid.in_(run_ids), metric.key.in_(metrics))
        .order_by(metric.step, metric.timestamp)
    )
    with _connection(uri) as connection:
        rows = connection.execute(points).all()
    return [(i, key, step, math.nan if nan else value) for i, key, step, value, nan in rows]


@contextmanager
def _connection(uri: str) -> Iterator[Connection]:
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    try:
        # One transaction: what is written meanwhile is seen by all queries of it or by none.
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _by_run(rows: Sequence[Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run_id, key, value in rows:
        found.setdefault(run_id, {})[key] = value
    return found
