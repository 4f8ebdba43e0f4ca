"""The parent's side of a stretch: a process that is started, told which units to run, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._calm import calm
from ..._hashes import with_hashes
from ...errors import Place
from ...os_errors import explain_os_errors
from .. import whereabouts
from ..lifeline import Lifeline
from ..model import Step
from ..work import RESULT, step_folder
from .assignment import Assignment

LOG = "log.txt"
_MODULE = f"{__package__}.stretch"
_PATIENCE = 5.0
"""Seconds that a cell has to end after an interrupt, and a process after its last unit."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a unit ended that left no result: ``late`` says that a cell took too long.

    ``cell`` is the id of the cell that ran.
    """

    code: int | None
    cell: str | None
    place: Place
    late: bool = False


class StretchProcess:
    """One process; it ends with this object's `close`, and with the process that made it.

    ``timeout`` are the seconds that each cell may take.
    """

    def __init__(self, assignment: Assignment, timeout: float | None = None) -> None:
        self._assignment = assignment
        self._timeout = timeout
        self._pending = b""
        self._cell: str | None = None
        work = assignment.work
        with explain_os_errors(work):
            given = work / "assignment.pickle"
            given.write_bytes(pickle.dumps(assignment))
        self._lifeline = Lifeline()
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        words = [
            *("--assignment", str(given)),
            *("--commands", str(commands), "--answers", str(answers)),
            *self._lifeline.arguments,
        ]
        inherited = (commands, answers, *self._lifeline.inherited)
        self._process = launch(words, assignment, work / LOG, inherited)
        os.close(commands)
        os.close(answers)

    def run(self, step: Step) -> Iterator[str | Ended]:
        """Run a unit; yield the ids of its cells as they begin, and how it ended without a result.

        Where the consumer goes away, as by an interrupt, the running cell is interrupted.
        """
        folder = step_folder(self._assignment.work, step.name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RESULT).unlink(missing_ok=True)
        self._cell = None
        with contextlib.suppress(BrokenPipeError):
            os.write(self._commands, json.dumps({"step": step.name}).encode() + b"\n")
        done = False
        try:
            while True:
                answer = self._answer()
                if answer is None:
                    late = self._process.poll() is None and self._timeout is not None
                    done = True
                    yield self._ended(step, folder, late=late)
                    return
                if "done" in answer:
                    done = True
                    return
                self._cell = answer["cell"]
                yield answer["cell"]
        finally:
            if not done:
                self.interrupt()

    def interrupt(self) -> None:
        """Interrupt the running cell, and let it leave what it has; end the process."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGINT)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            answer = self._answer(end - time.monotonic())
            if answer is None or "done" in answer:
                break
        self._kill()

    def close(self) -> None:
        """End the process; it has nothing left to do."""
        if self._commands >= 0:
            os.close(self._commands)
            self._commands = -1
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill()
        # What cells have started in the background does not outlive them.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._answers >= 0:
            os.close(self._answers)
            self._answers = -1
        self._lifeline.__exit__(None, None, None)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _ended(self, step: Step, folder: Path, *, late: bool) -> Ended:
        pipeline = self._assignment.pipeline
        if late:

            def send() -> None:
                if whereabouts.SIGNAL is not None:
                    os.kill(self._process.pid, whereabouts.SIGNAL)

            place = whereabouts.ask(folder, pipeline, step, send)
            self.interrupt()
            return Ended(None, self._cell, place, late=True)
        code = self._process.wait()
        cell = next((c for c in step.cells if c.id == self._cell), step.cells[0])
        return Ended(code, self._cell, Place(pipeline.notebook, cell.position, cell.id))

    def _answer(self, seconds: float | None = None) -> dict[str, Any] | None:
        """Return the next answer; None where the process has ended or takes too long."""
        limit = self._timeout if seconds is None else max(0.0, seconds)
        if self._cell is None and seconds is None:
            limit = None  # imports and inputs are no cell
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._answers], [], [], limit)
            received = os.read(self._answers, 65536) if ready else b""
            if not received:
                return None
            self._pending += received
        line, _, self._pending = self._pending.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found


def launch(
    words: Sequence[str], assignment: Assignment, log: Path, inherited: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Start the process of a stretch with these arguments."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE, *words],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=assignment.cwd,
            env=environment(assignment),
            start_new_session=True,
            pass_fds=inherited,
        )


def environment(assignment: Assignment) -> dict[str, str]:
    """Return the environment of the process of a stretch."""
    source = str(Path(__file__).resolve().parents[3])
    environment = with_hashes(calm(os.environ))
    environment.pop("JUPYTER_MLOPS_RUN", None)
    # A rerun started from within a step or a notebook is a run of its own.
    environment.pop("JUPYTER_MLOPS_STEP", None)
    environment["JPY_SESSION_NAME"] = str(assignment.path)
    environment["JUPYTER_MLOPS_PROJECT"] = str(assignment.root)
    # The process must run this very package, also from a checkout that is not installed.
    known = environment.get("PYTHONPATH", "").split(os.pathsep)
    if source not in known and "site-packages" not in source:
        environment["PYTHONPATH"] = os.pathsep.join([source, *filter(None, known)])
    # A kernel's choice of backend is of no use in a process without a kernel.
    if environment.get("MPLBACKEND", "").startswith("module://ipykernel"):
        del environment["MPLBACKEND"]
    return environment
