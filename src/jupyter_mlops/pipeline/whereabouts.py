"""Where a step is: the cell and line that it runs, told on a signal, whatever the cell does."""

from __future__ import annotations

import contextlib
import faulthandler
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import Place
from ..notebook.cell_lines import BODIES, line_in_body, line_of
from ..notebook.document import Cell
from .model import Pipeline, Step

SIGNAL = signal.SIGUSR1 if hasattr(signal, "SIGUSR1") else None
FILE = "where.txt"
_PATIENCE = 1.0
_BODY = re.compile(rf'File "(?:{"|".join(map(re.escape, BODIES))})", line (\d+)')
_FRAME = re.compile(r'^  File ".*, cell (\d+)", line (\d+) in (.*)$')


def tell_on_signal(folder: Path) -> None:
    """Let this process write what it runs into the step's folder when `SIGNAL` comes."""
    if SIGNAL is None:
        return
    file = (folder / FILE).open("w")
    # For the whole life of the process: its descriptor is written to by the handler itself.
    tell_on_signal.file = file  # type: ignore[attr-defined]
    faulthandler.register(SIGNAL, file=file, all_threads=True)


def ask(folder: Path, pipeline: Pipeline, step: Step, send: Callable[[], None]) -> Place:
    """Return the place where a step is; where no cell runs, that where the step begins.

    Parameters
    ----------
    folder
        The step's folder.
    send
        Sends `SIGNAL` to the step's process.
    """
    place = Place(pipeline.notebook)
    for first in step.cells[:1]:
        place = Place(pipeline.notebook, first.position, first.id)
    file = folder / FILE
    if SIGNAL is None or not file.exists():
        return place
    with contextlib.suppress(OSError):
        send()
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            text = file.read_text(errors="replace")
            if found := _running(text, (*step.prelude, *step.cells)):
                cell, line = found
                return Place(pipeline.notebook, cell.position, cell.id, line)
            time.sleep(0.05)
    return place


def _running(text: str, cells: tuple[Cell, ...]) -> tuple[Cell, int] | None:
    """Return the cell that runs, and its line, from what `faulthandler` writes: innermost first."""
    for thread in re.split(r"\n(?=\S)", text):
        frames = [match for line in thread.split("\n") if (match := _FRAME.match(line))]
        running = next((f[1] for f in reversed(frames) if f[3] == "<module>"), None)
        for frame in frames:
            if frame[1] == running:
                cell = next((c for c in cells if c.position == int(frame[1])), None)
                if cell is None:
                    return None
                inside = _BODY.search(thread)
                below = line_in_body(cell.source, int(inside[1])) if inside else None
                return cell, below or line_of(cell.source, int(frame[2]))
    return None
