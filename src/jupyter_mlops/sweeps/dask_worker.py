"""A sweep's processes at a Dask worker: a trunk of its own, which runs what all points share once.

Dask decides which worker runs which point. The worker finds its processes again by the sweep's
name; they end when the sweep is over, when nobody has wanted a point for a while, and with the
worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import MlopsError
from ..notebook.document import read
from ..project import Project
from .dask_files import Left, Sent, forget, left, part, unpack
from .outcome import Ended, Message, Metric, Notice, Outcome, Shared, Started
from .plan import make_plan
from .points import Point
from .record import read_row
from .setting import Setting
from .tree import Tree

_IDLE_SECONDS = 60.0
_FLUSH_SECONDS = 0.2
_LOOK_SECONDS = 0.25
_END_SECONDS = 10.0

Where = Literal["shared", "same", "sent"]
"""``shared``: the project's very folder; ``same``: an equal notebook; ``sent``: one that came."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a worker must know of a sweep; ``token`` is a file that is only in the sweep's folder.

    ``topic`` is where it tells what happens.
    """

    sweep: str
    notebook: str
    name: str
    project: str
    digest: str
    token: str
    topic: str
    fixed: Mapping[str, Any]
    swept: tuple[str, ...]
    timeout: float | None = None
    share: bool = True
    prunes: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a worker has of a sweep's notebook."""

    host: str
    where: Where
    other: bool = False
    """Whether a notebook of that name is there, but not the same."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a point ended at a worker. ``fatal`` ended it for all points; ``left`` is to be fetched.

    ``root`` is the project's root there.
    """

    worker: str
    outcome: Outcome | None = None
    fatal: MlopsError | None = None
    left: Left | None = None
    root: str = ""


@dataclass(slots=True)
class _Wanted:
    """A point that a task waits for."""

    point: Point
    run: str
    done: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None
    fatal: MlopsError | None = None


_houses: dict[tuple[str, str], House] = {}
_lock = threading.Lock()


def run_point(ticket: Ticket, sent: Sent, point: Point, run: str) -> Result:
    """Run a point and wait for its end; what a task of the sweep does."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    def tell(message: dict[str, Any]) -> None:
        worker.log_event(ticket.topic, {**message, "worker": worker.address})

    house = (ticket.sweep, worker.address)
    with _lock:
        found = _houses.get(house)
        if found is None or found.over:
            scratch = Path(worker.local_directory) / f"mlops-{ticket.sweep}"
            found = _houses[house] = House(ticket, sent, scratch, worker.state.nthreads, tell)
    return found.run(point, run, worker.address, is_wanted)


def same(sent: Sent) -> Sent:
    """Return what it is given: a result that Dask makes again where it is lost."""
    return sent


def look(ticket: Ticket) -> Seen:
    """Return what this worker has of the sweep's notebook."""
    return Seen(socket.gethostname(), *_where(ticket))


def answer(sweep: str, number: int, go: bool, dask_worker: Any) -> None:
    """Let a point of this worker go on, or end it as pruned."""
    if (house := _houses.get((sweep, dask_worker.address))) is not None:
        house.do(lambda tree: tree.answer(number, go=go))


def give(sweep: str, run: str, name: str, offset: int, dask_worker: Any) -> bytes:
    """Return a part of a file that a run has left here."""
    return part(_houses[(sweep, dask_worker.address)].setting.project, run, name, offset)


def clear(sweep: str, run: str, dask_worker: Any) -> None:
    """Delete what a run has left here: it was fetched."""
    if (house := _houses.get((sweep, dask_worker.address))) is not None:
        forget(house.setting.project, run)


async def end(sweep: str, dask_worker: Any) -> None:
    """End all that this worker has of a sweep, and wait until it has."""
    with _lock:
        house = _houses.pop((sweep, dask_worker.address), None)
    if house is not None:
        await asyncio.to_thread(house.end)


