"""The reruns that run in this process, by the run's name: who started one may stop it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .order import Order

_lock = threading.Lock()
_running: dict[str, Order] = {}


@contextmanager
def running(order: Order) -> Iterator[None]:
    """Let a rerun be stopped while the block runs."""
    with _lock:
        _running[order.run] = order
    try:
        yield
    finally:
        with _lock:
            _running.pop(order.run, None)


def stop(run: str) -> bool:
    """Interrupt the running cell of a rerun, and let no further cell start; from any thread.

    Returns whether there is such a rerun: one that is about to begin is not there yet.
    """
    with _lock:
        order = _running.get(run)
    if order is not None:
        order.stop()
    return order is not None


def kill(run: str) -> None:
    """End the kernel of a rerun at once; from any thread."""
    with _lock:
        order = _running.get(run)
    if order is not None and order.kill is not None:
        order.kill()
