"""The notebook of a run, as it was."""

from __future__ import annotations

from pathlib import Path

import click

from ..command import follow, verb
from ..views import View


@verb
@click.argument("run", default="latest")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The new file; default: NOTEBOOK-RUN.ipynb beside the notebook.",
)
def restore(run: str, output: Path | None) -> View:
    """Write the notebook of a run, as it was, to a new file, and tell what has changed since."""
    from ...tracking.restore import Restored
    from ...tracking.restore import restore as start

    found = follow(start(run, output))
    assert isinstance(found, Restored)
    lines = [f"{found.file} is {found.notebook} as it was in the run {found.run}.", *found.changes]
    return View(lines, data=found.to_dict())
