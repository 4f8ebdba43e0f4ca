"""The artifacts of a run, read back: from a local store's folder, or through MLflow."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    from mlflow import MlflowClient


class Artifacts(ABC):
    """The artifacts of one run, each named by its path below the run's."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return all names, sorted."""

    @abstractmethod
    def content(self, name: str) -> bytes | None:
        """Return the content of an artifact, None where it is missing."""

    def json(self, name: str) -> Any:
        """Return the content of a JSON artifact, None where it is missing or damaged."""
        content = self.content(name)
        try:
            return json.loads(content) if content is not None else None
        except ValueError:
            return None


class FolderArtifacts(Artifacts):
    """Artifacts in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        return sorted(
            (Path(folder) / file).relative_to(self._folder).as_posix()
            for folder, _, files in os.walk(self._folder)
            for file in files
        )

    def content(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None


class ServedArtifacts(Artifacts):
    """Artifacts that MLflow fetches from wherever its server keeps them."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id

    def names(self) -> list[str]:
        return sorted(self._below(None))

    def content(self, name: str) -> bytes | None:
        from mlflow.exceptions import MlflowException

        try:
            return Path(self._client.download_artifacts(self._run_id, name)).read_bytes()
        except (MlflowException, OSError):
            return None

    def _below(self, folder: str | None) -> list[str]:
        found: list[str] = []
        for entry in self._client.list_artifacts(self._run_id, folder):
            found += self._below(entry.path) if entry.is_dir else [entry.path]
        return found


def folder_of(uri: str) -> Path | None:
    """Return the folder of this machine that an artifact URI names; None for any other place."""
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(url2pathname(parts.path))
    return Path(uri) if not parts.scheme and os.path.isabs(uri) else None
