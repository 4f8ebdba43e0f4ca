"""The verb that looks for what would keep a notebook from production."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...project import Project
from ..command import verb
from ..kernel import kernel_option, read_kernel
from ..readiness_view import in_colour, report_view, rules_view
from ..views import View

if TYPE_CHECKING:
    from ...notebook.kernel_state import KernelState
    from ...readiness.check import Report


@verb
@click.argument("notebooks", nargs=-1, type=click.Path(path_type=Path), metavar="NOTEBOOK…")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="For people, programs, GitHub's annotations, or code scanning.",
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option("--rule", "only", multiple=True, metavar="RULE", help="Only this rule; many times.")
@click.option("--ignore", multiple=True, metavar="RULE", help="Not this rule; many times.")
@click.option("--list-rules", is_flag=True, help="List the rules, and check nothing.")
@kernel_option
def check(
    notebooks: tuple[Path, ...],
    form: str,
    strict: bool,
    only: tuple[str, ...],
    ignore: tuple[str, ...],
    list_rules: bool,
    kernel_file: Path | None,
) -> View:
    """Find what would keep notebooks from production; exit with 1 where there are errors."""
    from ...readiness.rule import all_rules

    if list_rules:
        return rules_view(all_rules().values())
    if not notebooks:
        raise click.UsageError("Missing argument 'NOTEBOOK…'.")
    kernel = read_kernel(kernel_file)
    reports = [_check(path, kernel, only, ignore) for path in notebooks]
    strict = strict or any(Project.find(path).settings.check.strict for path in notebooks)
    failed = not all(report.passes(strict=strict) for report in reports)
    view = report_view(reports, failed=failed)
    context = click.get_current_context()
    if not context.params.get("as_json"):
        if text := _text(reports, form):
            click.echo(text)
        view = View(data=view.data, exit_code=view.exit_code)
    return view


def _check(
    path: Path, kernel: KernelState | None, only: tuple[str, ...], ignore: tuple[str, ...]
) -> Report:
    from ...readiness.check import check_file

    project = Project.find(path)
    return check_file(
        path,
        name=project.relative(path),
        kernel=kernel,
        ignore=(*project.settings.check.ignore, *ignore),
        only=only,
    )


def _text(reports: list[Report], form: str) -> str:
    from ...readiness import formats
    from ...readiness.rule import all_rules

    if form == "json":
        return formats.as_json(reports)
    if form == "github":
        return formats.as_github(reports)
    if form == "sarif":
        return formats.as_sarif(reports, all_rules().values())
    return in_colour(reports)
