"""How a cached rerun that fails is told: as any other rerun, and how to go on."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import MlopsError, Place
from ...notebook.document import Notebook
from ..model import Step
from .assembled import CellResult
from .process import Ended

_LONGEST = 500


def failed(
    notebook: Notebook,
    error: Mapping[str, Any],
    results: Sequence[CellResult],
    executed: Path,
) -> MlopsError:
    """Return the error of a unit whose cell failed, or that could not be run at all.

    ``results`` are what became of the unit's cells, ``executed`` is where the notebook is kept.
    """
    place = Place(**error["place"]) if error.get("place") else notebook.place()
    outputs = [each for result in results for each in result.outputs]
    shown = next((o for o in reversed(outputs) if o["output_type"] == "error"), None)
    if error.get("code") != "step.failed" or shown is None:
        hint = f"{error.get('hint', '')} {_go_on(notebook)}".strip()
        return MlopsError(str(error["code"]), str(error["message"]), hint=hint, place=place)
    text = f"{shown['ename']}: {shown['evalue']}" if shown["evalue"] else shown["ename"]
    return MlopsError(
        "rerun.cell-failed",
        text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…",
        hint=f"the partly executed notebook with the traceback is {executed}; {_go_on(notebook)}",
        place=place,
    )


def ended(
    notebook: Notebook,
    step: Step,
    end: Ended | None,
    running: str | None,
    timeout: float | None,
) -> tuple[MlopsError, dict[str, Any]]:
    """Return the error of a unit whose process ended early, and the output that tells of it.

    ``running`` is the id of the cell that had begun.
    """
    cell = next((c for c in step.cells if c.id == running), step.cells[0])
    place = notebook.place(cell)
    if end is not None and end.late:
        name, code = "CellTimeoutError", "rerun.timeout"
        message = "The cell took longer than the execution timeout allows."
        hint = "give it more time, or less to do;"
        if timeout is not None:
            message = f"The cell took longer than {timeout:g} s."
        place = end.place if end.place.cell == cell.position else place
    else:
        name, code = "DeadKernelError", "rerun.kernel-died"
        message = f"The process died while this cell ran{_how(end)}."
        hint = "look whether the cell needs more memory than there is, or calls native code that "
        hint += "crashes;"
    output = {
        "output_type": "error",
        "ename": name,
        "evalue": message,
        "traceback": [f"{name}: {message}"],
    }
    return MlopsError(code, message, hint=f"{hint} {_go_on(notebook)}", place=place), output


def _how(end: Ended | None) -> str:
    if end is None or end.code is None:
        return ""
    if end.code < 0:
        return f" ({signal.Signals(-end.code).name})"
    return f" (exit code {end.code})"


def _go_on(notebook: Notebook) -> str:
    return f"`jupyter mlops rerun {notebook.name} --resume` goes on from there."
