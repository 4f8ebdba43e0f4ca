"""The audit log: who promoted, refused, deployed or rolled back what, never altered unseen.

``.mlops/audit.jsonl`` holds one JSON object a line. Each entry carries the digest of the one
before it, and ``.mlops/audit.head`` the number and digest of the last; so a changed, removed,
swapped or cut-off line is found by `AuditLog.verify`. The chain has no secret: whoever may write
to the project and rewrites the log and its head from end to end is not found. Keep a copy of the
head elsewhere where that matters.
"""

from __future__ import annotations

import errno
import getpass
import hashlib
import json
import math
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..project import Project

GENESIS = "0" * 64
"""What the first entry has as ``previous``."""
_LOCK_SECONDS = 30.0
_TORN_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    ``seq`` counts from 1; ``time`` is UTC in ISO 8601; ``outcome`` is ``ok``, ``refused`` or
    ``failed``; ``digest`` is the SHA-256, in hex, of the JSON of all the rest with sorted keys
    and no white space.
    """

    seq: int
    time: str
    actor: str
    action: str
    subject: str
    outcome: str
    details: dict[str, Any]
    previous: str
    digest: str = ""

    @property
    def reason(self) -> str:
        """Why it was refused or failed; empty where it was not."""
        return str(self.details.get("reason", ""))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def sealed(self) -> Entry:
        """Return the entry with its digest."""
        rest = {name: value for name, value in self.to_dict().items() if name != "digest"}
        return replace(self, digest=hashlib.sha256(_canonical(rest)).hexdigest())

    def line(self) -> bytes:
        return _canonical(self.to_dict()) + b"\n"


@dataclass(frozen=True, slots=True)
class _Head:
    seq: int = 0
    digest: str = GENESIS

    def text(self) -> bytes:
        return _canonical(asdict(self)) + b"\n"


class AuditLog:
    """The audit log of one project; any number of processes may append to it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.path = project.audit_log
        self.head_path = self.path.with_suffix(".head")

    def append(self, action: str, subject: str, outcome: str, **details: Any) -> Entry:
        """Add an entry and return it once it is on the disk.

        What a crash left of a half-written line is kept in an entry ``recovered`` that goes
        before. A log that was altered is gone on with, so that a rollback is never held up; the
        break stays visible to `verify`.

        Raises
        ------
        MlopsError
            ``project.disk-full``, ``project.read-only`` or ``project.busy``; nothing is written
            then.
        """
        with explain_os_errors(self.project.root), self._locked():
            content = _read(self.path)
            end = content.rfind(b"\n") + 1
            head = self._last(content[:end])
            torn = content[end:]
            if torn:
                entry = self._entry(head, "recovered", "audit log", "ok", _torn_details(torn))
                head, end = self._write(entry, end)
            entry = self._entry(head, action, subject, outcome, _plain(details))
            self._write(entry, end)
        return entry

    def entries(self) -> list[Entry]:
        """Return the entries, oldest first; raises ``audit.altered`` where one is unreadable."""
        lines = _lines(_read(self.path))
        return [self._parse(number, line) for number, line in enumerate(lines, start=1)]

    def verify(self) -> None:
        """Check the whole log.

        Raises
        ------
        MlopsError
            ``audit.altered``, naming the first entry that is not what was written.
        """
        marked, content = self._snapshot()
        head = _head(marked)
        lines = _lines(content)
        previous = GENESIS
        for number, line in enumerate(lines, start=1):
            entry = self._parse(number, line)
            if entry.seq != number or entry.previous != previous:
                self._altered(number, "is missing, or others stand in its place")
            previous = entry.digest
        if head is None and not content and not marked:
            return
        if head is None:
            self._altered(
                max(len(lines), 1), f"cannot be confirmed: {self.head_path.name} is damaged"
            )
        if head.seq > len(lines):
            self._altered(
                len(lines) + 1,
                f"is missing: {head.seq} entries were written, {len(lines)} are left",
            )
        # A crash between an entry and its head leaves the log one entry ahead, never more.
        if head.seq < len(lines) - 1:
            self._altered(head.seq + 1, "was added past the end")
        at_head = self._parse(head.seq, lines[head.seq - 1]).digest if head.seq else GENESIS
        if at_head != head.digest:
            self._altered(max(head.seq, 1), "is not the one that was written")

    def _entry(
        self, head: _Head, action: str, subject: str, outcome: str, details: dict[str, Any]
    ) -> Entry:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        who = actor(self.project.root)
        return Entry(
            head.seq + 1, now, who, action, subject, outcome, details, head.digest
        ).sealed()

    def _write(self, entry: Entry, offset: int) -> tuple[_Head, int]:
        """Write an entry at ``offset``, the end of the last whole line, and then the head.

        The head's bytes are on the disk before the entry is, so that a full disk leaves both as
        they were; a crash in between leaves an entry that the next append takes in.
        """
        head = _Head(entry.seq, entry.digest)
        if fresh := not self.path.exists() and not self.head_path.exists():
            os.replace(self._draft(_Head()), self.head_path)
        draft = self._draft(head)
        with self.path.open("ab"):
            pass
        with self.path.open("r+b", buffering=0) as stream:
            stream.seek(offset)
            try:
                if stream.write(line := entry.line()) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
                stream.truncate()
                os.fsync(stream.fileno())
                os.replace(draft, self.head_path)
            except OSError:
                stream.truncate(offset)
                draft.unlink(missing_ok=True)
                raise
        if fresh:
            _sync_folder(self.path.parent)
        return head, offset + len(line)

    def _draft(self, head: _Head) -> Path:
        draft = self.head_path.with_suffix(".head.new")
        with draft.open("wb") as stream:
            stream.write(head.text())
            stream.flush()
            os.fsync(stream.fileno())
        return draft

    def _last(self, whole: bytes) -> _Head:
        """Return what the next entry follows: the head, or the one entry a crash left past it."""
        head = _head(_read(self.head_path))
        lines = _lines(whole)
        if head is None:
            # Nobody can say what stood here: an empty digest keeps the chain visibly broken.
            return _Head(len(lines), "") if whole else _Head()
        if len(lines) == head.seq + 1:
            try:
                last = self._parse(len(lines), lines[-1])
            except MlopsError:
                return head
            if last.seq == len(lines) and last.previous == head.digest:
                return _Head(last.seq, last.digest)
        return head

    def _snapshot(self) -> tuple[bytes, bytes]:
        """Return head and log as they stood at one moment, without keeping writers out."""
        for _ in range(50):
            head, content = _read(self.head_path), _read(self.path)
            if _read(self.head_path) == head:
                break
            time.sleep(0.01)
        return head, content

    def _parse(self, number: int, line: bytes) -> Entry:
        try:
            entry = Entry(**json.loads(line))
            intact = entry.sealed() == entry and entry.line() == line + b"\n"
        except (ValueError, TypeError, RecursionError):
            intact = False
        if not intact:
            self._altered(number, "has been changed")
        return entry

    def _altered(self, number: int, how: str) -> NoReturn:
        raise MlopsError(
            "audit.altered",
            f"The audit log has been altered: entry {number} {how}.",
            hint="compare it with a backup; what follows this entry cannot be trusted.",
            place=Place(self.project.relative(self.path), line=number),
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        lock = FileLock(self.project.folder("locks") / "audit.lock", timeout=_LOCK_SECONDS)
        try:
            lock.acquire()
        except Timeout:
            raise MlopsError(
                "project.busy",
                f"Another process has held the audit log for {_LOCK_SECONDS:.0f} seconds.",
                hint="wait until it has ended, then try again; nothing was changed.",
                place=Place(self.project.relative(self.path)),
            ) from None
        try:
            yield
        finally:
            lock.release()


def actor(root: Path) -> str:
    """Return who acts: the JupyterHub user, else git's ``user.email``, else the system's user."""
    if user := os.environ.get("JUPYTERHUB_USER"):
        return user
    try:
        asked = subprocess.run(
            ["git", "config", "user.email"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
        if email := asked.stdout.strip():
            return email
    except (OSError, subprocess.SubprocessError):
        pass
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user id without a name
        return f"uid {os.getuid()}"


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _plain(value: Any) -> Any:
    """Return ``value`` as what JSON reads back equal; numbers that are not finite become text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a numpy scalar
        return _plain(value.item())
    return str(value)


def _torn_details(torn: bytes) -> dict[str, Any]:
    return {
        "reason": "a crash left a half-written line",
        "bytes": len(torn),
        "sha256": hashlib.sha256(torn).hexdigest(),
        "text": torn[:_TORN_KEPT].decode("ascii", "backslashreplace"),
    }


def _head(content: bytes) -> _Head | None:
    """Read a head; None where it is not what was written."""
    try:
        head = _Head(**json.loads(content))
        counted = isinstance(head.seq, int) and head.seq >= 0
        return head if counted and head.text() == content else None
    except (ValueError, TypeError):
        return None


def _lines(content: bytes) -> list[bytes]:
    """Return the whole lines, without what a crash may have left after the last one."""
    return content.split(b"\n")[:-1]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
