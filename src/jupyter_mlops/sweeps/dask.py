"""Points of a sweep on an existing Dask cluster: ``--on dask://host:port``.

Each worker runs what all points share once, and forks for each point that Dask gives it (see
`dask_worker`). A point whose worker dies runs again elsewhere; it is told once, and one run of it
counts.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import logging
import platform
import queue
import secrets
import socket
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from ..errors import MlopsError, Place
from . import dask_files, dask_worker
from .outcome import Ended, Message, Metric, Notice, Outcome, Shared, Started
from .plan import Plan
from .points import Point
from .record import read_row
from .setting import Setting

if TYPE_CHECKING:
    from distributed import Client, Future

SCHEMES = {"dask": "tcp", "tcp": "tcp", "tls": "tls"}
_CONNECT_SECONDS = 10.0
_POLL_SECONDS = 0.5
_END_SECONDS = 15.0
_FETCH_SECONDS = 30.0
_IMPORT_SECONDS = 120.0
_MOST_TRIES = 3
"""Times that a point is sent whose files are lost between its end and their arrival."""
_LOUD = ("distributed", "distributed.client", "distributed.comm", "distributed.core")
# Strings, as a worker without this package cannot be sent a function of it.
_VERSIONS = (
    "(__import__('jupyter_mlops').__version__, '.'.join(__import__('platform')"
    ".python_version_tuple()[:2]))"
)
# Imported on a worker's event loop, this package would hold up all that the worker has to say.
_THREAD = "mlops-import"
_IMPORT = (
    f"__import__('threading').Thread(target=__import__, name='{_THREAD}', daemon=True, "
    f"args=('{dask_worker.__name__}',)).start()"
)
_IMPORTED = (
    f"(hasattr(__import__('sys').modules.get('{dask_worker.__name__}'), 'READY'), "
    f"'{_THREAD}' in [each.name for each in __import__('threading').enumerate()])"
)
"""Whether it is imported, and whether it is about to be."""


def is_dask(on: str) -> bool:
    """Tell whether words name a Dask scheduler."""
    return on.partition("://")[0] in SCHEMES


def connect(on: str) -> Client:
    """Return a client of a cluster whose workers can run points.

    Raises
    ------
    MlopsError
        ``sweep.no-dask`` where Dask is not installed here, ``sweep.on`` for an address that is
        none or where no scheduler answers, ``sweep.no-workers``, and ``sweep.workers`` where
        workers have not this package, or another version of it or of Python.
    """
    if importlib.util.find_spec("distributed") is None:
        raise MlopsError(
            "sweep.no-dask",
            "Dask is not installed here.",
            hint="`pip install 'jupyter-mlops[dask]'`.",
        )
    address = _address(on)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet())
        client = _client(address, on)
        stack.callback(_close, client)
        _check(client, on)
        stack.pop_all()
    return client


def capacity(on: str) -> int:
    """Return how many points a cluster runs at once; raises as `connect` does."""
    client = connect(on)
    try:
        return sum(client.nthreads().values())
    finally:
        with _quiet():
            _close(client)


def _client(address: str, on: str) -> Client:
    from distributed import Client
    from distributed.security import Security

    if address.startswith("tls:") and not Security().get_connection_args("client")["ssl_context"]:
        raise _unreachable(on, "no certificates are configured here")
    try:
        return Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        reason = _reason(error)
        error.__traceback__ = None
    # A client that could not start closes itself when it is collected. It must not be while
    # another one starts: the two then wait for each other.
    gc.collect()
    raise _unreachable(on, reason)


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
            stack.enter_context(_quiet())
            self._client = connect(self._on)
            stack.callback(_close, self._client)
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
            yield from self._again(flight, f"what it has left cannot be had: {_reason(error)}")
            return
        else:
            found = MlopsError(
                "sweep.worker-failed",
                f"The worker could not run the point: {_reason(error)}.",
                hint="see the worker's log.",
                place=self._setting.notebook.place(),
            )
        point = flight.point
        del self._flights[point.number]
        self._disown(flight, "")
        self._schedule()
        yield Ended(point, Outcome("failed", (flight.runs or [flight.run])[-1], error=found))

    def _again(self, flight: _Flight, reason: str) -> Iterator[Message]:
        flight.tries += 1
        yield Notice(f"point {flight.point.number} runs again: {reason}")
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
        self._client.sync(function, *words, callback_timeout=_END_SECONDS, **options)


def _address(on: str) -> str:
    """Return Dask's address of the words; raises ``sweep.on`` where nobody listens there."""
    scheme, _, place = on.partition("://")
    parts = urlsplit(f"//{place}")
    try:
        host, port = parts.hostname, parts.port or 8786
    except ValueError:
        host = None
    if scheme not in SCHEMES or not host:
        raise MlopsError(
            "sweep.on", f"`{on}` is no address of a scheduler.", hint="write `dask://host:8786`."
        )
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise _unreachable(on, _reason(error)) from None
    return f"{SCHEMES[scheme]}://{place if parts.port else f'{place}:{port}'}"


