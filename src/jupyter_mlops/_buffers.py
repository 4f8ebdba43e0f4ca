"""The memory of arrays and columns in one file: written in one pass, mapped copy-on-write."""

from __future__ import annotations

import ctypes
import mmap
import os
import pickle
import sys
from collections.abc import Iterable, Sequence
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


def addresses(values: Iterable[Any]) -> set[tuple[int, int]]:
    """Return address and size in bytes of the arrays among ``values``."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return set()
    return {
        (value.__array_interface__["data"][0], value.nbytes)
        for value in values
        if type(value) is numpy.ndarray and value.flags.forc and not value.dtype.hasobject
    }


def write(
    buffers: Sequence[pickle.PickleBuffer], shared: set[tuple[int, int]], path: Path
) -> dict[str, Any]:
    """Write ``buffers`` to ``path`` and return what `read` needs to give them back.

    Buffers that are in ``shared`` and overlap in memory overlap in the file too, so that views
    stay views of one another.
    """
    views = [buffer.raw() for buffer in buffers]
    places = [_place(view) for view in views]
    regions = _regions(sorted({place for place in places if place in shared and place[1]}))
    offsets: dict[int, int] = {}
    spans: list[tuple[int, int, bool]] = []
    with path.open("wb") as file:
        writer = HashingWriter(file)
        for view, (start, size) in zip(views, places, strict=True):
            region = next((r for r in regions if r[0] <= start < r[1]), None)
            if region is None or (start, size) not in shared:
                offset = _align(writer)
                writer.write(view)
            else:
                first, end = region
                if first not in offsets:
                    offsets[first] = _align(writer)
                    # Some buffer covers each byte of the region, and `buffers` keeps all alive.
                    memory = (ctypes.c_char * (end - first)).from_address(first)
                    writer.write(memoryview(memory).cast("B"))
                offset = offsets[first] + start - first
            spans.append((offset, size, view.readonly))
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


def _place(view: memoryview) -> tuple[int, int]:
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or view.nbytes == 0:
        return 0, view.nbytes
    array = numpy.frombuffer(view, numpy.uint8)
    return array.__array_interface__["data"][0], view.nbytes


def _regions(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join sorted (start, size) that overlap to (start, end)."""
    regions: list[tuple[int, int]] = []
    for start, size in places:
        end = start + size
        if regions and start < regions[-1][1]:
            regions[-1] = regions[-1][0], max(regions[-1][1], end)
        else:
            regions.append((start, end))
    return regions


def _align(writer: HashingWriter) -> int:
    writer.write(b"\0" * (-writer.size % _ALIGNMENT))
    return writer.size
