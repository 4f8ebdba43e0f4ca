"""The memory of arrays and columns in one file: written in one pass, mapped copy-on-write."""

from __future__ import annotations

import mmap
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xxhash

_ALIGNMENT = 64
_BLOCK = 1 << 24


class HashingWriter:
    """Writes to a file, or to nowhere, and counts and hashes what it writes."""

    def __init__(self, file: Any = None) -> None:
        self.size = 0
        self.error: OSError | None = None
        self._file = file
        self._hasher = xxhash.xxh3_128()

    def write(self, content: Any) -> int:
        size = memoryview(content).nbytes
        if self._file is not None:
            try:
                self._file.write(content)
            except OSError as error:
                self.error = error
                raise
            self._hasher.update(content)
        self.size += size
        return size

    def summary(self) -> dict[str, Any]:
        return {"size": self.size, "digest": self._hasher.hexdigest()}


def write(buffers: Sequence[pickle.PickleBuffer], path: Path) -> dict[str, Any]:
    """Write ``buffers`` to ``path`` and return what `read` needs to give them back."""
    spans: list[tuple[int, int, bool]] = []
    with path.open("wb") as file:
        writer = HashingWriter(file)
        for view in (buffer.raw() for buffer in buffers):
            writer.write(b"\0" * (-writer.size % _ALIGNMENT))
            spans.append((writer.size, view.nbytes, view.readonly))
            writer.write(view)
    return {**writer.summary(), "spans": spans}


def read(path: Path, expected: dict[str, Any]) -> list[memoryview] | None:
    """Map the file and return its buffers; None where it is not what was written.

    Changes of the buffers stay in this process.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size != expected["size"]:
            return None
        if size == 0:
            content = memoryview(bytearray())
        else:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    hasher = xxhash.xxh3_128()
    for start in range(0, size, _BLOCK):
        hasher.update(content[start : start + _BLOCK])
    if hasher.hexdigest() != expected["digest"]:
        return None
    return [
        view.toreadonly() if readonly else view
        for start, length, readonly in expected["spans"]
        for view in [content[start : start + length]]
    ]
