"""Cached reruns in tests: in forks of this process, against the notebook run from top to bottom."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.incremental import process, stretch
from jupyter_mlops.pipeline.incremental.assignment import Assignment
from jupyter_mlops.pipeline.rerunning import rerun
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.rerun.rerun import Rerun
from tests.programs import new_namespace, notebook, run
from tests.support import write_notebook

Cells = list[tuple[str, str]]


class Forked:
    """A forked process, with what is used of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if found else None
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        end = time.monotonic() + (timeout if timeout is not None else 60)
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("stretch", timeout or 60)
            time.sleep(0.001)
        assert self._code is not None
        return self._code


def _fork(words: Sequence[str], given: Assignment, log: Path, inherited: Sequence[int]) -> Forked:
    """Do as `process.launch` does, without the seconds that imports take."""
    with warnings.catch_warnings(action="ignore"):
        pid = os.fork()
    if pid:
        return Forked(pid)
    code = 1
    try:
        os.setsid()
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for target in (1, 2):
            os.dup2(stream, target)
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            if descriptor > 2 and descriptor not in inherited:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)
        sys.stderr = sys.__stderr__ = os.fdopen(2, "w", closefd=False)
        changed = process.environment(given)
        os.environ.clear()
        os.environ.update(changed)
        code = stretch.main(words)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        os._exit(code)


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes of stretches be forks of this one."""
    monkeypatch.setenv("JUPYTER_MLOPS_WRITER", "off")
    monkeypatch.setattr(process, "launch", _fork)


@dataclass
class Again:
    """A rerun as it came out."""

    result: Rerun | None
    error: MlopsError | None
    events: list[Event]
    texts: dict[str, str] = field(default_factory=dict)
    """What each cell printed, by the cell's id; cells that did not run are not there."""

    @property
    def ran(self) -> set[int]:
        """The positions of the cells that ran."""
        told = [event.data for event in self.events if event.data.get("cached") is False]
        return {position for data in told for position in data["cells"]}


def again(path: Path, given: dict[str, Any] | None = None, **options: Any) -> Again:
    """Run a notebook again from the cache."""
    events: list[Event] = []
    result, error, executed = None, None, None
    options.setdefault("cached", True)
    try:
        result = drain(rerun(path, given, **options), events.append)
        executed = result.executed
    except MlopsError as problem:
        error = problem
        runs = [event.data["run"] for event in events if "run" in event.data]
        if runs:
            executed = path.parent / ".mlops" / "executed" / f"{runs[0]}.ipynb"
    found = Again(result, error, events)
    if executed is not None and executed.exists():
        found.texts = texts(executed)
    return found


def texts(path: Path) -> dict[str, str]:
    """Return what each cell of an executed notebook printed, with the error it ended with."""
    found: dict[str, str] = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and cell.execution_count is not None:
            parts = [_text(output) for output in cell.outputs]
            found[cell.id] = "".join(parts)
    return found


def _text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text) if output.name == "stdout" else ""
    return f"{output.ename}: {output.evalue}" if output.output_type == "error" else ""


def whole(cells: Cells) -> dict[str, str]:
    """Run cells of plain Python from top to bottom, and return what `texts` does."""
    namespace = new_namespace()
    found: dict[str, str] = {}
    for cell in notebook(*cells).code_cells:
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            try:
                run(cell, namespace)
            except Exception as error:
                found[cell.id] = f"{text.getvalue()}{type(error).__name__}: {error}"
                return found
        found[cell.id] = text.getvalue()
    return found


def edited(cells: Cells, choose: Callable[[Sequence[Any]], Any], more: Sequence[str]) -> Cells:
    """Return cells with one of them edited: numbers, a line more, a line less, gone, or new."""
    found = list(cells)
    places = range(1, len(cells) - 1)
    place = choose(list(places))
    tags, source = found[place]
    match choose(["number", "number", "more", "less", "gone", "new", "comment"]):
        case "number":
            digits = [each.start() for each in re.finditer(r"(?<![\w.])\d(?![\w.])", source)]
            if digits:
                at = choose(digits)
                source = f"{source[:at]}{choose(range(6))}{source[at + 1 :]}"
            found[place] = tags, source
        case "more":
            found[place] = tags, f"{source}\n{choose(list(more))}"
        case "less":
            lines = source.split("\n")
            at = choose(range(len(lines)))
            rest = "\n".join([*lines[:at], *lines[at + 1 :]])
            try:
                compile(rest, "cell", "exec")
            except SyntaxError:
                rest = source
            found[place] = tags, rest or "pass"
        case "gone":
            if len(found) > 4:
                del found[place]
        case "new":
            found.insert(place, ("", choose(list(more))))
        case "comment":
            found[place] = tags, f"{source}\n# {choose(range(6))}"
    return found


def write(path: Path, cells: Cells) -> Path:
    return write_notebook(path, cells)


def chooser(seed: int) -> Callable[[Sequence[Any]], Any]:
    return random.Random(seed).choice


__all__ = [
    "Again",
    "again",
    "chooser",
    "edited",
    "forking",
    "subprocess",
    "texts",
    "whole",
    "write",
]
