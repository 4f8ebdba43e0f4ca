"""One process at a time goes on with a sweep."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ..errors import MlopsError, Place
from ..project import held
from .setting import Setting


def alone(setting: Setting) -> AbstractContextManager[None]:
    """Keep others from the sweep's folder; raises `MlopsError` ``sweep.busy``."""
    busy = MlopsError(
        "sweep.busy",
        f"`{setting.name}` is still being run by another process.",
        hint="wait for its end, or end that process.",
        place=Place(str(setting.folder)),
    )
    return held(setting.make_folder().parent / ".lock", busy)
