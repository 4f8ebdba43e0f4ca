"""The processes of a tree, and the sockets on which they are spoken with; see `branch`."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from ..os_errors import explain_os_errors
from ..pipeline.lifeline import Lifeline
from ..pipeline.targets.local import step_environment
from .outcome import Outcome
from .points import Point
from .wire import Job, Task

_PATIENCE = 5.0
"""Seconds that a process has to end after it was told to."""


@dataclass(slots=True, eq=False)
class Process:
    """A process of the tree: the trunk, one that others go on from, or a point's own.

    ``path`` are the values of the levels that it has passed, as text. ``began`` is when its present
    ``cell`` began, ``interrupted`` when that was told to end. One that ``leaves`` was told to.
    """

    id: int
    path: tuple[str, ...]
    parent: Process | None = None
    point: Point | None = None
    run: str = ""
    popen: subprocess.Popen[bytes] | None = None
    pid: int = 0
    connection: socket.socket | None = None
    buffer: bytes = b""
    busy: bool = True
    leaves: bool = False
    cell: int | None = None
    began: float = 0.0
    interrupted: float = 0.0
    outcome: Outcome | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for others to go on from it."""
        waits = self.point is None and not (self.busy or self.leaves)
        return waits and self.connection is not None

    def tell(self, message: Mapping[str, Any]) -> bool:
        """Tell it something; return whether it could be told."""
        if self.connection is None:
            return False
        try:
            self.connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return False
        return True

    def end(self) -> None:
        """Let a process that waits end."""
        self.leaves = True
        self.tell({"do": "end"})

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its main thread; SIGKILL to all that it has started, too."""
        if self.pid:
            send = os.killpg if number == signal.SIGKILL else os.kill
            with contextlib.suppress(ProcessLookupError):
                send(self.pid, number)


class Processes:
    """All processes by their numbers; a context manager that ends them.

    Parameters
    ----------
    log
        The file for what a process prints.
    met, heard, gone
        Called with a process that says who it is, with one and what it tells, and with one that has
        ended.
    """

    def __init__(
        self,
        log: Callable[[Process], Path],
        met: Callable[[Process], None],
        heard: Callable[[Process, dict[str, Any]], None],
        gone: Callable[[Process], None],
    ) -> None:
        self._log = log
        self._met = met
        self._heard = heard
        self._gone = gone
        self._all: dict[int, Process] = {}
        self._count = 0
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Processes:
        self._folder = Path(tempfile.mkdtemp(prefix="mlops-sweep-"))
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._lifeline = self._stack.enter_context(Lifeline())
        self._selector = selectors.DefaultSelector()
        self._stack.callback(self._selector.close)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._folder / "socket"))
        self._listener.listen(64)
        self._bell, self._ringer = socket.socketpair()
        for each in (self._listener, self._bell, self._ringer):
            self._stack.callback(each.close)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._bell, selectors.EVENT_READ, lambda: self._bell.recv(1 << 10))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_all()
        self._stack.close()

    def __iter__(self) -> Iterator[Process]:
        return iter(list(self._all.values()))

    def get(self, number: int) -> Process | None:
        """Return the process with a number of its own, as long as it is there."""
        return self._all.get(number)

    def of(self, number: int) -> Process | None:
        """Return the process of a point."""
        return next((each for each in self if each.point and each.point.number == number), None)

    def set_job(self, job: Job) -> None:
        """Keep what is the same for all processes, for those that are launched."""
        self._job = self._folder / "job.json"
        with explain_os_errors(self._job):
            self._job.write_bytes(msgspec.json.encode(job))

    def launch(self, path: tuple[str, ...], point: Point | None = None, run: str = "") -> Process:
        """Start a process that begins with the first cell; it is met once it is there."""
        process = self._new(path, None, point, run)
        log = self._log(process)
        with explain_os_errors(log), log.open("ab") as stream:
            process.popen = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", f"{__package__}.branch"),
                    *("--job", str(self._job), "--socket", str(self._folder / "socket")),
                    *("--id", str(process.id), *self._lifeline.arguments),
                ],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=step_environment(),
                start_new_session=True,
                pass_fds=self._lifeline.inherited,
            )
        process.pid = process.popen.pid
        return process

    def fork(
        self,
        parent: Process,
        path: tuple[str, ...],
        task: Callable[[Process], Task],
        point: Point | None = None,
        run: str = "",
    ) -> Process:
        """Let a process fork a child for a point, or for others to go on from."""
        process = self._new(path, parent, point, run)
        command = {"do": "fork", "id": process.id, "log": str(self._log(process))}
        parent.tell({**command, "task": msgspec.to_builtins(task(process))})
        return process

    def forget(self, number: int) -> Process:
        """Take out a process that there will not be, and return it."""
        return self._all.pop(number)

    def wait(self, seconds: float) -> None:
        """Wait at most so long for news, and tell them on."""
        for key, _ in self._selector.select(seconds):
            key.data()

    def wake(self) -> None:
        """Let `wait` not wait any longer; from any thread."""
        with contextlib.suppress(OSError):
            self._ringer.send(b"!")

    def _new(
        self, path: tuple[str, ...], parent: Process | None, point: Point | None, run: str
    ) -> Process:
        self._count += 1
        process = self._all[self._count] = Process(self._count, path, parent, point, run)
        return process

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        # Which process it is stands in its first line.
        stranger = Process(0, (), connection=connection)
        self._selector.register(
            connection, selectors.EVENT_READ, lambda: self._read(connection, stranger)
        )

    def _read(self, connection: socket.socket, stranger: Process) -> None:
        known = (each for each in self if each.connection is connection)
        process = next(known, stranger)
        try:
            received = connection.recv(1 << 16)
        except OSError:
            received = b""
        if not received:
            self._selector.unregister(connection)
            connection.close()
            process.connection = None
            if self._all.pop(process.id, None) is not None:
                self._gone(process)
            return
        *lines, process.buffer = (process.buffer + received).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if message["tell"] != "hello":
                self._heard(process, message)
                continue
            known_as = self._all.get(message["id"])
            if known_as is None:
                # It was given up; another one has its point.
                stranger.pid = message["pid"]
                stranger.signal(signal.SIGKILL)
                return
            process = known_as
            process.connection, process.pid = connection, message["pid"]
            process.buffer = stranger.buffer
            self._met(process)

    def _end_all(self) -> None:
        for each in self:
            if each.is_idle:
                each.end()
            else:
                each.signal(signal.SIGKILL)
        for each in self:
            if each.popen is not None:
                try:
                    each.popen.wait(_PATIENCE)
                except subprocess.TimeoutExpired:
                    each.popen.kill()
                    each.popen.wait()
            if each.connection is not None:
                each.connection.close()
