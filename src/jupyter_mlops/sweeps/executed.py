"""The executed notebook of a point: the notebook's own file, with outputs from two processes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ..notebook.document import Notebook
from ..notebook.parameters import parameters_cell
from ..notebook.secret_references import Redactor
from ..os_errors import explain_os_errors
from ..pipeline.execution import Execution
from ..pipeline.incremental.assembled import CellResult, assemble


def keep_executed(
    notebook: Notebook,
    executions: Iterable[Execution],
    *,
    run: str,
    injected: str,
    redactor: Redactor,
    path: Path,
) -> None:
    """Write the notebook with the outputs of what was executed, in one piece.

    ``injected`` is the source of the cell that stands behind the parameters cell. Raises
    `MlopsError` ``project.disk-full``.
    """
    done = {each.cell.id: CellResult(each.outputs, round(each.seconds, 3)) for each in executions}
    home = parameters_cell(notebook)
    ids = [cell.id for cell in notebook.cells]
    behind = (home.id, injected) if home is not None else None
    text = assemble(notebook.path, ids, run, done, behind)
    if redactor:
        text = msgspec.json.encode(redactor.all(msgspec.json.decode(text)))
    write(text, path)


def write(text: bytes, path: Path) -> None:
    """Write a notebook in one piece; raises `MlopsError` ``project.disk-full``."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    with explain_os_errors(path):
        try:
            staged.write_bytes(text)
            os.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)
