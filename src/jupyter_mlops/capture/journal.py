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
import weakref
import zlib
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from ..errors import MlopsError, Place
from ..os_errors import FULL, explain_os_errors
from .records import AnyRecord

NAME = "journal"
_FRAME = struct.Struct("<II")
_LARGEST = 1 << 30
_MOST_HELD = 64 << 20
CHUNK = 1 << 20
"""Bytes that a reader takes at a time, so that a long journal does not fill its memory."""

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(AnyRecord)
_pack = _FRAME.pack
_crc = zlib.crc32
_open: weakref.WeakSet[Journal] = weakref.WeakSet()


class Journal:
    """Appends to the journal in ``folder``; safe to use from several threads of one process.

    On a full disk records wait in memory, and are written, in order, once there is space.
    Raises `MlopsError` ``project.read-only`` or ``project.disk-full``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        """Records that were appended, those that wait in memory included."""
        self._lock = threading.Lock()
        self._file: int | None = None
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        with explain_os_errors(folder):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
            self._file = os.open(folder / NAME, flags, 0o600)
        _open.add(self)

    @property
    def held(self) -> int:
        """How many records wait in memory for space on the disk."""
        return len(self._held)

    def append(self, record: AnyRecord) -> None:
        """Write one record; a forked child and a closed journal write nothing.

        Raises
        ------
        MlopsError
            ``project.disk-full`` for the first record that does not fit: it waits in memory, as do
            those that follow; and ``capture.disk-full`` for each that cannot be held any more.
        """
        if self._file is None:
            return
        content = _encode(record)
        frame = _pack(len(content), _crc(content)) + content
        with self._lock:
            if self._file is None:
                return
            if self._held:
                self._hold(frame)
                self._write_held()
            else:
                try:
                    self._write(frame)
                except OSError as error:
                    if error.errno not in FULL:
                        with explain_os_errors(self.folder / NAME):
                            raise
                    self._hold(frame)
                    self.count += 1
                    raise self._full() from error
            self.count += 1

    def flush(self) -> bool:
        """Try to write what waits in memory; return whether nothing does any more."""
        with self._lock:
            if self._held and self._file is not None:
                self._write_held()
            return not self._held

    def close(self) -> None:
        """Write what can be written of what waits in memory, and end."""
        with self._lock:
            if self._file is not None:
                self._write_held()
                os.close(self._file)
                self._file = None

    def move(self, folder: Path, change: Callable[[AnyRecord], AnyRecord]) -> None:
        """Go on in another folder, in a forked process: with all that this journal has so far.

        ``change`` is given each record and returns what stands there in its place. Raises as making
        a journal does.
        """
        frames = bytearray()
        for record in read_all(self.folder / NAME):
            content = _encode(change(record))
            frames += _pack(len(content), _crc(content)) + content
        with explain_os_errors(folder), self._lock:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC
            flags |= getattr(os, "O_CLOEXEC", 0)
            self._file = os.open(folder / NAME, flags, 0o600)
            self.folder = folder
            self._write(bytes(frames))

    def _write(self, frame: bytes) -> None:
        assert self._file is not None
        written = os.write(self._file, frame)
        if written != len(frame):
            size = os.fstat(self._file).st_size
            os.ftruncate(self._file, size - written)
            raise OSError(errno.ENOSPC, "no space left", str(self.folder / NAME))

    def _write_held(self) -> None:
        try:
            while self._held:
                self._write(self._held[0])
                self._held_bytes -= len(self._held.popleft())
        except OSError:
            return  # still no space: they wait on

    def _hold(self, frame: bytes) -> None:
        if self._held_bytes + len(frame) > _MOST_HELD:
            raise MlopsError(
                "capture.disk-full",
                "The disk has been full for long, and no more records can wait in memory.",
                hint="free some space, then restart the kernel to be captured again.",
                place=Place(str(self.folder)),
            )
        self._held.append(frame)
        self._held_bytes += len(frame)

    def _full(self) -> MlopsError:
        return MlopsError(
            "project.disk-full",
            "The disk is full: what is captured waits in the kernel's memory.",
            hint="free some space before the kernel ends; nothing else is to be done.",
            place=Place(str(self.folder)),
        )

    def _forget(self) -> None:
        """Leave the file to the parent process."""
        self._file = None
        self._lock = threading.Lock()


def read(path: Path, offset: int = 0, most: int = CHUNK) -> tuple[list[tuple[int, AnyRecord]], int]:
    """Return whole records from ``offset`` on, each with the offset behind it.

    The second part of the result is where to read on; where that is ``offset`` itself, all is read.
    At most ``most`` bytes are taken, or one record. A torn end is left for the next time; records
    of a kind that this version does not know are passed over.
    """
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read(max(most, _FRAME.size))
        if len(content) >= _FRAME.size:
            length, _ = _FRAME.unpack_from(content)
            if len(content) < length + _FRAME.size and length <= _LARGEST:
                content += file.read(length + _FRAME.size - len(content))
    records: list[tuple[int, AnyRecord]] = []
    place = 0
    while place + _FRAME.size <= len(content):
        length, crc = _FRAME.unpack_from(content, place)
        end = place + _FRAME.size + length
        body = memoryview(content)[place + _FRAME.size : end]
        if not length or length > _LARGEST or end > len(content) or _crc(body) != crc:
            break
        place = end
        try:
            records.append((offset + place, _decoder.decode(body)))
        except msgspec.DecodeError:
            continue
    return records, offset + place


def read_all(path: Path) -> list[AnyRecord]:
    """Return all whole records of a journal."""
    found: list[AnyRecord] = []
    offset = 0
    while True:
        records, end = read(path, offset)
        if end == offset:
            return found
        found += [record for _, record in records]
        offset = end


def _forked() -> None:
    for journal in _open:
        journal._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
