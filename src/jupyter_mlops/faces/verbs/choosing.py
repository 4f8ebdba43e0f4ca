"""The options of verbs that look at many runs: which of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from ...project import Project

if TYPE_CHECKING:
    from ...tracking.selection import Choice

_OPTIONS = (
    click.option(
        "--filter",
        metavar="EXPRESSION",
        help="Only runs for which it holds: `accuracy > 0.9 and max_depth >= 4`.",
    ),
    click.option("--notebook", help="Only the runs of this notebook."),
    click.option(
        "--tag", "tags", multiple=True, metavar="WORD|KEY=VALUE", help="Only runs with this tag."
    ),
    click.option(
        "--status",
        type=click.Choice(["running", "finished", "failed", "killed"], case_sensitive=False),
        help="Only runs that ended so, or go on.",
    ),
    click.option("--since", metavar="TIME", help="Only runs since then: `2d`, `12h`, a date."),
)


def choosing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb these options."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def choice_of(project: Project, given: Mapping[str, Any], **more: Any) -> Choice:
    """Return the choice that the options make."""
    from ...tracking.selection import Choice

    notebook, status = given["notebook"], given["status"]
    return Choice(
        notebook=project.relative(notebook) if notebook else None,
        filter=given["filter"],
        tags=given["tags"],
        status=status.upper() if status else None,
        since=given["since"],
        **more,
    )
