"""What a project's ``mlops.toml`` may say."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

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


class RerunSettings(_Section):
    cached: bool = False
    """Reruns take what has not changed from the step cache, those of papermill too."""


class CheckSettings(_Section):
    ignore: tuple[str, ...] = ()
    """Ids of rules whose findings do not count, in any notebook of the project."""
    strict: bool = False
    """Warnings fail ``jupyter mlops check`` too."""


class EvidenceSettings(_Section):
    key: str | None = None
    """The private key that signs evidence; default: ``.mlops/keys/evidence.pem``, made when needed;
    ``MLOPS_SIGNING_KEY`` overrides it."""


class CiSettings(_Section):
    notebooks: tuple[str, ...] = ()
    """Patterns of the notebooks that CI runs; default: all of the project."""
    promote: tuple[str, ...] | None = None
    """Notebooks that are promoted on the main branch; default: those with tagged steps."""
    images: Literal["auto", "require", "none"] = "auto"
    """Container images of what is promoted: where an engine answers, always, or never."""
    parameters: str | dict[str, str] | None = None
    """A YAML file with the parameters that CI runs the notebooks with, or notebook to such a file;
    one for all is for the notebooks that have its parameters."""
    install: tuple[str, ...] = ()
    """Commands that install what the notebooks need."""
    python: str = "3.11"
    branch: str = Field(default="main", pattern=r"^[\w./-]+$")
    against_release: bool = True
    """Metrics may not be worse than those of the notebook's last release; see ``[retrain]``."""
    metrics: dict[str, Threshold | dict[str, Threshold]] = Field(default_factory=dict)
    """Metric to threshold, such as ``">= 0.8"``, or notebook to a table of these."""


class ChainedNotebook(_Section):
    """One notebook of a chain; texts in ``parameters`` may hold ``${name.output}``."""

    path: str
    """As seen from the folder of ``mlops.toml``."""
    name: str | None = None
    """Default: the file's name without ``.ipynb``."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    after: tuple[str, ...] = ()
    """Names of notebooks that must have run before, where no parameter says so."""


class ChainSettings(_Section):
    """Notebooks that run as one graph, `jupyter mlops run NAME`."""

    name: str
    notebook: tuple[ChainedNotebook, ...]


class Settings(_Section):
    """What ``mlops.toml`` may say; unknown keys are refused."""

    tracking: TrackingSettings = TrackingSettings()
    cache: CacheSettings = CacheSettings()
    run: RunSettings = RunSettings()
    rerun: RerunSettings = RerunSettings()
    check: CheckSettings = CheckSettings()
    ci: CiSettings = CiSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    images: ImageSettings = ImageSettings()
    gates: tuple[Gate, ...] = ()
    retrain: RetrainSettings = RetrainSettings()
    monitor: MonitorSettings = MonitorSettings()
    pipeline: tuple[ChainSettings, ...] = ()


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
        content = tomllib.loads(text)
        return Settings.model_validate(content)
    except tomllib.TOMLDecodeError as error:
        raise MlopsError(
            "settings.invalid", f"{path.name} is not TOML: {error}.", place=place
        ) from None
    except ValidationError as error:
        # A misspelt key is missing too: what stands there says more than what does not.
        wrong = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        first = wrong[0]
        unknown = first["type"] == "extra_forbidden"
        words = "there is no such key" if unknown else first["msg"]
        hint = "see docs/settings.md for the names and types."
        if unknown and (near := _nearest(first["loc"])):
            hint = f"did you mean `{near}`?"
        raise MlopsError(
            "settings.invalid",
            f"{path.name}: {_where(content, first['loc'])}: {words}.",
            hint=hint,
            place=place,
        ) from None


def _where(content: Any, location: tuple[int | str, ...]) -> str:
    """Return where something stands; an item of a list is told by its name, where it has one."""
    parts: list[str] = []
    for part in location:
        content = content[part] if _has(content, part) else None
        called = None
        if isinstance(part, int) and isinstance(content, dict):
            called = content.get("name") or content.get("path")
        parts.append(f'"{called}"' if isinstance(called, str) else str(part))
    return ".".join(parts)


def _has(content: Any, part: int | str) -> bool:
    if isinstance(content, list):
        return isinstance(part, int) and part < len(content)
    return isinstance(content, dict) and part in content


def _nearest(location: tuple[int | str, ...]) -> str:
    """Return the key that an unknown one was perhaps meant to be."""
    model: Any = Settings
    for part in location[:-1]:
        if isinstance(part, str):
            field = getattr(model, "model_fields", {}).get(part)
            kind = field.annotation if field is not None else None
            model = next((each for each in (kind, *get_args(kind)) if _is_section(each)), None)
    known = list(getattr(model, "model_fields", {}))
    return next(iter(difflib.get_close_matches(str(location[-1]), known, 1)), "")


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, _Section)
