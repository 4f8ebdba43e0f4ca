"""The other end of `jupyter_mlops.pipeline.forks`: starts steps as forks of a warm process."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from ...errors import MlopsError

_PATIENCE = 60.0
"""Seconds in which the warm process must have imported what the steps import."""


class Forked:
    """A forked step's process, with what is needed of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None
        self._ended = threading.Event()

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, negative for a signal; raises `subprocess.TimeoutExpired`."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("step", timeout or 0.0)
        return 1 if self._code is None else self._code

    def end(self, code: int | None) -> None:
        self._code = code
        self._ended.set()


class WarmParent:
    """A process that has imported ``modules`` and forks a child for each step.

    ``inherited`` are descriptors for the children.
    """

    def __init__(
        self,
        command: Sequence[str],
        modules: Sequence[str],
        environment: dict[str, str],
        cwd: Path,
        inherited: Sequence[int] = (),
    ) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            env=environment,
            start_new_session=True,
            pass_fds=inherited,
        )
        self._children: dict[int, Forked] = {}
        self._started: queue.SimpleQueue[Forked | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._tell({"modules": list(modules)})

    def start(self, arguments: list[str], log: Path, cwd: Path) -> Forked:
        """Start a step; raises `MlopsError` ``step.start`` where the warm process has died."""
        self._tell({"arguments": arguments, "log": str(log), "cwd": str(cwd)})
        try:
            child = self._started.get(timeout=_PATIENCE)
        except queue.Empty:
            child = None
        if child is None:
            raise MlopsError(
                "step.start",
                "The process that starts the steps has ended or hangs while it imports.",
                hint="run `python -m jupyter_mlops.pipeline.forks` to see its error; "
                "a package that cannot be imported is the usual reason.",
            )
        return child

    def close(self) -> None:
        """End the warm process, and the children that still run."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _tell(self, message: dict[str, object]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died; `start` tells so
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if "pid" in message:
                child = self._children[message["pid"]] = Forked(message["pid"])
                self._started.put(child)
            else:
                self._children.pop(message["ended"]).end(message["code"])
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):  # nobody else knows of it any more
                os.killpg(child.pid, signal.SIGKILL)
            child.end(None)
        self._started.put(None)
