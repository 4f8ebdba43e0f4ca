"""Verbs that turn a notebook into a pipeline and a release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ...project import Project
from .. import shown
from ..choosing_chain import chain_of
from ..command import (
    follow,
    notebook_argument,
    notebook_or_pipeline_argument,
    timeout_option,
    verb,
)
from ..given import given_options, given_parameters
from ..kernel import kernel_option, read_kernel
from ..views import View
from .prove import accept_option


@verb
@notebook_or_pipeline_argument
@kernel_option
def pipeline(notebook: Path, kernel_file: Path | None) -> View:
    """Show the pipeline that the notebook's tags and dataflow mean.

    Where its cells have run under capture, what they were seen to do counts too. A PIPELINE is the
    name of a `[[pipeline]]` in mlops.toml: it is checked, and shown with what flows between its
    notebooks.
    """
    chain = chain_of(notebook)
    if chain is not None:
        return _chain(chain)
    from ...notebook.document import read
    from ...notebook.ghosts import find_ghosts
    from ...pipeline.compile import compile_notebook
    from ...pipeline.model import Notice
    from ...tracking.flows import latest_flow
    from ..pipeline_shown import pipeline as view

    project = Project.find(notebook)
    source = read(notebook, name=project.relative(notebook))
    found = compile_notebook(source, latest_flow(project, source))
    ghosts = find_ghosts(source, read_kernel(kernel_file))
    hidden = tuple(Notice(f"{ghost.message} {ghost.fix}", ghost.place) for ghost in ghosts)
    return view(replace(found, notices=(*found.notices, *hidden)))


@verb
@notebook_argument
@given_options
@click.option(
    "--images",
    type=click.Choice(["auto", "require", "none"]),
    default="auto",
    show_default=True,
    help="Build container images: where a Docker engine answers, always, or never.",
)
@accept_option
@timeout_option
@click.option("--auto", is_flag=True, help="Write suggested tags into an untagged notebook first.")
@kernel_option
def promote(
    notebook: Path,
    assignments: tuple[str, ...],
    images: Any,
    accepted: tuple[str, ...],
    timeout: float | None,
    auto: bool,
    kernel_file: Path | None,
) -> View:
    """Turn a tagged notebook into a release, proven equal to the notebook."""
    from ...deploy.promote import promote as start

    kernel = read_kernel(kernel_file)
    given = given_parameters(notebook, assignments)
    promotion = start(
        notebook,
        given,
        images=images,
        accept=accepted,
        auto=auto,
        kernel=kernel,
        timeout=timeout,
    )
    return shown.release(follow(promotion))


def _chain(name: str) -> View:
    from ...chains.graph import read_chain
    from ...chains.plan import plan
    from .. import chain_view

    project = Project.find()
    return chain_view.chain(plan(project, read_chain(project, name)))


@verb
@click.argument("name", required=False)
def releases(name: str | None) -> View:
    """List the releases."""
    from ...deploy.releases import Releases

    return shown.releases(Releases(Project.find()).list(name))
