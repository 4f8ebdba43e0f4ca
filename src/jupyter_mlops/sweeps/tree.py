"""The processes of a sweep on this machine: a trunk that runs what points share, and its branches.

Points that have their first parameters in common share the cells up to the next parameter too, as
far as more than one of them is waiting. Where a process cannot be forked, each point runs apart,
from the first cell on, in a process of its own.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from ..capture.processes import started
from ..notebook import moments
from .endings import killed, took_too_long
from .outcome import Ended, Message, Metric, Notice, Outcome, Shared, Started, read_error
from .plan import Plan
from .points import Point
from .processes import Process, Processes
from .setting import Setting
from .tasks import make_job, point_task, shared_task, trunk_task

_PATIENCE = 5.0
"""Seconds that a cell which took too long has to end after an interrupt."""
_LONGEST_PAUSE = 0.5

_Path = tuple[str, ...]
"""A point's values, one text for each level."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    point: Point
    run: str
    path: _Path


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
    share
        Run what points share once; else each point runs apart.
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
        self._processes = Processes(self._log, self._met, self._heard, self._gone)
        self._waiting: list[_Waiting] = []
        self._dying: dict[int, Process] = {}
        """Points whose process has gone without a word, by its number."""
        self._spoilt: set[_Path] = set()
        """Values with which cells that some points share have failed."""
        self._trunk: Process | None = None
        self._was_lost = False
        """Whether a trunk has gone while it waited, as the system's memory killer may have it."""
        self._messages: list[Message] = []

    def __enter__(self) -> Tree:
        self._processes.__enter__()
        self._processes.set_job(make_job(self._setting, self._workers))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._processes.__exit__(kind, error, trace)

    @property
    def free(self) -> int:
        """How many more points could run at once."""
        return max(0, self._room - len(self._waiting))

    @property
    def busy(self) -> bool:
        """Whether a point waits or runs."""
        running = any(each.point for each in self._processes)
        return bool(self._waiting or self._dying) or running

    def submit(self, point: Point, run: str) -> None:
        """Let a point run, as the run of that name, as soon as there is room."""
        self._waiting.append(_Waiting(point, run, self._path(point)))

    def answer(self, number: int, *, go: bool) -> None:
        """Let a point that has told a metric go on, or end it as pruned."""
        if (process := self._processes.of(number)) is not None:
            process.tell({"go": go})

    def drop(self, number: int) -> None:
        """End a point that nobody wants any more; if it runs, it is told as killed."""
        self._waiting = [each for each in self._waiting if each.point.number != number]
        if (process := self._processes.of(number)) is not None:
            process.signal(signal.SIGKILL)

    def wake(self) -> None:
        """Let `poll` not wait any longer; from any thread."""
        self._processes.wake()

    def poll(self) -> Iterator[Message]:
        """Do what there is to do, wait a moment for news, and yield them.

        Raises `MlopsError` where a cell that all points share fails, with its place.
        """
        self._schedule()
        yield from self._drain()
        self._processes.wait(0.0 if self._messages else _LONGEST_PAUSE)
        self._look_at_time()
        self._look_for_lost()
        yield from self._drain()

    # --- what runs where --------------------------------------------------------------------

    @property
    def _room(self) -> int:
        return self._workers - sum(each.busy for each in self._processes)

    def _schedule(self) -> None:
        while self._waiting and self._room > 0:
            if self._apart:
                each = self._waiting.pop(0)
                self._started(self._processes.launch(each.path, each.point, each.run))
            elif self._trunk is None:
                self._trunk = self._processes.launch(())
            elif not self._branch():
                return
        self._retire()

    def _branch(self) -> bool:
        """Let one process that waits fork for a point; return whether there was one."""
        best: tuple[Process, _Waiting] | None = None
        for each in self._waiting:
            process = self._nearest(each.path)
            if process is not None and (best is None or len(process.path) > len(best[0].path)):
                best = process, each
        if best is None:
            return False
        parent, waiting = best
        passed = len(parent.path)
        path = waiting.path[: passed + 1]
        alike = sum(each.path[: passed + 1] == path for each in self._waiting)
        if alike > 1 and passed + 1 < len(self._plan.levels) and path not in self._spoilt:
            task = shared_task(self._setting, self._plan, waiting.point, passed)
            self._processes.fork(parent, path, lambda _: task)
            return True
        self._waiting.remove(waiting)
        begin = partial(self._point_task, passed=passed)
        point, run = waiting.point, waiting.run
        self._started(self._processes.fork(parent, waiting.path, begin, point, run))
        return True

    def _nearest(self, path: _Path) -> Process | None:
        """Return the deepest process that a point can go on from; None where one is on its way."""
        found: Process | None = None
        for each in self._processes:
            on_path = each.point is None and path[: len(each.path)] == each.path
            if on_path and (found is None or len(each.path) > len(found.path)):
                found = each
        return found if found is not None and found.is_idle else None

    def _retire(self) -> None:
        """End processes that nobody will go on from any more; the trunk stays."""
        parents = {each.parent.id for each in self._processes if each.parent is not None}
        for each in self._processes:
            if not each.is_idle or each is self._trunk or each.id in parents:
                continue
            if not any(one.path[: len(each.path)] == each.path for one in self._waiting):
                each.end()

    def _path(self, point: Point) -> _Path:
        return tuple(
            json.dumps(
                [moments.plain(point.parameters.get(name)) for name in level.names], default=repr
            )
            for level in self._plan.levels
        )

    def _point_task(self, process: Process, passed: int | None) -> Any:
        assert process.point is not None
        return point_task(
            self._setting, self._plan, process.point, process.run, passed, self._prunes
        )

    def _log(self, process: Process) -> Path:
        name = "trunk" if process.point is None else f"{process.point.number}"
        return self._setting.folder / "logs" / f"{name}.log"

    # --- what is told -----------------------------------------------------------------------

    def _started(self, process: Process) -> None:
        assert process.point is not None
        self._messages.append(Started(process.point, process.run))

    def _met(self, process: Process) -> None:
        if process.popen is None:
            return  # a fork knows its task
        is_trunk = process.point is None
        task = trunk_task(self._plan) if is_trunk else self._point_task(process, None)
        process.tell({"do": "run", "task": msgspec.to_builtins(task)})

    def _heard(self, process: Process, message: dict[str, Any]) -> None:
        match message["tell"]:
            case "cell":
                process.cell, process.began = message["position"], time.monotonic()
            case "forked":
                if (child := self._processes.get(message["id"])) is not None:
                    child.pid = message["pid"]
            case "waiting":
                process.busy, process.cell = False, None
                if process is self._trunk:
                    seconds = time.monotonic() - process.started
                    # The injected cell is no cell of the notebook's.
                    self._messages.append(Shared(self._plan.shared - 1, seconds))
            case "metric":
                assert process.point is not None
                told = (message[each] for each in ("name", "value", "step", "asks"))
                self._messages.append(Metric(process.point, *told))
            case "reaped":
                if (dead := self._dying.pop(message["pid"], None)) is not None:
                    self._settle(dead, message["code"])
            case "refused":
                self._refused(self._processes.forget(message["id"]), message["reason"])
            case "ended":
                content = message["outcome"]
                process.outcome = Outcome(**{**content, "error": read_error(content["error"])})

    def _refused(self, child: Process, reason: str) -> None:
        """Go on without forks; nothing that a point has done is lost."""
        if child.point is not None:
            self._waiting.insert(0, _Waiting(child.point, child.run, child.path))
        if not self._apart:
            self._apart = reason
            words = f"each point runs from the first cell on: {reason}"
            self._messages.append(Notice(words, apart=True))
        for each in self._processes:
            if each.is_idle:
                each.end()

    def _gone(self, process: Process) -> None:
        """Take note that a process has ended."""
        for pid in [pid for pid, each in self._dying.items() if each.parent is process]:
            self._settle(self._dying.pop(pid), None)
        if process.popen is not None:
            self._settle(process, process.popen.wait())
            return
        parent = process.parent
        asked = parent is not None and parent.tell({"do": "reap", "pid": process.pid})
        if asked and process.outcome is None and process.point is not None:
            self._dying[process.pid] = process  # how it ended, its parent knows
            return
        self._settle(process, None)

    def _settle(self, process: Process, code: int | None) -> None:
        """Tell how a process has ended; raises where it ran what all share."""
        outcome = process.outcome
        lost = process is self._trunk and not process.leaves
        if lost and not process.busy and not self._was_lost:
            self._was_lost, self._trunk = True, None  # what is left goes on from a new one
            return
        if outcome is None and (process.busy or process.point is not None or lost):
            outcome = killed(self._setting.notebook, process, code, self._log(process))
        if outcome is not None and process.interrupted and self._timeout is not None:
            outcome = took_too_long(self._setting.notebook, process, outcome, self._timeout)
        if process.point is not None:
            assert outcome is not None
            self._messages.append(Ended(process.point, outcome))
        elif outcome is None or outcome.error is None:
            return
        elif process.parent is not None:
            self._spoilt.add(process.path)  # its points meet the same, each as its own run
        else:
            raise outcome.error

    # --- time -------------------------------------------------------------------------------

    def _look_at_time(self) -> None:
        now = time.monotonic()
        for each in self._processes:
            if self._timeout is None or each.cell is None:
                continue
            if each.interrupted and now - each.interrupted > _PATIENCE:
                each.signal(signal.SIGKILL)
            elif not each.interrupted and now - each.began > self._timeout:
                each.interrupted = now
                each.signal(signal.SIGINT)

    def _look_for_lost(self) -> None:
        """Find forks that will never say who they are: they, or the one that forks, were killed."""
        now = time.monotonic()
        for each in self._processes:
            if each.connection is not None or each.parent is None or now - each.started < 1.0:
                continue
            if each.pid:
                if started(each.pid) is None:
                    self._processes.forget(each.id)
                    self._gone(each)
            elif self._processes.get(each.parent.id) is None and now - each.started > _PATIENCE:
                self._processes.forget(each.id)
                if each.point is not None:
                    self._waiting.insert(0, _Waiting(each.point, each.run, each.path))

    def _drain(self) -> Iterator[Message]:
        while self._messages:
            yield self._messages.pop(0)
