"""What a failing cell is told as: the cell and line that the user knows, and the exception."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import MlopsError
from ..notebook.cell_lines import BODIES, UNREADABLE, line_in_body, line_of
from ..notebook.document import Cell, Notebook

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CHAIN = re.compile("During handling of the above exception|The above exception was the direct")
_BODY = re.compile(rf"File (?:{'|'.join(map(re.escape, BODIES))}):(\d+)")
_UNREADABLE = re.compile(rf"File {UNREADABLE}:(\d+)")
_MESSAGE_CHARACTERS = 500


def cell_failed(
    notebook: Notebook,
    cell: Cell,
    *,
    name: str,
    message: str,
    traceback: Sequence[str],
    execution_count: int | None,
    executed: Path,
) -> MlopsError:
    """Return the error ``rerun.cell-failed``.

    Parameters
    ----------
    name, message
        The exception's type and text.
    traceback
        IPython's traceback, as the executed notebook holds it.
    executed
        Where the partly executed notebook is kept.
    """
    shown = message if len(message) <= _MESSAGE_CHARACTERS else message[:_MESSAGE_CHARACTERS] + "…"
    return MlopsError(
        "rerun.cell-failed",
        f"{name}: {shown}" if shown else name,
        hint=f"the partly executed notebook with the traceback is {executed}.",
        place=notebook.place(cell, line_in_cell(traceback, execution_count, cell.source)),
    )


def line_in_cell(traceback: Sequence[str], execution_count: int | None, source: str) -> int | None:
    """Return the line of the cell that raised, counted from 1, where the traceback tells it."""
    text = ANSI.sub("", "\n".join(traceback))
    # IPython shows causes first.
    for chained in reversed(_CHAIN.split(text)):
        if found := re.search(rf"Cell In\[{execution_count}\], line (\d+)", chained):
            inside = _BODY.search(chained) or _UNREADABLE.search(chained)
            below = line_in_body(source, int(inside[1])) if inside else None
            return below or line_of(source, int(found[1]))
    return None
