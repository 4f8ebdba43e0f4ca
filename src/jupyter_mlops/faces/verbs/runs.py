"""Verbs on captured runs."""

from __future__ import annotations

from pathlib import Path

import click

from ...project import Project
from .. import shown
from ..command import follow, notebook_argument, parameters_option, parse_assignments, verb
from ..views import View


@verb
@click.option("--notebook", help="Only the runs of this notebook.")
@click.option("--limit", default=20, show_default=True, help="At most so many, newest first.")
def runs(notebook: str | None, limit: int) -> View:
    """List the captured runs."""
    from ...tracking.store import Store

    project = Project.find()
    store = Store(project)
    store.sync()
    name = project.relative(notebook) if notebook else None
    return shown.runs(store.runs(name, limit))


@verb
@click.argument("run", default="latest")
def show(run: str) -> View:
    """Show one run: cells, parameters, metrics, data, environment."""
    from ...tracking.store import Store

    store = Store(Project.find())
    store.sync()
    return shown.run(store.run(run))


@verb
@notebook_argument
@parameters_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Keep the result here too.")
def rerun(notebook: Path, assignments: tuple[str, ...], output: Path | None) -> View:
    """Run a notebook again with papermill, tracked, with other parameters."""
    from ...rerun.rerun import rerun as start

    return shown.rerun(follow(start(notebook, parse_assignments(assignments), output=output)))
