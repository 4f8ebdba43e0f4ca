"""One process at a time goes on with a sweep."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from filelock import FileLock, Timeout

from ..errors import MlopsError, Place
from .setting import Setting


@contextlib.contextmanager
def alone(setting: Setting) -> Iterator[None]:
    """Keep others from the sweep's folder; raises `MlopsError` ``sweep.busy``.

    The system lets go of it with the process, whatever that died of.
    """
    lock = FileLock(setting.make_folder().parent / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise MlopsError(
            "sweep.busy",
            f"`{setting.name}` is still being run by another process.",
            hint="wait for its end, or end that process.",
            place=Place(str(setting.folder)),
        ) from None
    try:
        yield
    finally:
        lock.release()
