"""Points of a sweep on an existing Dask cluster: ``--on dask://host:port``.

Each worker runs what all points share once, and forks for each point that Dask gives it (see
`dask_worker`). A point whose worker dies runs again elsewhere; it is told once, and one run of it
counts.
"""

from __future__ import annotations

import contextlib
import queue
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import MlopsError, Place
from . import dask_files, dask_worker
from .dask_cluster import END_SECONDS, close, connect, quiet, reason
from .outcome import Ended, Message, Metric, Notice, Outcome, Shared, Started
from .plan import Plan
from .points import Point
from .record import read_row
from .setting import Setting

if TYPE_CHECKING:
    from distributed import Future

_POLL_SECONDS = 0.5
_FETCH_SECONDS = 30.0
_MOST_TRIES = 3
"""Times that a point is sent whose files are lost between its end and their arrival."""


@dataclass(slots=True)
class _Flight:
    """A point that was sent; ``runs`` are those that it has had, the latest last."""

    point: Point
    run: str
    future: Future
    tries: int = 1
    runs: list[str] = field(default_factory=list)
    asked: set[int] = field(default_factory=set)
    """Steps at which its metric was told, maybe by a try before."""
    worker: str = ""


class DaskRunner:
    """Runs points on a Dask cluster; a context manager.

    Parameters
    ----------
    on
        The scheduler's address: ``dask://host:port``, ``tcp://…`` or ``tls://…``.
    workers
        How many points run at a time at most; None for as many as the cluster has threads.
    timeout, share, prunes
        As in `Tree`.
    """

    def __init__(
        self,
        setting: Setting,
        plan: Plan,
        on: str,
        workers: int | None = None,
        *,
        timeout: float | None = None,
        share: bool = True,
        prunes: str = "",
    ) -> None:
        self._setting = setting
        self._on = on
        self._workers = workers
        self._token = setting.folder / f".token-{secrets.token_hex(8)}"
        self._ticket = dask_worker.Ticket(
            sweep=setting.name,
            notebook=str(setting.notebook.path.resolve()),
            name=setting.notebook.name,
            project=str(setting.project.root),
            digest=setting.notebook.digest(),
            token=str(self._token),
            topic=f"mlops-{setting.name}-{secrets.token_hex(4)}",
            fixed=dict(setting.fixed),
            swept=tuple(name for level in plan.levels for name in level.names),
            timeout=timeout,
            share=share,
            prunes=prunes,
        )
        self._waiting: list[tuple[Point, str]] = []
        self._flights: dict[int, _Flight] = {}
        self._news: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._stack = contextlib.ExitStack()
        self._fetching = threading.Lock()
        """Held while a result comes in: a client that closes meanwhile would never answer."""
        self._closing = False
        self._said: set[str] = set()
        self._threads = 0
        self._counted = 0.0

    def __enter__(self) -> DaskRunner:
        with contextlib.ExitStack() as stack:
            stack.enter_context(quiet())
            self._client = connect(self._on)
            stack.callback(close, self._client)
            self._token.touch()
            stack.callback(self._token.unlink, missing_ok=True)
            packed = dask_files.pack(self._setting.notebook, self._setting.project)
            self._sent = self._client.submit(dask_worker.same, packed, pure=False)
            self._look()
            self._client.subscribe_topic(self._ticket.topic, self._hear)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack, self._fetched_all():
            if self._is_lost:
                return
            with contextlib.suppress(Exception):
                futures = [each.future for each in self._flights.values()]
                self._sync(self._client._cancel, futures, force=True)
                self._sync(
                    self._client._run, dask_worker.end, self._ticket.sweep, on_error="ignore"
                )
                self._client.unsubscribe_topic(self._ticket.topic)
            for flight in self._flights.values():
                row = read_row(self._setting.folder, flight.point.number)
                self._disown(flight, row.run if row is not None else "")

    @property
    def free(self) -> int:
        """How many more points could run at once."""
        if time.monotonic() - self._counted > 1.0 and not self._is_lost:
            self._threads = sum(self._client.nthreads().values())
            self._counted = time.monotonic()
        most = self._threads if self._workers is None else min(self._workers, self._threads)
        return max(0, most - len(self._flights) - len(self._waiting))

    @property
    def busy(self) -> bool:
        """Whether a point waits or runs."""
        return bool(self._waiting or self._flights)

    def submit(self, point: Point, run: str) -> None:
        """Let a point run, as the run of that name or of one made of it."""
        self._waiting.append((point, run))
        self._schedule()

    def answer(self, number: int, *, go: bool) -> None:
        """Let a point that has told a metric go on, or end it as pruned."""
        flight = self._flights.get(number)
        if flight is not None and flight.worker:
            self._answer(flight, go)

    def poll(self) -> Iterator[Message]:
        """Wait a moment for news and yield them.

        Raises `MlopsError` where a cell that all points share fails, and ``sweep.scheduler-lost``.
        """
        self._schedule()
        with contextlib.suppress(queue.Empty):
            news = self._news.get(timeout=_POLL_SECONDS)
            while True:
                yield from self._take(*news)
                news = self._news.get_nowait()
        if self._is_lost:
            raise self._lost()

    # --- what is sent -----------------------------------------------------------------------

    def _schedule(self) -> None:
        most = self._workers if self._workers is not None else len(self._waiting) + 1
        while self._waiting and (self._workers is None or len(self._flights) < most):
            point, run = self._waiting.pop(0)
            self._flights[point.number] = _Flight(point, run, self._send(point, run, 1))

    def _send(self, point: Point, run: str, tries: int) -> Future:
        if self._is_lost:
            raise self._lost()
        future = self._client.submit(
            dask_worker.run_point,
            self._ticket,
            self._sent,
            point,
            run,
            key=f"{self._ticket.topic}-{point.number}-{tries}",
            pure=False,
        )
        future.add_done_callback(lambda ended: self._news.put(self._ended(ended, point)))
        return future

    def _answer(self, flight: _Flight, go: bool) -> None:
        words = (self._ticket.sweep, flight.point.number, go)
        at = [flight.worker]
        with contextlib.suppress(TimeoutError):
            run = self._client._run
            self._sync(run, dask_worker.answer, *words, workers=at, on_error="ignore")

    # --- what is told -----------------------------------------------------------------------

    def _hear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        self._news.put(("told", event[1]))

    def _ended(self, future: Future, point: Point) -> tuple[str, Any]:
        """Return the news that a task is over, with its result; runs in a thread of Dask's."""
        with self._fetching:
            if future.status == "cancelled" or self._closing:
                return "cancelled", (point, future)
            news = self._result(future, point)
            # Not when it is collected: an interrupt of the main thread would be lost in there.
            future.release()
            return news

    def _result(self, future: Future, point: Point) -> tuple[str, Any]:
        try:
            result = future.result(timeout=_FETCH_SECONDS)
            if result.left is not None and result.outcome is not None:
                return "ended", (point, future, self._fetched(result))
            return "ended", (point, future, result)
        except Exception as error:
            return "broken", (point, future, error)

    def _fetched(self, result: dask_worker.Result) -> dask_worker.Result:
        """Bring in the files of a run that a worker has kept for itself."""
        outcome, left = result.outcome, result.left
        assert outcome is not None
        assert left is not None

        def fetch(name: str, offset: int) -> bytes:
            words = (self._ticket.sweep, left.run, name, offset)
            found: dict[str, bytes] = self._client.run(
                dask_worker.give, *words, workers=[result.worker]
            )
            return found[result.worker]

        project, notebook = self._setting.project, self._setting.notebook
        staging = self._setting.folder / "incoming"
        executed = dask_files.bring_in(project, notebook, left, staging, fetch)
        if not left.contents:
            with contextlib.suppress(Exception):
                words = (self._ticket.sweep, left.run)
                self._client.run(dask_worker.clear, *words, workers=[result.worker])
        error = _moved(outcome.error, result.root, str(project.root))
        outcome = msgspec.structs.replace(outcome, executed=str(executed), error=error)
        return dask_worker.Result(result.worker, outcome)

    @contextlib.contextmanager
    def _fetched_all(self) -> Iterator[None]:
        """Let no result come in behind this; one that is about to may."""
        self._closing = True
        yield
        if self._fetching.acquire(timeout=_FETCH_SECONDS):
            self._fetching.release()

    def _take(self, what: str, news: Any) -> Iterator[Message]:
        match what:
            case "told":
                yield from self._take_told(news)
            case "ended":
                point, future, result = news
                yield from self._take_result(point, future, result)
            case "cancelled":
                point, future = news
                if self._is_flying(point, future):
                    raise self._lost()
            case _:
                point, future, error = news
                if self._is_flying(point, future):
                    yield from self._take_error(self._flights[point.number], error)

    def _take_told(self, news: Mapping[str, Any]) -> Iterator[Message]:
        match news["tell"]:
            case "shared":
                if "shared" not in self._said:
                    self._said.add("shared")
                    yield Shared(news["cells"], news["seconds"])
            case "notice":
                yield from self._say(news["words"], apart=news.get("apart", False))
            case "started":
                if (flight := self._flights.get(news["number"])) is not None:
                    yield from self._begin(flight, news["run"], news["worker"])
            case "metric":
                flight = self._flights.get(news["number"])
                if flight is not None and flight.worker == news["worker"]:
                    yield from self._take_metric(flight, news)

    def _take_metric(self, flight: _Flight, news: Mapping[str, Any]) -> Iterator[Message]:
        asks = news["asks"]
        if asks and news["step"] in flight.asked:
            self._answer(flight, True)  # as it was answered to an earlier try
            return
        if asks:
            flight.asked.add(news["step"])
        yield Metric(flight.point, news["name"], news["value"], news["step"], asks)

    def _take_result(
        self, point: Point, future: Future, result: dask_worker.Result
    ) -> Iterator[Message]:
        if not self._is_flying(point, future):
            return
        flight = self._flights[point.number]
        if result.fatal is not None:
            raise result.fatal
        if result.outcome is None:
            yield from self._again(flight, "its worker was told that nobody wants it")
            return
        if result.outcome.run not in flight.runs:
            yield from self._begin(flight, result.outcome.run, result.worker)
        del self._flights[point.number]
        self._disown(flight, result.outcome.run)
        self._schedule()
        yield Ended(point, result.outcome)

    def _begin(self, flight: _Flight, run: str, worker: str) -> Iterator[Message]:
        if run in flight.runs and worker == flight.worker:
            return
        if flight.runs:
            yield from self._say(
                f"point {flight.point.number} runs again, at {worker}: {flight.worker} is gone"
            )
        # A try that died before its run had begun leaves the name to the next one.
        flight.runs = [*(each for each in flight.runs if each != run), run]
        flight.worker = worker
        yield Started(flight.point, run)

    def _take_error(self, flight: _Flight, error: Exception) -> Iterator[Message]:
        """Take that a task has no result: its workers died, or what it left cannot be had."""
        from distributed import KilledWorker

        if isinstance(error, MlopsError):
            found = error
        elif isinstance(error, KilledWorker):
            found = MlopsError(
                "sweep.workers-died",
                f"The point was tried on {error.allowed_failures + 1} workers, and each died.",
                hint="look whether it needs more memory than a worker has; Dask's "
                "`distributed.scheduler.allowed-failures` says how often it is tried.",
                place=self._setting.notebook.place(),
            )
        elif flight.tries < _MOST_TRIES and isinstance(error, OSError | KeyError | TimeoutError):
            yield from self._again(flight, f"what it has left cannot be had: {reason(error)}")
            return
        else:
            found = MlopsError(
                "sweep.worker-failed",
                f"The worker could not run the point: {reason(error)}.",
                hint="see the worker's log.",
                place=self._setting.notebook.place(),
            )
        point = flight.point
        del self._flights[point.number]
        self._disown(flight, "")
        self._schedule()
        yield Ended(point, Outcome("failed", (flight.runs or [flight.run])[-1], error=found))

    def _again(self, flight: _Flight, words: str) -> Iterator[Message]:
        flight.tries += 1
        yield Notice(f"point {flight.point.number} runs again: {words}")
        flight.future = self._send(flight.point, flight.run, flight.tries)

    def _disown(self, flight: _Flight, kept: str) -> None:
        """Let only the kept one of a point's runs count; those of workers that died are killed."""
        for run in flight.runs:
            if run != kept:
                with contextlib.suppress(MlopsError, OSError):
                    dask_files.disown(self._setting.project, run, time.time())

    def _is_flying(self, point: Point, future: Future) -> bool:
        flight = self._flights.get(point.number)
        return flight is not None and bool(flight.future.key == future.key)

    def _say(self, words: str, *, apart: bool = False) -> Iterator[Message]:
        if words not in self._said:
            self._said.add(words)
            yield Notice(words, apart)

    # --- the cluster ------------------------------------------------------------------------

    @property
    def _is_lost(self) -> bool:
        return bool(self._client.status != "running")

    def _lost(self) -> MlopsError:
        return MlopsError(
            "sweep.scheduler-lost",
            f"The Dask scheduler at {self._on} has gone while points were running.",
            hint=f"once it is back, `--resume {self._setting.name}` runs the points that had not "
            "ended.",
            place=self._setting.notebook.place(),
        )

    def _look(self) -> None:
        """Find out what the workers have of the notebook, and keep what the user should know."""
        found = self._client.run(dask_worker.look, self._ticket)
        sent = sorted({each.host for each in found.values() if each.where == "sent"})
        other = sorted({each.host for each in found.values() if each.other})
        name = self._setting.notebook.name
        if other:
            words = f"{', '.join(other)}: {name} is another one there; the one from here is sent"
            self._news.put(("told", {"tell": "notice", "words": words}))
        if sent:
            words = (
                f"{', '.join(sent)}: no folder is shared with this machine; the notebook and the "
                "modules that it imports are sent, data files are not"
            )
            self._news.put(("told", {"tell": "notice", "words": words}))

    def _sync(self, function: Any, *words: Any, **options: Any) -> None:
        """Wait for the client to do something, but not for one that is about to end."""
        self._client.sync(function, *words, callback_timeout=END_SECONDS, **options)


def _moved(error: MlopsError | None, there: str, here: str) -> MlopsError | None:
    """Return an error with the paths of this machine."""
    if error is None or not there or there == here:
        return error
    place = error.place
    if place is not None and place.notebook is not None:
        notebook = place.notebook.replace(there, here)
        place = Place(notebook, place.cell, place.cell_id, place.line)
    message, hint = error.message.replace(there, here), error.hint.replace(there, here)
    return MlopsError(error.code, message, hint=hint, place=place)
