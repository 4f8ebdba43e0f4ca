"""The verb that draws runs side by side."""

from __future__ import annotations

import click

from ...errors import MlopsError
from ...project import Project
from ..command import verb
from ..views import View


@verb
@click.argument("runs", nargs=-1)
@click.option("--notebook", help="Without RUNS: the last runs of this notebook.")
@click.option("--limit", default=30, show_default=True, help="Without RUNS: so many runs.")
@click.option("--metric", "metrics", multiple=True, help="Only this metric; may be given again.")
def chart(
    runs: tuple[str, ...], notebook: str | None, limit: int, metrics: tuple[str, ...]
) -> View:
    """Draw runs side by side: parameters against metrics, and each metric by its steps.

    In a notebook the charts answer to the pointer; in a terminal they are text.
    """
    from ...charts.curves import metric_curves
    from ...charts.parallel import parallel_coordinates
    from ...tracking.curves import read_curves
    from ...tracking.store import Store

    project = Project.find()
    store = Store(project)
    store.sync()
    name = project.relative(notebook) if notebook else None
    found = [store.run(run) for run in runs] if runs else store.runs(name, limit)
    known = list(dict.fromkeys(metric for run in found for metric in run.metrics))
    if unknown := [metric for metric in metrics if metric not in known]:
        raise MlopsError(
            "chart.metric",
            f"None of the runs has a metric `{unknown[0]}`.",
            hint=f"they have: {', '.join(known) or 'none'}.",
        )
    chosen = list(metrics) or known
    drawn = [
        parallel_coordinates(found, chosen),
        metric_curves(read_curves(store, found[:20], chosen)),
    ]
    charts = [each for each in drawn if each is not None]
    if charts:
        return View(charts=charts, data=[each.title for each in charts])
    return View(["There is nothing to draw yet: it takes a metric of two steps, or two runs."])
