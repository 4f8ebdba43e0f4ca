"""What a notebook needs from the package index: exact versions of the environment it ran in."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError, Place

if TYPE_CHECKING:
    from packaging.requirements import Requirement

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

# A module that changes how another works, or that another imports when a method is called. It is
# taken along where it is installed, so that a step computes what the notebook computed.
_COMPANIONS: Mapping[str, tuple[str, ...]] = {"pandas": ("bottleneck", "numexpr", "pyarrow")}
_BY_METHOD: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("read_excel", "to_excel"), ("openpyxl",)),
    **dict.fromkeys(("read_hdf", "to_hdf"), ("tables",)),
    **dict.fromkeys(("read_html", "read_xml", "to_xml"), ("lxml",)),
    **dict.fromkeys(("read_sql", "read_sql_query", "read_sql_table", "to_sql"), ("sqlalchemy",)),
    **dict.fromkeys(("plot", "hist", "boxplot"), ("matplotlib",)),
    "style": ("jinja2", "matplotlib"),
    "to_markdown": ("tabulate",),
}
_PYTHON_CELL_MAGICS = frozenset({"capture", "prun", "time", "timeit"})
_OWN = __name__.partition(".")[0]
_TITLE = (
    "# The environment the notebook ran in, written by jupyter-mlops; promote again to change it.\n"
)
_PLAIN = "# Without hashes: the package index could not give one for every version.\n"
_UV_SECONDS = 120


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One distribution in one version; ``name`` is normalised (PEP 503)."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


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
        elif _importable(module):
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


def imported_modules(source: str) -> set[str]:
    """Return the top-level modules that Python or notebook source imports.

    Imports in functions and branches count; relative ones do not. A module that a known pandas
    method imports when it is called counts where it is installed. Lines of IPython syntax are
    passed over; source that cannot be parsed gives nothing.
    """
    found: set[str] = set()
    for tree in _trees(source):
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=names):
                    found.update(alias.name.partition(".")[0] for alias in names)
                case ast.ImportFrom(module=str(module), level=0):
                    found.add(module.partition(".")[0])
                case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]):
                    if getattr(function, "attr", getattr(function, "id", "")) in (
                        "import_module",
                        "__import__",
                    ):
                        found.add(name.partition(".")[0])
                case ast.Attribute(attr=method) if method in _BY_METHOD:
                    found.update(name for name in _BY_METHOD[method] if _importable(name))
    return found - {""}


def lock(pins: Iterable[Pin], *, index: str | None = None) -> str:
    """Return the text of a ``requirements.txt``: sorted, exact, with hashes where possible.

    Without an answer of the package index the text has no hashes and says so. It names no host.

    Parameters
    ----------
    index
        URL of the package index; default: uv's and pip's own settings in the environment.
    """
    plain = "".join(f"{pin}\n" for pin in sorted(set(pins)))
    if not plain:
        return _TITLE
    hashed = _hashed(plain, index or os.environ.get("PIP_INDEX_URL"))
    return _TITLE + (hashed if hashed is not None else _PLAIN + plain)


def has_hashes(text: str) -> bool:
    """Return whether a ``requirements.txt`` names hashes."""
    return "--hash=" in text


def _hashed(plain: str, index: str | None) -> str | None:
    import uv

    command = [uv.find_uv_bin(), "pip", "compile", "-", "--no-deps", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command += ["--quiet", "--python", sys.executable]
    if index:
        command += ["--default-index", index]
    environment = {"UV_HTTP_TIMEOUT": "15", **os.environ}
    # Offline uv knows what it has asked before, so that the same notebook gives the same bytes.
    for offline in ([], ["--offline"]):
        try:
            done = subprocess.run(
                [*command, *offline],
                input=plain,
                env=environment,
                capture_output=True,
                text=True,
                timeout=_UV_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and _covers(done.stdout, plain):
            return done.stdout
    return None


def _covers(hashed: str, plain: str) -> bool:
    """Tell whether each pin has a hash: pip wants one for all of them or for none."""
    entries = [entry for entry in hashed.replace("\\\n", " ").splitlines() if entry.strip()]
    names = {entry.split()[0] for entry in entries if "--hash=" in entry}
    return names == set(plain.split())


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


def _trees(source: str) -> Iterator[ast.AST]:
    try:
        yield ast.parse(source)
        return
    except (SyntaxError, ValueError):
        pass
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        plain = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
        tree = ast.parse(plain)
    except (SyntaxError, ValueError):
        return
    yield tree
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="run_cell_magic"),
                args=[ast.Constant(value=magic), _, ast.Constant(value=str(body))],
            ) if magic in _PYTHON_CELL_MAGICS:
                yield from _trees(body)


def _importable(module: str) -> bool:
    if module in sys.modules:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _origin(module: str) -> str | None:
    found = sys.modules.get(module)
    spec = found.__spec__ if found is not None else importlib.util.find_spec(module)
    return spec.origin if spec is not None else None


@cache
def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
