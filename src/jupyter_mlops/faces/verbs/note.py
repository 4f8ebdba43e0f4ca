"""Notes and tags on runs."""

from __future__ import annotations

import click

from ...capture.run_tags import read_tags
from ...project import Project
from ..command import verb
from ..views import View


@verb
@click.argument("run")
@click.argument("text", nargs=-1, required=True)
def note(run: str, text: tuple[str, ...]) -> View:
    """Add a note to a run."""
    from ...tracking import annotating
    from ...tracking.store import Store

    name = annotating.note(Store(Project.find()), run, " ".join(text))
    return View([f"Noted at the run {name}."], data={"run": name})


@verb
@click.argument("run")
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE|WORD...")
def tag(run: str, tags: tuple[str, ...]) -> View:
    """Give a run tags, to find it by."""
    from ...tracking import annotating
    from ...tracking.store import Store

    read = read_tags(tags)
    name = annotating.tag(Store(Project.find()), run, read)
    shown = ", ".join(f"{key}={value}" for key, value in read.items())
    return View([f"The run {name} is tagged {shown}."], data={"run": name, "tags": read})
