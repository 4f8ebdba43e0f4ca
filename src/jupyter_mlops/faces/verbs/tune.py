"""The verb that looks for the best parameters of a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from ...errors import MlopsError
from ...project import Project
from ..command import notebook_argument, verb
from ..durations import duration
from ..sweep_following import follow_points
from ..swept import given_space, space_options
from ..tune_view import tuned
from ..views import View
from .sweep import points_options

if TYPE_CHECKING:
    from ...sweeps.study import Pruner, Sampler


@verb
@notebook_argument
@space_options
@click.option("--maximize", default="", metavar="METRIC", help="Make this as high as it gets.")
@click.option(
    "--minimize",
    default="",
    metavar="METRIC",
    help="Make this as low as it gets; default: the first metric of the cell tagged so.",
)
@click.option("--trials", type=click.IntRange(min=1), help="Points to try; default: 50.")
@click.option(
    "--for", "seconds", type=duration, metavar="TIME", help="Begin no more after `90`, `10m`, `2h`."
)
@click.option(
    "--sampler",
    type=click.Choice(["tpe", "random", "grid"]),
    default="tpe",
    show_default=True,
    help="How points are chosen; `grid`: each once.",
)
@click.option(
    "--pruner",
    type=click.Choice(["median", "hyperband", "none"]),
    default="median",
    show_default=True,
    help="Which points are ended early, by the metric's values as they come.",
)
@click.option("--prune-by", default="", metavar="METRIC", help="End early by another metric.")
@click.option("--seed", default=0, show_default=True, help="With one worker: tries the same again.")
@points_options
def tune(
    notebook: Path,
    assignments: tuple[str, ...],
    maximize: str,
    minimize: str,
    trials: int | None,
    seconds: float | None,
    sampler: str,
    pruner: str,
    prune_by: str,
    seed: int,
    workers: int | None,
    timeout: float | None,
    on: str,
    resume: str | None,
    all_points: bool,
    listing: bool,
) -> View:
    """Look for the parameters of a notebook that make a metric best.

    `-p lr=1e-4:1e-1:log -p depth=2:12 -p criterion=gini,entropy` says where to look; without -p, in
    all ranges and choices that the parameters cell declares. Points that fall behind, by what
    `mlops.log(auc=auc)` and the rounds of boosting tell, are ended early. Each point is a run of
    its own. Ctrl-C keeps what is done, and `--resume` goes on.
    """
    from ...sweeps.record import sweeps
    from ...sweeps.tune import tune as start
    from ..sweep_view import sweeps as listed

    project = Project.find(notebook)
    if listing:
        name = project.relative(notebook)
        found = (each for each in sweeps(project) if each.head.notebook == name)
        return listed((each for each in found if each.head.kind == "tune"), "tune")
    if maximize and minimize:
        raise MlopsError(
            "tune.metric",
            "Both --maximize and --minimize were given.",
            hint="give one of them.",
        )
    if resume is not None and (assignments or maximize or minimize or prune_by):
        raise MlopsError(
            "tune.resume",
            "A tuning goes on with the parameters and the metric that it began with.",
            hint="leave them out, or leave out `--resume` to begin a new one.",
        )
    running = start(
        notebook,
        given_space(notebook, assignments) if resume is None else None,
        project=project,
        metric=maximize or minimize,
        highest=bool(maximize) if maximize or minimize else None,
        trials=trials,
        seconds=seconds,
        workers=workers,
        sampler=cast("Sampler", sampler),
        pruner=cast("Pruner", pruner),
        watched=prune_by,
        seed=seed,
        timeout=timeout,
        on=on,
        resume=resume,
    )
    return tuned(follow_points(running), project, all_points=all_points)
