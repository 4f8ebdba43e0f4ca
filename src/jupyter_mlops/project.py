"""Where a project keeps its things (``.mlops/``) and what its ``mlops.toml`` sets."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import MlopsError, Place
from .os_errors import explain_os_errors as explain_os_errors

STATE = ".mlops"
SETTINGS = "mlops.toml"
_MARKERS = (SETTINGS, STATE, "pyproject.toml", ".git")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrackingSettings(_Section):
    uri: str | None = None
    """MLflow tracking URI; ``MLFLOW_TRACKING_URI`` overrides it; default: SQLite in ``.mlops/``."""


class ImageSettings(_Section):
    base: str | None = None
    """Base image; default ``python:X.Y-slim`` of the running Python."""
    prefix: str = "mlops"
    """First part of image names: ``<prefix>/<release name>-serving:<version>``."""
    build_args: dict[str, str] = Field(default_factory=dict)
    network: str | None = None
    """Docker network of builds, where the default does not reach the package index."""


class Gate(_Section):
    metric: str
    min: float | None = None
    max: float | None = None


class RetrainSettings(_Section):
    metric: str | None = None
    """The metric that decides between challenger and champion; default: the first known one."""
    direction: Literal["minimize", "maximize"] | None = None
    tolerance: float = 0.0
    """A challenger may be worse by this fraction of the champion's metric."""


class MonitorSettings(_Section):
    threshold: float = 0.1
    """Drift score from which a feature counts as drifted."""
    min_rows: int = 100
    """Fewer logged rows than this give no verdict."""


class Settings(_Section):
    """What ``mlops.toml`` may say; unknown keys are refused."""

    tracking: TrackingSettings = TrackingSettings()
    images: ImageSettings = ImageSettings()
    gates: tuple[Gate, ...] = ()
    retrain: RetrainSettings = RetrainSettings()
    monitor: MonitorSettings = MonitorSettings()


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
            self._settings = _read_settings(self.root / SETTINGS)
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

        Raises `MlopsError` ``project.busy`` at once where another process holds it. The lock is
        the operating system's: it ends with the process, however that dies.
        """
        from filelock import FileLock, Timeout

        path = self.folder("locks") / f"{name}.lock"
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise MlopsError(
                "project.busy",
                f"Another process is busy with {what} in this project.",
                hint="wait until it has ended, then try again; nothing was changed.",
                place=Place(str(self.root)),
            ) from None
        try:
            yield
        finally:
            lock.release()


def _read_settings(path: Path) -> Settings:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    place = Place(str(path))
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise MlopsError(
            "settings.invalid", f"{SETTINGS} is not TOML: {error}.", place=place
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise MlopsError(
            "settings.invalid",
            f"{SETTINGS}: {name}: {first['msg']}.",
            hint="see docs/settings.md for the names and types.",
            place=place,
        ) from None
