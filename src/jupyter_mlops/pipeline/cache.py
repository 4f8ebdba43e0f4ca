"""The step cache: what steps left, by the key of everything that decided it.

An entry is a folder ``<key>/`` with a copy of the step's folder and ``entry.json``: the digests of
its files, and of the files that the step had read. A hit has all of them unchanged; whatever else
is found is a miss. Entries are made beside their place and renamed, so that many processes may
write and any may be killed.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..os_errors import explain_os_errors
from .touched import digest, unchanged

_ENTRY = "entry.json"
_CONTENT = "step"
_STALE = 3600.0
"""Seconds after which what a killed process left half made is removed."""


class StepCache:
    """A bounded, content-addressed store of step folders.

    Parameters
    ----------
    folder
        Where it is kept.
    limit
        Bytes; the entries that were not used for longest are removed beyond it.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def take(self, key: str, target: Path) -> bool:
        """Put an entry's files where ``target`` is; return whether there was a sound one."""
        place = self.folder / key
        try:
            entry = json.loads((place / _ENTRY).read_text(encoding="utf-8"))
            files: dict[str, str] = entry["files"]
            if not unchanged(entry["read"]):
                return False
            sound = all(digest(str(place / _CONTENT / name)) == d for name, d in files.items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            sound = False
        if not sound:
            self._remove(place)
            return False
        try:
            _copy(place / _CONTENT, target, files)
            os.utime(place / _ENTRY)
        except FileNotFoundError:
            return False  # removed by another process meanwhile
        return True

    def keep(self, key: str, source: Path, read: Mapping[str, str]) -> None:
        """Keep a step's folder, with the digests of the files that the step had read.

        Raises `MlopsError` ``project.disk-full`` or ``project.read-only``.
        """
        with explain_os_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            staging = self.folder / f".{uuid.uuid4().hex}"
            try:
                names = [path.relative_to(source).as_posix() for path in _files(source)]
                _copy(source, staging / _CONTENT, names)
                entry: dict[str, Any] = {
                    "files": {name: digest(str(staging / _CONTENT / name)) for name in names},
                    "read": dict(read),
                }
                (staging / _ENTRY).write_text(json.dumps(entry, indent=1), encoding="utf-8")
                self._publish(staging, self.folder / key)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
        self._evict(keep=key)

    def _publish(self, staging: Path, place: Path) -> None:
        for _ in range(3):
            try:
                os.rename(staging, place)
            except OSError:
                # An older one, of files that were another content then, or another process's.
                self._remove(place)
            else:
                return

    def _remove(self, place: Path) -> None:
        aside = self.folder / f".{uuid.uuid4().hex}"
        try:
            os.rename(place, aside)
        except OSError:
            return
        shutil.rmtree(aside, ignore_errors=True)

    def _evict(self, keep: str) -> None:
        sizes: list[tuple[float, int, Path]] = []
        for place in self.folder.iterdir():
            try:
                if place.name.startswith("."):
                    if time.time() - place.stat().st_mtime > _STALE:
                        shutil.rmtree(place, ignore_errors=True)
                    continue
                used = (place / _ENTRY).stat().st_mtime
                size = sum(path.stat().st_size for path in _files(place))
            except OSError:
                continue
            sizes.append((used, size, place))
        total = sum(size for _, size, _ in sizes)
        for _, size, place in sorted(sizes):
            if total <= self.limit:
                return
            if place.name != keep:
                self._remove(place)
                total -= size


def link_folder(source: Path, target: Path) -> None:
    """Give ``target`` the files of ``source``."""
    _copy(source, target, [p.relative_to(source).as_posix() for p in _files(source)])


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _copy(source: Path, target: Path, names: Collection[str]) -> None:
    """Link files where the file system can, else copy them; nothing here is written in place."""
    new = not target.exists()
    for folder in sorted({os.path.dirname(target / name) for name in names}):
        os.makedirs(folder, exist_ok=True)
    for name in names:
        path = target / name
        if not new:
            path.unlink(missing_ok=True)
        try:
            os.link(source / name, path)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copy2(source / name, path)