def _check(client: Client, on: str) -> None:
    """Raise where the workers cannot run points."""
    if not client.nthreads():
        raise MlopsError(
            "sweep.no-workers",
            f"The scheduler at {on} has no workers.",
            hint="start some: `dask worker HOST:PORT`.",
        )
    found: dict[str, Any] = client.run(eval, _VERSIONS, on_error="return")
    with contextlib.suppress(Exception):
        found["the scheduler"] = client.run_on_scheduler(eval, _VERSIONS)
    own = import_module("jupyter_mlops").__version__
    here = (own, ".".join(platform.python_version_tuple()[:2]))
    absent = [at for at, each in found.items() if isinstance(each, Exception)]
    if "the scheduler" not in found:
        absent.append("the scheduler")
    if absent:
        raise MlopsError(
            "sweep.workers",
            f"jupyter-mlops cannot be imported at {_some(absent)}.",
            hint="install there what is installed here: `pip install "
            f"'jupyter-mlops[dask]=={own}'`.",
        )
    others = {at: each for at, each in found.items() if tuple(each) != here}
    if others:
        version, python = next(iter(others.values()))
        raise MlopsError(
            "sweep.workers",
            f"Versions differ: jupyter-mlops {here[0]} on Python {here[1]} here, {version} on "
            f"Python {python} at {_some(list(others))}.",
            hint="install the same everywhere: values could not be compared, nor sent.",
        )
    _await_import(client)


def _await_import(client: Client) -> None:
    """Wait until all workers have imported what they run; raises ``sweep.workers``."""
    deadline = time.monotonic() + _IMPORT_SECONDS
    client.run(eval, _IMPORT)
    while True:
        found: dict[str, tuple[bool, bool]] = client.run(eval, _IMPORTED)
        late = time.monotonic() > deadline
        failed = [at for at, (is_there, comes) in found.items() if not is_there and not comes]
        waiting = [at for at, (is_there, _) in found.items() if not is_there]
        if not waiting:
            return
        if failed or late:
            raise MlopsError(
                "sweep.workers",
                f"jupyter-mlops cannot be imported at {_some(failed or waiting)}"
                + (f" within {_IMPORT_SECONDS:.0f} s." if not failed else "."),
                hint="the worker's log has the reason; a worker that has imported another version "
                "must be started anew.",
            )
        time.sleep(0.05)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _unreachable(on: str, reason: str) -> MlopsError:
    return MlopsError(
        "sweep.on",
        f"No Dask scheduler answers at {on}: {reason}.",
        hint="see what `dask scheduler` says it listens at; for `tls://` Dask's configuration "
        "names the certificates."
        if on.startswith("tls")
        else "see what `dask scheduler` says it listens at.",
    )


def _reason(error: BaseException) -> str:
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split()).rstrip(".")[:300]


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


def _close(client: Client) -> None:
    with contextlib.suppress(Exception):
        client.close(timeout=_END_SECONDS)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let Dask tell nothing: what the user should know is told as an error or a notice."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)
