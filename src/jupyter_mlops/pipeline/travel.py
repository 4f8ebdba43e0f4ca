"""What cannot travel between steps, told before a step runs: who makes it, and who wants it."""

from __future__ import annotations

import json
from pathlib import Path

from ..capture.observing import ERROR
from ..errors import MlopsError
from ..notebook.dataflow import cell_flow
from ..notebook.document import Cell, Notebook
from .model import Pipeline, Step
from .work import outputs_folder

UNSERIALISABLE = "values.unserialisable"


def check_travel(notebook: Notebook, pipeline: Pipeline, folder: Path) -> None:
    """Refuse outputs that the reference run in ``folder`` could not keep.

    Raises `MlopsError` ``pipeline.cannot-travel`` at the cell that makes the value; the message
    names the cell that wants it.
    """
    for step in pipeline.steps:
        try:
            error = json.loads((outputs_folder(folder, step.name) / ERROR).read_text())
        except (OSError, ValueError):
            continue
        if error.get("code") == UNSERIALISABLE:
            raise _refusal(notebook, pipeline, step, str(error["message"]))


def _refusal(notebook: Notebook, pipeline: Pipeline, step: Step, message: str) -> MlopsError:
    name = next((each for each in step.outputs if message.startswith(f"`{each}` ")), "")
    maker, line = _maker(notebook, step, name)
    wanting = next((each for each in pipeline.steps if each.inputs.get(name) == step.name), None)
    words = ""
    hint = "make it in the step that uses it, or give both cells the same step tag."
    if wanting is not None:
        reader = next(
            (c for c in wanting.cells if name in cell_flow(c, notebook).reads), wanting.cells[0]
        )
        words = f" Cell {reader.position} (step `{wanting.name}`) wants it."
        hint = (
            f"make it in cell {reader.position}, or give cells {maker.position} and "
            f"{reader.position} the same step tag."
        )
    return MlopsError(
        "pipeline.cannot-travel",
        f"{message}{words}",
        hint=hint,
        place=notebook.place(maker, line),
    )


def _maker(notebook: Notebook, step: Step, name: str) -> tuple[Cell, int | None]:
    """Return the last cell of the step that binds the name, and the line."""
    for cell in reversed(step.cells):
        flow = cell_flow(cell, notebook)
        if name in flow.writes:
            return cell, flow.writes[name]
    return step.cells[-1], None
