"""The journal of a run: records appended to one file, each whole or not there at all.

A record is framed by its length and the CRC-32 of its content (both 32 bits, little-endian) and
written with one ``write()`` on a descriptor opened for appending, so that what a killed process
has written stays, and two threads never mix. A reader stops at the first torn frame.
"""

from __future__ import annotations

import errno
import os
import struct
import threading
import zlib
from pathlib import Path

import msgspec

from ..os_errors import explain_os_errors
from .records import AnyRecord

NAME = "journal"
_FRAME = struct.Struct("<II")
_LARGEST = 1 << 30

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyRecord)


class Journal:
    """Appends to the journal in ``folder``; safe to use from several threads of one process.

    Raises `MlopsError` ``project.read-only`` or ``project.disk-full``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._file: int | None = None
        with explain_os_errors(folder):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
            self._file = os.open(folder / NAME, flags, 0o600)

    def append(self, record: AnyRecord) -> None:
        """Write one record; a forked child and a closed journal write nothing.

        Raises `MlopsError` ``project.disk-full`` where the record does not fit; the journal is then
        as it was before.
        """
        content = _encoder.encode(record)
        frame = _FRAME.pack(len(content), zlib.crc32(content)) + content
        with self._lock, explain_os_errors(self.folder / NAME):
            if self._file is None or os.getpid() != self._pid:
                return
            written = os.write(self._file, frame)
            if written != len(frame):
                size = os.fstat(self._file).st_size
                os.ftruncate(self._file, size - written)
                raise OSError(errno.ENOSPC, "no space left", str(self.folder / NAME))

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None


def read(path: Path, offset: int = 0) -> tuple[list[tuple[int, AnyRecord]], int]:
    """Return the whole records from ``offset`` on, each with the offset behind it.

    The second part of the result is where to read on. A torn end is left for the next time;
    records of a kind that this version does not know are passed over.
    """
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read()
    records: list[tuple[int, AnyRecord]] = []
    place = 0
    while place + _FRAME.size <= len(content):
        length, crc = _FRAME.unpack_from(content, place)
        end = place + _FRAME.size + length
        body = memoryview(content)[place + _FRAME.size : end]
        if length > _LARGEST or end > len(content) or zlib.crc32(body) != crc:
            break
        place = end
        try:
            records.append((offset + place, _decoder.decode(body)))
        except msgspec.DecodeError:
            continue
    return records, offset + place
