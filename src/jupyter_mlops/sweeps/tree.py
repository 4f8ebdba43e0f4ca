"""The processes of a sweep on this machine: a trunk that runs what points share, and its branches.

Points that have their first parameters in common share the cells up to the next parameter too, as
far as more than one of them is waiting. Where a process cannot be forked, each point runs apart,
from the first cell on, in a process of its own.
"""

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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from ..capture.location import Order
from ..errors import MlopsError, Place
from ..notebook import moments
from ..os_errors import explain_os_errors
from ..pipeline.lifeline import Lifeline
from ..pipeline.targets.local import _environment
from ..pipeline.targets.schedule import last_line
from ..rerun.injection import source
from .branch import Job, Task
from .outcome import Ended, Message, Metric, Notice, Outcome, Shared, Started, read_error
from .plan import Plan
from .points import Point
from .record import row_of
from .setting import Setting

_PATIENCE = 5.0
"""Seconds that a cell which took too long has to end after an interrupt."""
_LONGEST_PAUSE = 0.5


@dataclass(slots=True)
class _Process:
    """A process of the tree: the trunk, one that others go on from, or a point's own.

    ``path`` are the values of the levels that it has passed, as text.
    """

    id: int
    path: tuple[str, ...]
    parent: _Process | None = None
    point: Point | None = None
    run: str = ""
    popen: subprocess.Popen[bytes] | None = None
    pid: int = 0
    connection: socket.socket | None = None
    buffer: bytes = b""
    busy: bool = True
    began: float = 0.0
    """When its present cell began."""
    cell: int | None = None
    interrupted: float = 0.0
    outcome: Outcome | None = None
    started: float = field(default_factory=time.monotonic)


