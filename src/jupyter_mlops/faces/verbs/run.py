"""The verb that runs a notebook's pipeline, or a chain of notebooks, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...project import Project
from ..choosing_chain import chain_of
from ..command import (
    follow,
    notebook_or_pipeline_argument,
    timeout_option,
    verb,
)
from ..given import given_options, given_parameters
from ..views import Table, View

if TYPE_CHECKING:
    from ...pipeline.run import LocalRun


@verb
@notebook_or_pipeline_argument
@given_options
@click.option("--workers", type=click.IntRange(min=1), help="Steps at a time; default: the CPUs.")
@click.option("--no-cache", is_flag=True, help="Run every step, and keep nothing in the cache.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="latest",
    metavar="[RUN]",
    help="Go on from a run that failed; default: the newest one.",
)
@timeout_option
@click.option("--list", "listing", is_flag=True, help="List the runs of this pipeline instead.")
def run(
    notebook: Path,
    assignments: tuple[str, ...],
    workers: int | None,
    no_cache: bool,
    resume: str | None,
    timeout: float | None,
    listing: bool,
) -> View:
    """Run a tagged notebook's pipeline here: steps in processes, the unchanged from the cache.

    A PIPELINE is the name of a `[[pipeline]]` in mlops.toml: its notebooks run as one graph, and
    -p is `NOTEBOOK.NAME=VALUE`.
    """
    chain = chain_of(notebook)
    if chain is not None:
        return _run_chain(chain, assignments, workers, resume, timeout, listing)
    from ...notebook.document import read
    from ...pipeline.compile import compile_notebook
    from ...pipeline.run import run as start
    from ...pipeline.run import runs

    if listing:
        project = Project.find(notebook)
        name = compile_notebook(read(notebook, name=project.relative(notebook))).name
        return _listed(runs(project, name))
    given = given_parameters(notebook, assignments)
    running = start(
        notebook, given, workers=workers, cached=not no_cache, resume=resume, timeout=timeout
    )
    found = follow(running)
    return _shown(found)


def _run_chain(
    chain: str,
    assignments: tuple[str, ...],
    workers: int | None,
    resume: str | None,
    timeout: float | None,
    listing: bool,
) -> View:
    from ...chains.record import chain_runs
    from ...chains.run import run_chain
    from .. import chain_view
    from ..given_chain import given_for_chain

    if listing:
        return chain_view.chain_runs(chain_runs(Project.find(), chain))
    given = given_for_chain(assignments)
    running = run_chain(chain, given, workers=workers, resume=resume, timeout=timeout)
    return chain_view.chain_run(follow(running))


def _shown(found: LocalRun) -> View:
    rows = [
        [name, "from the cache" if each.get("cached") else each["status"], each["seconds"]]
        for name, each in found.steps.items()
    ]
    tables = [Table("", ("step", "", "seconds"), rows)]
    if found.metrics:
        tables.append(Table("", ("metric", "value"), [list(m) for m in found.metrics.items()]))
    lines = [f"run {found.name}: {found.seconds:.1f} s; executed notebooks in {found.work}/steps"]
    return View(lines, tables, found.to_dict())


def _listed(found: list[LocalRun]) -> View:
    rows = [[each.name, each.status, each.started, each.seconds] for each in found]
    table = Table("", ("run", "status", "started", "seconds"), rows)
    return View(tables=[table], data=[each.to_dict() for each in found])
