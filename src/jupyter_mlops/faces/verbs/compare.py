"""The verb that puts runs side by side."""

from __future__ import annotations

import click

from ...errors import MlopsError
from ...project import Project
from ..command import verb
from ..views import View


@verb
@click.argument("runs", nargs=-1, required=True)
def compare(runs: tuple[str, ...]) -> View:
    """Compare runs: metrics, parameters, code by cell, data, seeds, environment, outputs.

    One RUN is compared with the latest one. Of two runs it is told first what can explain that
    their metrics differ; of more, what differs stands in one table.
    """
    from ...tracking.compare import compare_runs
    from ...tracking.many_runs import compare_many
    from ...tracking.store import LATEST, Store
    from ..compare_view import comparison, many

    store = Store(Project.find())
    store.sync()
    given = runs if len(runs) > 1 else (*runs, LATEST)
    found = [store.run(run) for run in given]
    if len({run.mlflow_id for run in found}) < len(found):
        raise MlopsError(
            "compare.same",
            f"{found[-1].run} cannot be compared with itself.",
            hint="name two runs; `jupyter mlops runs` lists them.",
        )
    if len(found) == 2:
        return comparison(compare_runs(store, found[0], found[1]))
    return many(found, compare_many(store, found))
