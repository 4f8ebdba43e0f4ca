"""How a point has ended whose process did not say so itself, or was told to end."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path

import msgspec

from ..errors import MlopsError, Place
from ..notebook.document import Notebook
from ..pipeline.targets.schedule import last_line
from .outcome import Outcome
from .processes import Process


def killed(notebook: Notebook, process: Process, code: int | None, log: Path) -> Outcome:
    """Return how a process ended that has gone without a word.

    ``code`` is its exit code, negative for a signal; None where nobody knows.
    """
    name = f"point {process.point.number}" if process.point else "the cells that all share"
    message = f"The process of {name} was killed"
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            message += f" by {signal.Signals(-code).name}"
    elif code is not None:
        message = f"The process of {name} ended with code {code}"
        if last := last_line(log):
            message += f"; its last line: {last}"
    error = MlopsError(
        "rerun.kernel-died",
        f"{message}.",
        hint="look whether the cell needs more memory than there is, or calls native code that "
        f"crashes; its log is {log}.",
        place=place(notebook, process),
    )
    seconds = round(time.monotonic() - process.started, 3)
    return Outcome("failed", process.run, error=error, seconds=seconds)


def took_too_long(
    notebook: Notebook, process: Process, outcome: Outcome, timeout: float
) -> Outcome:
    """Return the outcome of a process whose cell was ended after ``timeout`` seconds."""
    told = outcome.error.place if outcome.error is not None else None
    error = MlopsError(
        "rerun.timeout",
        f"The cell took longer than {timeout:g} s.",
        hint="give it more time (`--timeout`), or less to do.",
        place=told or place(notebook, process),
    )
    return msgspec.structs.replace(outcome, status="failed", error=error)


def place(notebook: Notebook, process: Process) -> Place:
    """Return the cell that a process runs or ran last."""
    cell = next((each for each in notebook.cells if each.position == process.cell), None)
    return notebook.place(cell)