class Tree:
    """Runs points as branches of one trunk, ``workers`` at a time; a context manager.

    Parameters
    ----------
    setting
        The notebook, its parameters, and where things are kept.
    plan
        Where the points part.
    timeout
        Seconds that each cell may take.
    prunes
        A metric whose values may end a point: see `answer`.
    """

    def __init__(
        self,
        setting: Setting,
        plan: Plan,
        workers: int,
        *,
        timeout: float | None = None,
        prunes: str = "",
        share: bool = True,
    ) -> None:
        self._setting = setting
        self._plan = plan
        self._workers = workers
        self._timeout = timeout
        self._prunes = prunes
        self._apart = "" if share else "asked for"
        if sys.platform != "linux":
            self._apart = "this system's libraries do not survive a fork"
        self._waiting: list[tuple[Point, str]] = []
        self._processes: dict[int, _Process] = {}
        self._dying: dict[int, _Process] = {}
        """Points whose process has gone without a word, by its number."""
        self._spoilt: set[tuple[str, ...]] = set()
        """Values with which cells that some points share have failed."""
        self._count = 0
        self._trunk: _Process | None = None
        self._messages: list[Message] = []
        self._shared_since = 0.0
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Tree:
        self._folder = Path(tempfile.mkdtemp(prefix="mlops-sweep-"))
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._lifeline = self._stack.enter_context(Lifeline())
        self._selector = selectors.DefaultSelector()
        self._stack.callback(self._selector.close)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._stack.callback(self._listener.close)
        self._listener.bind(str(self._folder / "socket"))
        self._listener.listen(64)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._bell, self._ringer = socket.socketpair()
        self._stack.callback(self._bell.close)
        self._stack.callback(self._ringer.close)
        self._selector.register(self._bell, selectors.EVENT_READ, lambda: self._bell.recv(1 << 10))
        self._write_job()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_all()
        self._stack.close()

    @property
    def free(self) -> int:
        """How many more points could run at once."""
        busy = sum(each.busy for each in self._processes.values())
        return max(0, self._workers - busy - len(self._waiting))

    @property
    def busy(self) -> bool:
        """Whether a point waits or runs."""
        running = any(each.point for each in self._processes.values())
        return bool(self._waiting or self._dying) or running

    def submit(self, point: Point, run: str) -> None:
        """Let a point run, as the run of that name, as soon as there is room."""
        self._waiting.append((point, run))

    def answer(self, number: int, *, go: bool) -> None:
        """Let a point that has told a metric go on, or end it as pruned."""
        for process in self._processes.values():
            if process.point is not None and process.point.number == number:
                self._tell(process, {"go": go})

    def drop(self, number: int) -> None:
        """End a point that nobody wants any more; if it runs, it is told as killed."""
        self._waiting = [(point, run) for point, run in self._waiting if point.number != number]
        for process in self._processes.values():
            if process.point is not None and process.point.number == number and process.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def wake(self) -> None:
        """Let `poll` not wait any longer; from any thread."""
        with contextlib.suppress(OSError):
            self._ringer.send(b"!")

    def poll(self) -> Iterator[Message]:
        """Do what there is to do, wait a moment for news, and yield them.

        Raises `MlopsError` where a cell that all points share fails, with its place.
        """
        self._schedule()
        yield from self._drain()
        for key, _ in self._selector.select(self._pause()):
            key.data()
        self._look_at_time()
        yield from self._drain()

    # --- what runs where --------------------------------------------------------------------

    def _schedule(self) -> None:
        while self._waiting and sum(each.busy for each in self._processes.values()) < self._workers:
            if self._apart:
                self._start_apart(*self._waiting.pop(0))
            elif self._trunk is None:
                self._start_trunk()
            elif not self._branch():
                return
        self._retire()

    def _branch(self) -> bool:
        """Let one process that waits fork for a point; return whether there was one."""
        idle = [each for each in self._processes.values() if self._is_idle(each)]
        best: tuple[int, int] | None = None
        for number, (point, _) in enumerate(self._waiting):
            path = self._path(point)
            for each in idle:
                deep = len(each.path)
                if path[:deep] == each.path and (best is None or deep > best[0]):
                    if self._comes(path, deep):
                        continue
                    best = (deep, number)
                    source_ = each
        if best is None:
            return False
        point, run = self._waiting[best[1]]
        path, deep = self._path(point), len(source_.path)
        alike = [p for p, _ in self._waiting if self._path(p)[: deep + 1] == path[: deep + 1]]
        shares = len(alike) > 1 and path[: deep + 1] not in self._spoilt
        if shares and deep + 1 < len(self._plan.levels):
            self._fork(source_, path[: deep + 1], point, None)
        else:
            del self._waiting[best[1]]
            self._fork(source_, path, point, run)
        return True

    def _comes(self, path: tuple[str, ...], deep: int) -> bool:
        """Tell whether a process that this point will go on from is still on its way."""
        return any(
            each.point is None and len(each.path) > deep and path[: len(each.path)] == each.path
            for each in self._processes.values()
            if each.busy
        )

    def _is_idle(self, process: _Process) -> bool:
        return process.point is None and not process.busy and process.connection is not None

    def _retire(self) -> None:
        """End processes that nobody will go on from any more; the trunk stays."""
        paths = [self._path(point) for point, _ in self._waiting]
        for each in list(self._processes.values()):
            if self._is_idle(each) and each is not self._trunk:
                deep = len(each.path)
                children = any(other.parent is each for other in self._processes.values())
                if not children and not any(path[:deep] == each.path for path in paths):
                    each.busy = False
                    self._tell(each, {"do": "end"})

    def _path(self, point: Point) -> tuple[str, ...]:
        """Return a point's values, one text for each level."""
        return tuple(
            json.dumps(
                [moments.plain(point.parameters.get(name)) for name in level.names], default=repr
            )
            for level in self._plan.levels
        )

    # --- processes --------------------------------------------------------------------------

    def _write_job(self) -> None:
        setting = self._setting
        job = Job(
            notebook=str(setting.notebook.path.resolve()),
            name=setting.notebook.name,
            project=str(setting.project.root),
            cwd=str(setting.notebook.path.resolve().parent),
            folder=str(setting.folder),
            assign=source(setting.fixed, setting.declared),
            secrets=setting.secrets,
            workers=self._workers,
        )
        self._job = self._folder / "job.json"
        self._job.write_bytes(msgspec.json.encode(job))

    def _start_trunk(self) -> None:
        self._trunk = self._launch((), None, "")
        self._shared_since = time.monotonic()

    def _start_apart(self, point: Point, run: str) -> None:
        self._launch(self._path(point), point, run)

    def _launch(self, path: tuple[str, ...], point: Point | None, run: str) -> _Process:
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
                env=_environment(),
                start_new_session=True,
                pass_fds=self._lifeline.inherited,
            )
        process.pid = process.popen.pid
        return process

    def _fork(self, parent: _Process, path: tuple[str, ...], point: Point, run: str | None) -> None:
        process = self._new(path, parent, point if run is not None else None, run or "")
        task = self._task(process, point, len(parent.path))
        command = {"do": "fork", "id": process.id, "log": str(self._log(process))}
        self._tell(parent, {**command, "task": msgspec.to_builtins(task)})

    def _new(
        self, path: tuple[str, ...], parent: _Process | None, point: Point | None, run: str
    ) -> _Process:
        self._count += 1
        process = _Process(self._count, path, parent, point, run)
        self._processes[process.id] = process
        if point is not None:
            self._messages.append(Started(point, run))
        return process

    def _task(self, process: _Process, point: Point, passed: int) -> Task:
        """Return what a process does that begins behind ``passed`` levels, with a point's values.

        One that others go on from assigns the values of its own levels only.
        """
        setting, levels = self._setting, self._plan.levels
        last = len(levels) if process.point is not None else len(process.path)
        names = {name for level in levels[passed:last] for name in level.names}
        is_forked = process.parent is not None
        assigned = {n: v for n, v in point.parameters.items() if n in names and is_forked}
        assign = source(assigned, setting.declared) if assigned else ""
        if process.point is None:
            return Task(
                until=levels[last].cell if last < len(levels) else self._plan.size, assign=assign
            )
        together = {**setting.fixed, **point.parameters}
        given = {
            each.name: together[each.name] for each in setting.declared if each.name in together
        }
        plain = moments.plain(given)
        order = Order(
            run=process.run,
            kind="rerun",
            notebook=str(setting.notebook.path.resolve()),
            parameters=plain,
            secrets=setting.secrets,
            parent=setting.name,
            injected=source(given, setting.declared),
        )
        return Task(
            until=self._plan.size,
            assign=assign,
            order=order,
            injected=order.injected,
            row=row_of(point),
            prunes=self._prunes,
            tags={"mlops.point": str(process.point.number)},
        )

    def _log(self, process: _Process) -> Path:
        name = "trunk" if process.point is None else f"{process.point.number}"
        return self._setting.folder / "logs" / f"{name}.log"

    # --- what is told -----------------------------------------------------------------------

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        # Which process it is stands in its first line.
        unknown = _Process(0, (), connection=connection)
        self._selector.register(
            connection, selectors.EVENT_READ, lambda: self._read(connection, unknown)
        )

    def _read(self, connection: socket.socket, stranger: _Process) -> None:
        process = self._of(connection) or stranger
        try:
            received = connection.recv(1 << 16)
        except OSError:
            received = b""
        if not received:
            self._selector.unregister(connection)
            connection.close()
            process.connection = None
            if process.id:
                self._gone(process)
            return
        *lines, process.buffer = (process.buffer + received).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if message["tell"] == "hello":
                process = self._meet(message, connection, process)
            else:
                self._hear(process, message)

    def _of(self, connection: socket.socket) -> _Process | None:
        return next((e for e in self._processes.values() if e.connection is connection), None)

    def _meet(
        self, message: Mapping[str, Any], connection: socket.socket, stranger: _Process
    ) -> _Process:
        process = self._processes[message["id"]]
        process.connection, process.pid = connection, message["pid"]
        process.buffer = stranger.buffer
        if process.popen is not None:
            if process.point is not None:
                task = self._task(process, process.point, 0)
            else:
                task = Task(until=self._plan.shared)
            self._tell(process, {"do": "run", "task": msgspec.to_builtins(task)})
        return process

    def _hear(self, process: _Process, message: dict[str, Any]) -> None:
        match message["tell"]:
            case "cell":
                process.cell, process.began = message["position"], time.monotonic()
            case "waiting":
                process.busy, process.cell = False, None
                if process is self._trunk:
                    seconds = time.monotonic() - self._shared_since
                    # The injected cell is no cell of the notebook's.
                    self._messages.append(Shared(self._plan.shared - 1, seconds))
            case "metric":
                assert process.point is not None
                told = (message[each] for each in ("name", "value", "step", "asks"))
                self._messages.append(Metric(process.point, *told))
            case "reaped":
                if (child := self._dying.pop(message["pid"], None)) is not None:
                    self._settle(child, message["code"])
            case "refused":
                self._refused(self._processes.pop(message["id"]), message["reason"])
            case "ended":
                content = message["outcome"]
                process.outcome = Outcome(**{**content, "error": read_error(content["error"])})

    def _refused(self, child: _Process, reason: str) -> None:
        """Go on without forks; nothing that a point has done is lost."""
        if child.point is not None:
            self._waiting.insert(0, (child.point, child.run))
        if not self._apart:
            self._apart = reason
            words = f"each point runs from the first cell on: {reason}"
            self._messages.append(Notice(words, apart=True))
        for each in list(self._processes.values()):
            if self._is_idle(each):
                self._tell(each, {"do": "end"})

    def _gone(self, process: _Process) -> None:
        """Take note that a process has ended."""
        self._processes.pop(process.id, None)
        for pid in [pid for pid, each in self._dying.items() if each.parent is process]:
            self._settle(self._dying.pop(pid), None)
        if process.popen is not None:
            self._settle(process, process.popen.wait())
            return
        parent = process.parent
        asked = parent is not None and self._tell(parent, {"do": "reap", "pid": process.pid})
        if asked and process.outcome is None and process.point is not None:
            self._dying[process.pid] = process  # how it ended, its parent knows
            return
        self._settle(process, None)

    def _settle(self, process: _Process, code: int | None) -> None:
        """Tell how a process has ended; raises where it ran what all share."""
        outcome = process.outcome
        if outcome is not None and process.interrupted:
            outcome = self._took_too_long(process, outcome)
        if process.point is not None:
            self._messages.append(Ended(process.point, outcome or self._killed(process, code)))
        elif process.parent is not None:
            if process.busy or (outcome is not None and outcome.error is not None):
                self._spoilt.add(process.path)  # its points meet the same, each as its own run
        elif outcome is not None and outcome.error is not None:
            raise outcome.error
        elif process.busy:
            raise self._killed(process, code).error or AssertionError

    def _killed(self, process: _Process, code: int | None) -> Outcome:
        name = f"point {process.point.number}" if process.point else "the cells that all share"
        log = self._log(process)
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
            place=self._place(process),
        )
        if process.interrupted:
            return self._took_too_long(process, Outcome("failed", process.run, error=error))
        seconds = time.monotonic() - process.started
        return Outcome("failed", process.run, error=error, seconds=round(seconds, 3))

    def _took_too_long(self, process: _Process, outcome: Outcome) -> Outcome:
        error = MlopsError(
            "rerun.timeout",
            f"The cell took longer than {self._timeout:g} s.",
            hint="give it more time (`--timeout`), or less to do.",
            place=(outcome.error.place if outcome.error is not None else None)
            or self._place(process),
        )
        return msgspec.structs.replace(outcome, status="failed", error=error)

    def _place(self, process: _Process) -> Place:
        notebook = self._setting.notebook
        cell = next((c for c in notebook.cells if c.position == process.cell), None)
        return notebook.place(cell)

    # --- time, and the end ------------------------------------------------------------------

    def _pause(self) -> float:
        return _LONGEST_PAUSE if not self._messages else 0.0

    def _look_at_time(self) -> None:
        now = time.monotonic()
        for each in list(self._processes.values()):
            if self._timeout is None or each.cell is None or not each.pid:
                continue
            with contextlib.suppress(ProcessLookupError):
                if each.interrupted and now - each.interrupted > _PATIENCE:
                    os.killpg(each.pid, signal.SIGKILL)
                elif not each.interrupted and now - each.began > self._timeout:
                    each.interrupted = now
                    os.kill(each.pid, signal.SIGINT)

    def _drain(self) -> Iterator[Message]:
        while self._messages:
            yield self._messages.pop(0)

    def _tell(self, process: _Process, message: Mapping[str, Any]) -> bool:
        """Tell a process something; return whether it could be told."""
        if process.connection is None:
            return False
        try:
            process.connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return False
        return True

    def _end_all(self) -> None:
        for each in self._processes.values():
            if self._is_idle(each):
                self._tell(each, {"do": "end"})
            elif each.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(each.pid, signal.SIGKILL)
        for each in self._processes.values():
            if each.popen is not None:
                try:
                    each.popen.wait(_PATIENCE)
                except subprocess.TimeoutExpired:
                    each.popen.kill()
                    each.popen.wait()
            if each.connection is not None:
                each.connection.close()
