"""The verb that proves a pipeline equal to its notebook, without a promotion."""

from __future__ import annotations

from pathlib import Path

import click

from ...project import Project
from ..command import follow, notebook_argument, verb
from ..given import given_options, given_parameters
from ..kernel import kernel_option, read_kernel
from ..views import Table, View

accept_option = click.option(
    "--accept",
    "accepted",
    multiple=True,
    metavar="NAME",
    help="Accept a difference by name: a variable, step.variable, or 'cell 7' for what a cell "
    "shows; may be given many times, and is recorded.",
)


@verb
@notebook_argument
@given_options
@accept_option
@kernel_option
def prove(
    notebook: Path,
    assignments: tuple[str, ...],
    accepted: tuple[str, ...],
    kernel_file: Path | None,
) -> View:
    """Run notebook and pipeline from clean state and compare them, name by name.

    The exit code is 1 where something differs that is not accepted.
    """
    from ...pipeline.proving import prove as start

    project = Project.find(notebook)
    kernel = read_kernel(kernel_file)
    given = given_parameters(notebook, assignments)
    proving = start(notebook, given, project=project, accept=accepted, kernel=kernel)
    found = follow(proving)
    proof = found.proof
    rows = [
        [
            each.step,
            each.name,
            each.kind,
            each.verdict,
            str((each.origin or each.place).cell),
            f"{each.words}; {each.accepted}" if each.accepted else each.words,
        ]
        for each in proof.comparisons
    ]
    table = Table("", ("step", "name", "kind", "verdict", "cell", "what differs"), rows)
    page = project.relative(found.page)
    return View(
        [proof.words, f"page: {page}"],
        [table] if rows else [],
        {**proof.to_dict(), "page": page},
        exit_code=0 if proof.ok else 1,
    )
