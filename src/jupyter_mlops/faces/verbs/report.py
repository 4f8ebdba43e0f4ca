"""The verb that makes a page of an executed notebook."""

from __future__ import annotations

from pathlib import Path

import click

from ...project import Project
from ..command import verb
from ..views import View


@verb
@click.argument("subject", metavar="RUN|NOTEBOOK", default="latest")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: NAME.html here.")
@click.option("--no-input", is_flag=True, help="Leave the cells' code out.")
def report(subject: str, output: Path | None, no_input: bool) -> View:
    """Make an HTML page of an executed notebook, with its run's card on top.

    The page is one file, needs no network, and is light or dark as the reader's system is.
    """
    from ..look.report import report as make
    from ..look.report import write

    project = Project.find(subject if subject.endswith(".ipynb") else None)
    name, page = make(project, subject, inputs=not no_input)
    path = output or Path(f"{name}.html")
    write(page, path)
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    return View([f"report: {path} ({size})"], data={"path": str(path), "name": name})
