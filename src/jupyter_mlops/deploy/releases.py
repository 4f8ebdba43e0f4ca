"""Releases: immutable, versioned results of a promotion, kept under ``.mlops/releases/``."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..project import Project
from ..serving.predictor import file_digest

MANIFEST = "release.json"


@dataclass(frozen=True, slots=True)
class Release:
    """One release. ``manifest`` is the content of its ``release.json``."""

    name: str
    version: int
    folder: Path
    manifest: dict[str, Any]

    @property
    def ref(self) -> str:
        """How users name it: ``flights/2``."""
        return f"{self.name}/{self.version}"

    @property
    def metrics(self) -> dict[str, float]:
        return dict(self.manifest.get("metrics") or {})

    def image(self, kind: str) -> str | None:
        """Return the tag of the ``training`` or ``serving`` image, where one was built."""
        return (self.manifest.get("images") or {}).get(kind)

    def verify(self) -> None:
        """Check every file against the manifest; raises ``release.altered``."""
        for name, digest in self.manifest["files"].items():
            path = self.folder / name
            if not path.is_file() or file_digest(path) != digest:
                raise MlopsError(
                    "release.altered",
                    f"The release {self.ref} is not what was promoted: `{name}` has changed.",
                    hint="promote the notebook again; a release must not be edited.",
                    place=Place(str(path)),
                )


class Releases:
    """The releases of one project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def list(self, name: str | None = None) -> list[Release]:
        """Return the releases, by name and version, oldest first."""
        names = [name] if name else sorted(path.name for path in _folders(self.project.releases))
        return [self._read(each, version) for each in names for version in self._versions(each)]

    def get(self, ref: str) -> Release:
        """Return a release by ``name/version``, or the newest by ``name``.

        Raises `MlopsError` ``release.unknown``.
        """
        name, _, version = ref.partition("/")
        versions = self._versions(name)
        if not version and versions:
            return self._read(name, versions[-1])
        if version.isdigit() and int(version) in versions:
            return self._read(name, int(version))
        known = [release.ref for release in self.list()]
        raise MlopsError(
            "release.unknown",
            f"There is no release `{ref}`.",
            hint=f"there are: {', '.join(known)}."
            if known
            else "promote a notebook first: `jupyter mlops promote NOTEBOOK`.",
            place=Place(str(self.project.root)),
        )

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """Give a folder to build a release in; it is gone afterwards unless it was published."""
        parent = self.project.folder("releases", name)
        for left in parent.glob(".staging-*"):  # of a promotion that was killed
            shutil.rmtree(left, ignore_errors=True)
        folder = parent / f".staging-{uuid.uuid4().hex[:8]}"
        with explain_os_errors(self.project.root):
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                if not any(parent.iterdir()):
                    parent.rmdir()

    def next_version(self, name: str) -> int:
        return max(self._versions(name), default=0) + 1

    def seal(
        self, name: str, version: int, staged: Path, manifest: dict[str, Any]
    ) -> dict[str, Any]:
        """Write the staged folder's ``release.json`` with the digest of each file beside it."""
        with explain_os_errors(self.project.root):
            files = {
                path.relative_to(staged).as_posix(): file_digest(path)
                for path in sorted(staged.rglob("*"))
                if path.is_file() and path.name != MANIFEST
            }
            manifest = {**manifest, "name": name, "version": version, "files": files}
            text = json.dumps(manifest, indent=2, sort_keys=True)
            (staged / MANIFEST).write_text(text + "\n", encoding="utf-8")
        return manifest

    def publish(self, name: str, version: int, staged: Path, manifest: dict[str, Any]) -> Release:
        """Seal the staged folder and make it the release ``name/version``, all at once."""
        target = self.project.releases / name / str(version)
        manifest = self.seal(name, version, staged, manifest)
        with explain_os_errors(self.project.root):
            os.rename(staged, target)
        return Release(name, version, target, manifest)

    def _versions(self, name: str) -> Sequence[int]:
        if not name or name.startswith(".") or "/" in name:
            return []
        found = _folders(self.project.releases / name)
        return sorted(int(p.name) for p in found if p.name.isdigit() and (p / MANIFEST).is_file())

    def _read(self, name: str, version: int) -> Release:
        folder = self.project.releases / name / str(version)
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return Release(name, version, folder, manifest)


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return [path for path in parent.iterdir() if path.is_dir() and not path.name.startswith(".")]