class House:
    """The processes of one sweep at this worker, and the thread that looks after them."""

    def __init__(
        self,
        ticket: Ticket,
        sent: Sent,
        scratch: Path,
        threads: int,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self._ticket = ticket
        self._tell = tell
        self._scratch = scratch
        self.where, _ = _where(ticket)
        self.setting = self._make_setting(sent)
        self._plan = make_plan(self.setting.notebook, ticket.swept)
        self._threads = threads
        self._wanted: dict[int, _Wanted] = {}
        self._commands: list[Callable[[Tree], None]] = []
        self._tree: Tree | None = None
        self._told: dict[tuple[int, str], Metric] = {}
        self._told_at = 0.0
        self._idle_since = time.monotonic()
        self._mutex = threading.Lock()
        self.over = False
        self._thread = threading.Thread(
            target=self._work, name=f"mlops-{ticket.sweep}", daemon=True
        )
        self._thread.start()

    def run(self, point: Point, run: str, address: str, is_wanted: Callable[[], bool]) -> Result:
        """Run a point and wait for its end, or until nobody wants it any more."""
        if (ended := self._ended_before(point, run)) is not None:
            return Result(address, ended, root=str(self.setting.project.root))
        wanted = _Wanted(point, self._free_name(run))
        with self._mutex:
            over = self.over
            if not over:
                self._wanted[point.number] = wanted
        if over:
            raise RuntimeError("the sweep is over")
        self.do(lambda tree: tree.submit(point, wanted.run))
        while not wanted.done.wait(_LOOK_SECONDS):
            if not is_wanted():
                with self._mutex:
                    self._wanted.pop(point.number, None)
                self.do(lambda tree: tree.drop(point.number))
                break
        root = str(self.setting.project.root)
        if wanted.outcome is None:
            return Result(address, fatal=wanted.fatal, root=root)
        behind = None
        if self.where != "shared":
            behind = left(self.setting.project, wanted.run)
            if behind.contents:
                forget(self.setting.project, wanted.run)
        return Result(address, wanted.outcome, left=behind, root=root)

    def do(self, command: Callable[[Tree], None]) -> None:
        """Have something done in the thread that looks after the processes."""
        with self._mutex:
            self._commands.append(command)
            tree = self._tree
        if tree is not None:
            tree.wake()

    def end(self) -> None:
        """End all processes and wait until they have ended."""
        with self._mutex:
            self.over = True
        self.do(lambda tree: None)
        self._thread.join(_END_SECONDS)

    # --- the thread -------------------------------------------------------------------------

    def _work(self) -> None:
        fatal: MlopsError | None = None
        try:
            ticket = self._ticket
            tree = Tree(
                self.setting,
                self._plan,
                self._threads,
                timeout=ticket.timeout,
                prunes=ticket.prunes,
                share=ticket.share,
            )
            with tree:
                with self._mutex:
                    self._tree = tree
                self._look_after(tree)
        except MlopsError as error:
            fatal = error
        except Exception as error:
            traceback.print_exc()
            fatal = MlopsError(
                "sweep.unforeseen",
                f"The sweep's processes at {socket.gethostname()} ended by what is no fault of "
                f"the notebook: {type(error).__name__}: {error}.",
                hint="please report it, with the worker's log.",
            )
        finally:
            with self._mutex:
                self.over = True
                self._tree = None
            for wanted in self._wanted.values():
                wanted.fatal = fatal
                wanted.done.set()
            if self.where == "sent":
                shutil.rmtree(self._scratch, ignore_errors=True)
            elif self.where == "same":
                shutil.rmtree(self.setting.folder, ignore_errors=True)

    def _look_after(self, tree: Tree) -> None:
        while True:
            with self._mutex:
                commands, self._commands = self._commands, []
                idle = time.monotonic() - self._idle_since > _IDLE_SECONDS
                if idle and not self._wanted and not commands:
                    self.over = True
                if self.over:
                    return
                if self._wanted:
                    self._idle_since = time.monotonic()
            for command in commands:
                command(tree)
            for message in tree.poll():
                self._take(message)
            self._flush()

    def _take(self, message: Message) -> None:
        match message:
            case Started(point, run):
                self._tell({"tell": "started", "number": point.number, "run": run})
            case Metric(asks=True):
                self._flush(now=True)
                self._tell(_metric(message))
            case Metric(point, name, _, _):
                self._told[(point.number, name)] = message
            case Ended(point, outcome):
                self._flush(now=True)
                wanted = self._wanted.get(point.number)
                if wanted is not None and wanted.run == outcome.run:
                    with self._mutex:
                        del self._wanted[point.number]
                    wanted.outcome = outcome
                    wanted.done.set()
            case Shared(cells, seconds):
                self._tell({"tell": "shared", "cells": cells, "seconds": seconds})
            case Notice(words, apart):
                self._tell({"tell": "notice", "words": words, "apart": apart})

    def _flush(self, *, now: bool = False) -> None:
        """Tell each metric's last value, not more often than people can read."""
        if self._told and (now or time.monotonic() - self._told_at > _FLUSH_SECONDS):
            for message in self._told.values():
                self._tell(_metric(message))
            self._told.clear()
            self._told_at = time.monotonic()

    # --- the place --------------------------------------------------------------------------

    def _make_setting(self, sent: Sent) -> Setting:
        ticket = self._ticket
        if self.where == "sent":
            root = self._scratch / "project"
            source = read(unpack(sent, root), name=ticket.name)
            project = Project(root)
        else:
            source, project = read(ticket.notebook, name=ticket.name), Project(Path(ticket.project))
        setting = Setting(project, source, ticket.sweep, ticket.fixed)
        setting.make_folder()
        return setting

    def _free_name(self, run: str) -> str:
        """Return a name that no earlier try of the point has, on a worker that died with it."""
        journals, name, count = self.setting.project.journals, run, 1
        while (journals / name).exists():
            count += 1
            name = f"{run}-{count}"
        return name

    def _ended_before(self, point: Point, run: str) -> Outcome | None:
        """Return how an earlier try ended, if the worker that had it died before it could tell."""
        row = read_row(self.setting.folder, point.number)
        if row is None or row.status not in ("ok", "pruned"):
            return None
        if not f"{row.run}-".startswith(f"{run}-"):
            return None
        executed = self.setting.project.state / "executed" / f"{row.run}.ipynb"
        return Outcome(row.status, row.run, row.metrics, row.seconds, executed=str(executed))


def _metric(message: Metric) -> dict[str, Any]:
    return {
        "tell": "metric",
        "number": message.point.number,
        "name": message.name,
        "value": message.value,
        "step": message.step,
        "asks": message.asks,
    }


def _where(ticket: Ticket) -> tuple[Where, bool]:
    if Path(ticket.token).is_file():
        return "shared", False
    path = Path(ticket.notebook)
    if not path.is_file():
        return "sent", False
    with contextlib.suppress(MlopsError):
        if read(path, name=ticket.name).digest() == ticket.digest:
            return "same", False
    return "sent", True


READY = True
"""The module's last word: it can be used."""
