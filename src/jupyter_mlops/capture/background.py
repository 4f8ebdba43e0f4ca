"""The background: a thread that takes what need not be done on the notebook's own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

Work = Callable[[], None]
THREAD = "mlops-capture"
"""The thread's name."""


class Background:
    """Runs work in the order it was given, on one daemon thread.

    ``failed`` is called, on that thread, with what a piece of work raised. ``regularly`` is called
    there about every ``seconds``, between two pieces of work.
    """

    def __init__(
        self,
        failed: Callable[[Exception], None],
        regularly: Work | None = None,
        seconds: float = 10.0,
    ) -> None:
        self._failed = failed
        self._regularly = regularly
        self._seconds = seconds if regularly is not None else None
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._idle = threading.Condition()
        self._waiting = 0
        self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()

    def add(self, work: Work) -> None:
        with self._idle:
            self._waiting += 1
        self._queue.put(work)

    def settle(self, seconds: float) -> bool:
        """Wait until all work is done, at most so long; return whether it is."""
        with self._idle:
            return self._idle.wait_for(
                lambda: not self._waiting or not self._thread.is_alive(), seconds
            )

    def finish(self, seconds: float) -> bool:
        """Wait as `settle` does, and end."""
        done = self.settle(seconds)
        self._queue.put(None)
        return done

    def go_on(self) -> None:
        """Start the thread again in a forked process; what the other one has in hand is its own."""
        self._queue = queue.SimpleQueue()
        self._idle = threading.Condition()
        self._waiting = 0
        self._start()

    def _run(self) -> None:
        last = time.monotonic()
        while True:
            if self._regularly is not None and time.monotonic() - last >= (self._seconds or 0):
                self._do(self._regularly)
                last = time.monotonic()
            try:
                work = self._queue.get(timeout=self._seconds)
            except queue.Empty:
                continue
            if work is None:
                return
            try:
                self._do(work)
            finally:
                with self._idle:
                    self._waiting -= 1
                    self._idle.notify_all()
                # A snapshot of a frame must not outlive its work.
                del work

    def _do(self, work: Work) -> None:
        try:
            work()
        except Exception as error:
            self._failed(error)
