"""The verb that runs a notebook for many values of its parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ...errors import MlopsError
from ...project import Project
from ..command import notebook_argument, verb
from ..sweep_following import follow_points
from ..swept import given_space, space_options
from ..views import View

_F = TypeVar("_F", bound=Callable[..., Any])


def points_options(function: _F) -> _F:
    """Give a verb the options that say how points run."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--workers", type=click.IntRange(min=1), help="Points at a time; default: the cores."
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="How long each cell may take; default: as long as it wants.",
    ),
    click.option(
        "--on",
        default="",
        metavar="dask://HOST:PORT",
        help="Run the points on a Dask cluster that is there; default: this machine.",
    ),
    click.option(
        "--resume",
        is_flag=False,
        flag_value="latest",
        metavar="[NAME]",
        help="Go on with one that was ended early, or run what failed; default: the newest.",
    ),
    click.option("--all", "all_points", is_flag=True, help="Show every point at the end."),
    click.option("--list", "listing", is_flag=True, help="List those of this notebook instead."),
)


@verb
@notebook_argument
@space_options
@click.option(
    "--points",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Points listed in a CSV file with a header, or JSON or YAML with a list of tables.",
)
@click.option(
    "--random",
    type=click.IntRange(min=1),
    metavar="N",
    help="Draw N points from the values and ranges instead of all combinations.",
)
@click.option("--seed", default=0, show_default=True, help="With --random: draws the same again.")
@click.option("--metric", default="", help="What decides; default: the first that tells.")
@click.option("--max/--min", "highest", default=None, help="Whether its highest value is best.")
@click.option("--no-share", is_flag=True, help="Run every cell anew for each point.")
@points_options
def sweep(
    notebook: Path,
    assignments: tuple[str, ...],
    points: Path | None,
    random: int | None,
    seed: int,
    metric: str,
    highest: bool | None,
    no_share: bool,
    workers: int | None,
    timeout: float | None,
    on: str,
    resume: str | None,
    all_points: bool,
    listing: bool,
) -> View:
    """Run a notebook for many values of its parameters, several at a time.

    `-p depth=4,6,8 -p lr=0.01:0.1:log5` makes 15 points. The cells before the first one that a
    swept parameter touches run once for all. Each point is a run of its own, with its executed
    notebook. Ctrl-C keeps what is done, and `--resume` goes on.
    """
    from ...sweeps.record import sweeps
    from ...sweeps.sweep import sweep as start
    from ..sweep_view import sweep as view
    from ..sweep_view import sweeps as listed

    project = Project.find(notebook)
    if listing:
        name = project.relative(notebook)
        return listed(
            each
            for each in sweeps(project)
            if (each.head.kind, each.head.notebook) == ("sweep", name)
        )
    if highest is not None and not metric:
        raise MlopsError(
            "sweep.metric",
            f"`--{'max' if highest else 'min'}` is of no metric.",
            hint="add `--metric NAME`.",
        )
    if resume is not None and (assignments or points or random or metric):
        raise MlopsError(
            "sweep.resume",
            "A sweep goes on with the points and the metric that it began with.",
            hint="leave them out, or leave out `--resume` to begin a new one.",
        )
    running = start(
        notebook,
        given_space(notebook, assignments) if resume is None else None,
        project=project,
        points=points,
        random=random,
        seed=seed,
        workers=workers,
        metric=metric,
        highest=highest,
        timeout=timeout,
        share=not no_share,
        on=on,
        resume=resume,
    )
    return view(follow_points(running), project, all_points=all_points)
