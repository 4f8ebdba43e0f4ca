"""What the file keeps of the last run."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..context import Context
from ..rule import Found, rule

_LARGE = 1_000_000


@rule(
    "saved-error",
    "warning",
    what="a cell whose saved output is an error",
    why="The cell failed when it last ran.",
    fix="mend the cell and run it again, or tag it `raises-exception` where the error is meant.",
    example="a traceback below a cell",
)
def saved_error(context: Context) -> Iterator[Found]:
    running = {cell.id for cell in context.cells}
    for cell, outputs in context.outputs:
        if cell.id not in running or "raises-exception" in cell.tags:
            continue
        for output in outputs:
            if output.get("output_type") == "error" and output.get("ename") != "SystemExit":
                message = str(output.get("evalue") or "").split("\n")[0][:100]
                name = output.get("ename") or "an error"
                yield Found(f"the cell ended with {name}{f': {message}' if message else ''}", cell)


@rule(
    "large-output",
    "note",
    what="saved outputs of a cell of more than 1 MB",
    why="The file is slow to open, to save and to compare.",
    fix="show less, such as `frame.head()`, or clear the output.",
    example="a frame of 100,000 rows as HTML",
)
def large_output(context: Context) -> Iterator[Found]:
    if len(context.text or "") < _LARGE:
        return
    for cell, outputs in context.outputs:
        size = len(json.dumps(outputs))
        if size > _LARGE:
            yield Found(f"the cell's saved outputs take {size / 1e6:.1f} MB", cell)
