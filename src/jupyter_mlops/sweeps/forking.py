"""Whether a process may be forked, after cells have run in it, and what is done before and after.

A fork copies one thread and all memory. What other threads hold in hand is lost: an OpenMP runtime
that was used hangs in the child, unless its threads are ended first. Files and connections stay
one and the same for parent and child.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import fcntl
import gc
import os
import random
import re
import stat
import sys
import threading
import time
import weakref
from collections.abc import Iterable
from typing import Any

from ..capture.background import THREAD

# They keep threads, devices or connections of their own that no child can use.
_UNFORKABLE = (
    *("tensorflow", "jax", "jaxlib", "cupy", "pyspark", "ray", "duckdb", "polars", "daft"),
    *("grpc", "onnxruntime", "torch", "mxnet", "numba", "dask.distributed", "distributed"),
)
_HARMLESS = frozenset({"MainThread", THREAD, "IPythonHistorySavingThread"})
_OPENMP = re.compile(r"(/\S*lib(?:g|i)?omp\d*[-.\w]*\.so[.\d]*)")
_PATIENCE = 2.0
"""Seconds in which the threads of a pool must have ended."""
_PAUSE_HARD = 2
"""``omp_pause_hard`` of OpenMP 5.0, section 3.2.44: threads are ended, their memory is freed."""


def open_files() -> dict[int, str]:
    """Return the descriptors of this process that are files or connections, and what they are."""
    found: dict[int, str] = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")
            mode = os.fstat(int(name)).st_mode
            if stat.S_ISSOCK(mode) or stat.S_ISREG(mode):
                found[int(name)] = target
    return found


def prepare(known: Iterable[int]) -> str:
    """Make this process fit for a fork; return why it is not, or nothing.

    Parameters
    ----------
    known
        Descriptors that were open before any cell ran.
    """
    for name in _UNFORKABLE:
        if name in sys.modules:
            return f"{name} is in use, which does not survive a fork"
    _end_pool()
    end = time.monotonic() + _PATIENCE
    while threads := [each for each in threading.enumerate() if not _is_harmless(each)]:
        if not _is_ending(threads) or time.monotonic() > end:
            return f"a cell has started the thread `{threads[0].name}`, which still runs"
        time.sleep(0.01)
    loop = _event_loop()
    if loop is not None and asyncio.all_tasks(loop):
        return "a cell has started an asyncio task that goes on"
    harmless = {*known, *_wakers(loop)}
    opened = {n: name for n, name in open_files().items() if n not in harmless and not _rereads(n)}
    if opened:
        target = next(iter(opened.values()))
        what = "a connection" if target.startswith("socket:") else f"the file {target}"
        return f"a cell keeps {what} open"
    if not _pause_openmp():
        return "an OpenMP library is loaded whose threads cannot be paused"
    gc.collect()
    gc.freeze()  # the collector then writes to no page that parent and child share
    return ""


def after(*, seeded: Iterable[str], drawn: Any) -> None:
    """Set a forked child right: exit handlers are the parent's, and so are "random" numbers.

    Parameters
    ----------
    seeded
        The generators (``python``, ``numpy``) that a cell has seeded: these go on as they are.
    drawn
        The state of Python's generator before the fork, which Python itself seeds anew.
    """
    atexit._clear()
    for each in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        each.atexit = False  # a temporary folder is removed by who made it
    atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
    _open_anew()
    helpers: Any = sys.modules.get("IPython.core.async_helpers")
    if _event_loop() is not None:
        helpers._asyncio_event_loop = None  # the parent's; a new one is made where it is wanted
        asyncio.set_event_loop(None)
    if "python" in seeded:
        random.setstate(drawn)
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None and "numpy" not in seeded:
        numpy.seed()


def _open_anew() -> None:
    """Give this process places of its own in the files that it reads, such as fonts."""
    for number in open_files():
        if _rereads(number):
            with contextlib.suppress(OSError):
                again = os.open(f"/proc/self/fd/{number}", os.O_RDONLY | os.O_CLOEXEC)
                os.lseek(again, os.lseek(number, 0, os.SEEK_CUR), os.SEEK_SET)
                os.dup2(again, number, inheritable=os.get_inheritable(number))
                os.close(again)


def _rereads(number: int) -> bool:
    """Tell whether a descriptor is a file that is only read."""
    try:
        flags = fcntl.fcntl(number, fcntl.F_GETFL)
        return flags & os.O_ACCMODE == os.O_RDONLY and stat.S_ISREG(os.fstat(number).st_mode)
    except OSError:
        return False


def _event_loop() -> Any:
    """Return the event loop on which IPython has run cells that await; None where there is none."""
    helpers: Any = sys.modules.get("IPython.core.async_helpers")
    return getattr(helpers, "_asyncio_event_loop", None)


def _wakers(loop: Any) -> Iterable[int]:
    """Return the descriptors of a loop's own socket pair."""
    for name in ("_ssock", "_csock"):
        own = getattr(loop, name, None)
        if own is not None:
            yield own.fileno()


def share_cores(workers: int) -> None:
    """Let the native thread pools of this process use their share of the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if workers < 2 or any(name in os.environ for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")):
        return
    control = sys.modules.get("threadpoolctl")
    if control is not None:
        control.threadpool_limits(max(1, (cores or 1) // workers))


def _is_harmless(thread: threading.Thread) -> bool:
    return thread.name in _HARMLESS or type(thread).__name__ in ("TMonitor", "_DummyThread")


def _is_ending(threads: Iterable[threading.Thread]) -> bool:
    """Tell threads of a pool that was told to end from those that go on."""
    return all(each.name.startswith(("QueueFeederThread", "ExecutorManager")) for each in threads)


def _end_pool() -> None:
    """End joblib's idle workers: it starts others when it needs them."""
    module: Any = sys.modules.get("joblib.externals.loky.reusable_executor")
    executor = getattr(module, "_executor", None)
    if executor is not None:
        executor.shutdown(wait=True, kill_workers=True)


def _pause_openmp() -> bool:
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        libraries = set(_OPENMP.findall(maps.read()))
    for path in sorted(libraries):
        try:
            pause = ctypes.CDLL(path).omp_pause_resource_all
        except (OSError, AttributeError):
            return False
        if pause(_PAUSE_HARD) != 0:
            return False
    return True
