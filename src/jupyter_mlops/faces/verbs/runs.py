"""Verbs on captured runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ...project import Project
from .. import shown
from ..command import follow, notebook_argument, verb
from ..given import given_options, given_parameters
from ..views import View
from .choosing import choice_of, choosing


@verb
@choosing
@click.option(
    "--sort",
    metavar="NAME",
    help="By a metric, a parameter, `started` or `seconds`: highest first.",
)
@click.option("--ascending", is_flag=True, help="With --sort: lowest first.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many."
)
@click.option("--of", metavar="RUN", help="Only the parts of this run, such as a sweep's points.")
@click.option("--all", "unfolded", is_flag=True, help="Also the parts of other runs.")
def runs(
    sort: str | None,
    ascending: bool,
    limit: int,
    of: str | None,
    unfolded: bool,
    **chosen: Any,
) -> View:
    """List the captured runs, the newest first; a sweep is one of them, its points are its parts.

    The expression of --filter may use metrics, parameters and tags by their names, and run,
    notebook, kind, model, status, seconds, started and user, with and, or, not, in.
    """
    from ...tracking.selection import choose
    from ...tracking.store import Store
    from ..run_list import runs as view

    project = Project.find()
    store = Store(project)
    store.sync()
    more = {"sort": sort, "ascending": ascending, "limit": limit}
    parent = store.run(of).run if of is not None else None
    choice = choice_of(project, chosen, **more, folded=not unfolded, parent=parent)
    return view(choose(store, choice), narrowed=choice.narrows)


@verb
@click.argument("run", default="latest")
def show(run: str) -> View:
    """Show one run: cells, parameters, metrics, data, seeds, figures, notes, environment."""
    from ...tracking.store import Store
    from ..run_view import run as view

    project = Project.find()
    store = Store(project)
    store.sync()
    found = store.run(run)
    return _points(project, found.run) or view(found)


def _points(project: Project, run: str) -> View | None:
    """Return a sweep or tuning with its points; None for other runs."""
    from ...sweeps.record import read_sweep
    from ...sweeps.setting import FOLDER
    from ..sweep_view import sweep
    from ..tune_view import tuned

    folder = project.state / FOLDER / run
    if not (folder / "sweep.json").is_file():
        return None
    found = read_sweep(folder)
    told = tuned if found.head.kind == "tune" else sweep
    return replace(told(found, project), exit_code=0)


@verb
@notebook_argument
@given_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Keep the result here too.")
@click.option(
    "--cached/--no-cache",
    default=None,
    help="Run only what has changed, or what it reads; default: `[rerun] cached` in mlops.toml.",
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value="latest",
    metavar="[RUN]",
    help="Go on from a cached rerun that failed; default: the newest one.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long each cell may take; default: as long as it wants.",
)
def rerun(
    notebook: Path,
    assignments: tuple[str, ...],
    output: Path | None,
    cached: bool | None,
    resume: str | None,
    timeout: float | None,
) -> View:
    """Run a notebook again, tracked, with other parameters; with --cached only what has changed."""
    from ...pipeline.rerunning import rerun as start

    given = given_parameters(notebook, assignments)
    running = start(notebook, given, cached=cached, resume=resume, output=output, timeout=timeout)
    return shown.rerun(follow(running))
