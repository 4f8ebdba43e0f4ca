"""Where a project keeps its things: ``.mlops/`` below its root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import MlopsError, Place
from .os_errors import explain_os_errors

if TYPE_CHECKING:
    from .settings import Settings

STATE = ".mlops"
SETTINGS = "mlops.toml"
_MARKERS = (SETTINGS, STATE, "pyproject.toml", ".git")


class Project:
    """A folder with notebooks and its state under ``.mlops/``.

    Nothing is written by finding a project; folders appear when they are first needed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._settings: Settings | None = None

    @classmethod
    def find(cls, start: Path | str | None = None) -> Project:
        """Return the project of ``start`` (a file or folder; default: the working directory).

        The root is the nearest parent with ``mlops.toml``, ``.mlops``, ``pyproject.toml`` or
        ``.git``; where there is none, the folder itself. ``JUPYTER_MLOPS_PROJECT`` overrides it.
        """
        if forced := os.environ.get("JUPYTER_MLOPS_PROJECT"):
            return cls(Path(forced))
        here = Path(start) if start is not None else Path.cwd()
        here = here.resolve()
        folder = here if here.is_dir() else here.parent
        for candidate in (folder, *folder.parents):
            if any((candidate / marker).exists() for marker in _MARKERS):
                return cls(candidate)
        return cls(folder)

    def __repr__(self) -> str:
        return f"Project({str(self.root)!r})"

    @property
    def state(self) -> Path:
        return self.root / STATE

    @property
    def settings(self) -> Settings:
        """The settings of ``mlops.toml``; raises `MlopsError` (``settings.invalid``)."""
        if self._settings is None:
            from . import settings  # pydantic takes time that a notebook need not wait for

            self._settings = settings.read(self.root / SETTINGS)
        return self._settings

    @property
    def tracking_uri(self) -> str:
        default = f"sqlite:///{self.state / 'mlflow.db'}"
        return os.environ.get("MLFLOW_TRACKING_URI") or self.settings.tracking.uri or default

    @property
    def artifact_root(self) -> Path:
        return self.state / "artifacts"

    @property
    def journals(self) -> Path:
        return self.state / "journal"

    @property
    def releases(self) -> Path:
        return self.state / "releases"

    @property
    def deployments(self) -> Path:
        return self.state / "deployments"

    @property
    def predictions(self) -> Path:
        return self.state / "predictions"

    @property
    def audit_log(self) -> Path:
        return self.state / "audit.jsonl"

    def relative(self, path: Path | str) -> str:
        """Return ``path`` as seen from the root where it is below it, else absolute."""
        absolute = Path(path).resolve()
        if absolute.is_relative_to(self.root):
            return absolute.relative_to(self.root).as_posix()
        return str(absolute)

    def folder(self, *parts: str) -> Path:
        """Make and return a folder below ``.mlops/``.

        Raises `MlopsError` ``project.read-only`` or ``project.disk-full``.
        """
        target = self.state.joinpath(*parts)
        with explain_os_errors(self.root):
            target.mkdir(parents=True, exist_ok=True)
            ignore = self.state / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        return target

    @contextmanager
    def lock(self, name: str, *, what: str) -> Iterator[None]:
        """Hold an exclusive lock of this project; ``what`` names the work in the error.

        Raises `MlopsError` ``project.busy`` at once where another process holds it.
        """
        busy = MlopsError(
            "project.busy",
            f"Another process is busy with {what} in this project.",
            hint="wait until it has ended, then try again; nothing was changed.",
            place=Place(str(self.root)),
        )
        with held(self.folder("locks") / f"{name}.lock", busy):
            yield


@contextmanager
def held(path: Path, busy: MlopsError) -> Iterator[None]:
    """Hold the lock of a file; raises ``busy`` at once where another process holds it.

    The lock is the operating system's: it ends with the process, however that dies.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise busy from None
    try:
        yield
    finally:
        lock.release()
