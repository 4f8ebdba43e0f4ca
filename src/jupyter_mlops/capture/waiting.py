"""What waits: records of journals that are not in the store yet, and why."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..project import Project

CURSOR = "cursor.json"
"""Beside each journal: how much of it stands in the store; written by who feeds the store."""

_TROUBLE = "writer.json"


class _Fed(msgspec.Struct):
    """What a cursor tells here."""

    records: int = 0
    finished: bool = False


class Trouble(msgspec.Struct):
    """Why the writer cannot feed the store, and since when, in seconds since the epoch."""

    since: float
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """``records`` of one run, and ``runs``: how many others are not complete in the store.

    ``trouble`` is None where the store takes what it is given.
    """

    records: int
    runs: int
    trouble: Trouble | None

    def __str__(self) -> str:
        parts = []
        if self.records:
            parts.append(f"{self.records:,} record{'s' * (self.records > 1)} of this run")
        if self.runs:
            parts.append(f"{self.runs:,} other run{'s' * (self.runs > 1)}")
        words = " and ".join(parts) or "nothing"
        if self.trouble is None or not parts:
            return words
        since = time.strftime("%H:%M", time.localtime(self.trouble.since))
        return f"{words}, since {since}: {self.trouble.text}"


def waiting(project: Project, run: str, appended: int) -> Waiting:
    """Return what waits in a project, seen from a run with so many records in its journal."""
    fed = _fed(project.journals / run)
    try:
        others = [Path(e.path) for e in os.scandir(project.journals) if e.name != run]
    except FileNotFoundError:
        others = []
    unfinished = sum(not _fed(folder).finished for folder in others)
    return Waiting(max(0, appended - fed.records), unfinished, trouble(project))


def trouble(project: Project) -> Trouble | None:
    """Return why the writer cannot feed the store; None where it can."""
    try:
        return msgspec.json.decode((project.state / _TROUBLE).read_bytes(), type=Trouble)
    except (OSError, msgspec.MsgspecError):
        return None


def set_trouble(project: Project, found: Trouble | None) -> None:
    """Tell all kernels of the project; a disk that takes no word of it is no further trouble."""
    path = project.state / _TROUBLE
    part = path.with_name(f".{_TROUBLE}.{os.getpid()}")
    try:
        if found is None:
            path.unlink(missing_ok=True)
        else:
            part.write_bytes(msgspec.json.encode(found))
            os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)


def _fed(folder: Path) -> _Fed:
    try:
        return msgspec.json.decode((folder / CURSOR).read_bytes(), type=_Fed)
    except (OSError, msgspec.MsgspecError):
        return _Fed()
