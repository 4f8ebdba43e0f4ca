"""What a notebook needs from the package index: exact versions of the environment it ran in."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError, Place
from .imports import importable, imported_modules
from .lock import Pin, lock

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = [
    "RUNTIME_SERVING",
    "RUNTIME_STEP",
    "Needs",
    "Pin",
    "Skipped",
    "imported_modules",
    "lock",
    "needs",
    "pins",
]

RUNTIME_STEP = ("IPython", "cloudpickle", "nbformat", "pydantic", "xxhash", "yaml")
"""What `jupyter_mlops.pipeline.runtime` imports beside the notebook's own modules."""

RUNTIME_SERVING = (
    "anyio",
    "cloudpickle",
    "orjson",
    "pandas",
    "pydantic",
    "starlette",
    "uvicorn",
    "xxhash",
)
"""What `jupyter_mlops.serving` imports beside the served function's modules."""

# Modules that change how another works, where they are installed.
_COMPANIONS: Mapping[str, tuple[str, ...]] = {"pandas": ("bottleneck", "numexpr", "pyarrow")}
_OWN = __name__.partition(".")[0]


@dataclass(frozen=True, slots=True, order=True)
class Skipped:
    """A module or distribution that no image gets, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What modules come from: ``pins`` of the index, and ``local`` files or package folders."""

    pins: tuple[Pin, ...]
    local: tuple[Path, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def pins(modules: Iterable[str]) -> tuple[Pin, ...]:
    """Return exact versions of what provides these top-level modules, and of all it requires.

    Raises `MlopsError` ``images.unknown-module`` as `needs` does.
    """
    return needs(modules).pins


def needs(modules: Iterable[str], *, folder: Path | None = None, step: bool = False) -> Needs:
    """Return where these top-level modules come from in the running environment.

    Modules of the standard library and of this package are passed over. A local module is
    searched for what it imports in turn.

    Parameters
    ----------
    folder
        The notebook's folder, whose ``.py`` files and packages it may import.
    step
        Take along what makes pandas compute as it did in the notebook, such as pyarrow.

    Raises
    ------
    MlopsError
        ``images.unknown-module`` for a module that can be imported here, but comes neither from
        a distribution nor from ``folder``.
    """
    providers = metadata.packages_distributions()
    local: dict[str, Path] = {}
    skipped: set[Skipped] = set()
    wanted: set[str] = set()
    waiting = sorted(set(modules))
    seen = set(waiting)
    while waiting:
        module = waiting.pop()
        if module in sys.stdlib_module_names or module in (_OWN, "__main__", "builtins"):
            continue
        further: Iterable[str] = ()
        if found := _sibling(folder, module):
            local[module] = found
            further = _imports_of(found)
        elif module in providers:
            wanted.update(providers[module])
            if step:
                further = [name for name in _COMPANIONS.get(module, ()) if name in providers]
        elif importable(module):
            raise MlopsError(
                "images.unknown-module",
                f"The module `{module}` belongs to no installed package.",
                hint=f"put {module}.py beside the notebook, or make it a package and install it.",
                place=Place(_origin(module)),
            )
        else:
            skipped.add(Skipped(module, "it is not installed here, so the notebook ran without it"))
        fresh = sorted(set(further) - seen)
        seen.update(fresh)
        waiting.extend(fresh)
    found_pins, left_out = _closure(wanted)
    return Needs(
        tuple(sorted(found_pins)),
        tuple(local[name] for name in sorted(local)),
        tuple(sorted(skipped | left_out)),
    )


def provided(modules: Iterable[str], *, without: Iterable[str]) -> frozenset[str]:
    """Return the modules that come from distributions other than ``without`` and what they require.

    Parameters
    ----------
    modules
        Top-level names, such as those of ``sys.modules``.
    without
        Names of distributions.
    """
    providers = metadata.packages_distributions()
    left_out = {pin.name for pin in _closure(without)[0]} | {_normalise(_OWN)}
    return frozenset(
        module
        for module in modules
        if module in providers and not {_normalise(d) for d in providers[module]} <= left_out
    )


def _closure(names: Iterable[str]) -> tuple[set[Pin], set[Skipped]]:
    """Follow the requirements of installed distributions, with their markers and extras."""
    found: set[Pin] = set()
    skipped: set[Skipped] = set()
    waiting = [(_normalise(name), frozenset[str](), "") for name in sorted(names)]
    seen: dict[str, frozenset[str]] = {}
    while waiting:
        name, extras, wanted_by = waiting.pop()
        if name == _normalise(_OWN) or (name in seen and extras <= seen[name]):
            continue
        extras |= seen.get(name, frozenset())
        seen[name] = extras
        try:
            dist = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            skipped.add(Skipped(name, f"{wanted_by} asks for it, but it is not installed here"))
            continue
        if reason := _unobtainable(dist):
            skipped.add(Skipped(name, reason))
        else:
            found.add(Pin(name, dist.version))
        waiting.extend(
            (_normalise(each.name), frozenset(each.extras), name)
            for each in _requires(dist, extras)
        )
    return found, skipped


def _requires(dist: metadata.Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    from packaging.requirements import InvalidRequirement, Requirement

    for text in dist.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # pip installed it all the same; old metadata is not ours to mend
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def _unobtainable(dist: metadata.Distribution) -> str | None:
    """Return why no index can give this distribution: PEP 610's record of its origin."""
    text = dist.read_text("direct_url.json")
    if text is None:
        return None
    origin: dict[str, Any] = json.loads(text)
    if origin.get("dir_info", {}).get("editable"):
        return "it is installed in editable form; put it beside the notebook or into an index"
    return "it was installed from a file or address, not from a package index"


def _sibling(folder: Path | None, module: str) -> Path | None:
    if folder is None:
        return None
    for candidate in (folder / module / "__init__.py", folder / f"{module}.py"):
        if candidate.is_file():
            return candidate.parent if candidate.name == "__init__.py" else candidate
    return None


def _imports_of(path: Path) -> set[str]:
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    found: set[str] = set()
    for file in files:
        found |= imported_modules(file.read_text(encoding="utf-8", errors="replace"))
    return found


def _origin(module: str) -> str | None:
    found = sys.modules.get(module)
    spec = found.__spec__ if found is not None else importlib.util.find_spec(module)
    return spec.origin if spec is not None else None


@cache
def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
