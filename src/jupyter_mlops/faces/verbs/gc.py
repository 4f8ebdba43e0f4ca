"""The verb that frees what is no longer needed."""

from __future__ import annotations

import click

from ...project import Project
from ..command import follow, verb
from ..views import Table, View


@verb
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="DAYS",
    help="Only what was not used for so long.",
)
@click.option("--runs", is_flag=True, help="Runs in the store too, unless tagged `keep`.")
@click.option("--yes", is_flag=True, help="Remove it; without this it is only shown.")
def gc(older_than: float, runs: bool, yes: bool) -> View:
    """Free what is no longer needed; what releases, endpoints or the audit log name stays."""
    from ...deploy.cleanup import clean_up

    done = follow(clean_up(Project.find(), older_than=older_than, runs=runs, remove=yes))
    if not done.found:
        return View(
            [f"Nothing is older than {older_than:g} days and unneeded."], data=done.to_dict()
        )
    kinds = dict.fromkeys(each.kind for each in done.found)
    rows = []
    for kind in kinds:
        things = [each for each in done.found if each.kind == kind]
        oldest = max(each.age for each in things) / 86_400
        rows.append(
            [kind, len(things), _size(sum(each.size for each in things)), f"{oldest:.0f} d"]
        )
    total = _size(sum(each.size for each in done.found))
    if done.removed:
        lines = [f"Removed {total}."]
    else:
        lines = [f"{total} can go; `jupyter mlops gc --yes` with the same options removes it."]
    return View(lines, [Table("", ("what", "count", "size", "oldest"), rows)], done.to_dict())


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
