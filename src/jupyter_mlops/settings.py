"""What a project's ``mlops.toml`` may say."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import MlopsError, Place

_COMPARISON = r"\s*(>=|<=|==|>|<)\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"
Threshold = Annotated[str, Field(pattern=rf"^{_COMPARISON}(,{_COMPARISON})*$")]


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


class CacheSettings(_Section):
    max_gb: float = Field(default=5.0, ge=0)
    """Size of the step cache; what was not used for longest is removed beyond it."""


class RunSettings(_Section):
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that each step of a pipeline may take; default: as long as it wants."""


class CheckSettings(_Section):
    ignore: tuple[str, ...] = ()
    """Ids of rules whose findings do not count, in any notebook of the project."""
    strict: bool = False
    """Warnings fail ``jupyter mlops check`` too."""


class CiSettings(_Section):
    notebooks: tuple[str, ...] = ()
    """Patterns of the notebooks that CI runs; default: all of the project."""
    promote: tuple[str, ...] | None = None
    """Notebooks that are promoted on the main branch; default: those with tagged steps."""
    images: Literal["auto", "require", "none"] = "auto"
    """Container images of what is promoted: where an engine answers, always, or never."""
    parameters: str | None = None
    """A YAML file with the parameters that CI runs the notebooks with."""
    install: tuple[str, ...] = ()
    """Commands that install what the notebooks need."""
    python: str = "3.11"
    branch: str = Field(default="main", pattern=r"^[\w./-]+$")
    against_release: bool = True
    """Metrics may not be worse than those of the notebook's last release; see ``[retrain]``."""
    metrics: dict[str, Threshold | dict[str, Threshold]] = Field(default_factory=dict)
    """Metric to threshold, such as ``">= 0.8"``, or notebook to a table of these."""


class Settings(_Section):
    """What ``mlops.toml`` may say; unknown keys are refused."""

    tracking: TrackingSettings = TrackingSettings()
    cache: CacheSettings = CacheSettings()
    run: RunSettings = RunSettings()
    check: CheckSettings = CheckSettings()
    ci: CiSettings = CiSettings()
    images: ImageSettings = ImageSettings()
    gates: tuple[Gate, ...] = ()
    retrain: RetrainSettings = RetrainSettings()
    monitor: MonitorSettings = MonitorSettings()


def read(path: Path) -> Settings:
    """Read an ``mlops.toml``; a missing one sets nothing.

    Raises `MlopsError` ``settings.invalid`` with the name of what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    place = Place(str(path))
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise MlopsError(
            "settings.invalid", f"{path.name} is not TOML: {error}.", place=place
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise MlopsError(
            "settings.invalid",
            f"{path.name}: {name}: {first['msg']}.",
            hint="see docs/settings.md for the names and types.",
            place=place,
        ) from None
