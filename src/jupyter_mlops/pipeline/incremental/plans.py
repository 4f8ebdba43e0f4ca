"""Units that were found before: what a notebook is divided into is kept with its code.

A plan is good as long as the code, the modules beside the notebook, the environment and this very
package are what they were. One that is damaged is worked out again.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import uuid
from collections.abc import Iterator
from pathlib import Path

from ...errors import MlopsError
from ...notebook.document import Notebook
from ...project import Project
from ..step_key import environment
from .units import Units, divide

_FOLDER = "plans"
_MOST = 100
_MOST_MODULES = 500
_DIGEST = 32


def units_of(project: Project, notebook: Notebook, injected: str = "") -> Units:
    """Return what `divide` does, from an earlier time where that is the same."""
    name = _name(notebook, injected)
    path = project.state / _FOLDER / f"{name}.pickle"
    found = _read(path) if name else None
    if found is not None:
        return found
    units = divide(notebook, injected=injected)
    if name:
        _write(project, path, units)
    return units


def _name(notebook: Notebook, injected: str) -> str:
    """Return the digest of all that decides the units; nothing where that is too much."""
    folder = notebook.path.resolve().parent
    modules = list(_modules(folder))
    if len(modules) > _MOST_MODULES:
        return ""
    content = [
        [[c.id, c.position, c.kind, c.source, c.tags] for c in notebook.cells],
        [notebook.name, str(folder)],
        modules,
        environment(),
        injected,
        max(stat.st_mtime_ns for stat in _own_files()),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _modules(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield name, time and size of the modules beside the notebook, and in folders beside it."""
    for pattern in ("*.py", "*/*.py"):
        for path in sorted(folder.glob(pattern)):
            stat = path.stat()
            yield str(path), stat.st_mtime_ns, stat.st_size


def _own_files() -> Iterator[os.stat_result]:
    package = Path(__file__).parents[2]
    for folder in (package / "notebook", package / "pipeline", Path(__file__).parent):
        with os.scandir(folder) as entries:
            yield from (entry.stat() for entry in entries if entry.name.endswith(".py"))


def _read(path: Path) -> Units | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
        return None
    found = pickle.loads(content[_DIGEST:])
    return found if isinstance(found, Units) else None


def _write(project: Project, path: Path, units: Units) -> None:
    try:
        folder = project.folder(_FOLDER)
        content = pickle.dumps(units)
        part = folder / f".{uuid.uuid4().hex}"
        part.write_bytes(hashlib.sha256(content).digest() + content)
        os.replace(part, path)
        old = sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime)[:-_MOST]
        for each in old:
            each.unlink(missing_ok=True)
    except (MlopsError, OSError):
        return  # it is worked out again the next time
