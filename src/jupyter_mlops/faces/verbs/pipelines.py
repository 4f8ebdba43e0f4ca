"""Verbs that turn a notebook into a pipeline and a release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...project import Project
from .. import shown
from ..command import follow, notebook_argument, parameters_option, parse_assignments, verb
from ..views import View


@verb
@notebook_argument
def pipeline(notebook: Path) -> View:
    """Show the pipeline that the notebook's tags and dataflow mean."""
    from ...notebook.document import read
    from ...pipeline.compile import compile_notebook

    project = Project.find(notebook)
    return shown.pipeline(compile_notebook(read(notebook, name=project.relative(notebook))))


@verb
@notebook_argument
@parameters_option
@click.option(
    "--images",
    type=click.Choice(["auto", "require", "none"]),
    default="auto",
    show_default=True,
    help="Build container images: where a Docker engine answers, always, or never.",
)
def promote(notebook: Path, assignments: tuple[str, ...], images: Any) -> View:
    """Turn a tagged notebook into a release, proven equal to the notebook."""
    from ...deploy.promote import promote as start

    return shown.release(follow(start(notebook, parse_assignments(assignments), images=images)))


@verb
@click.argument("name", required=False)
def releases(name: str | None) -> View:
    """List the releases."""
    from ...deploy.releases import Releases

    return shown.releases(Releases(Project.find()).list(name))
