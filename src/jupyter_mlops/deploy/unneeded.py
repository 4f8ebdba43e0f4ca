"""What a project keeps and no longer needs: leftovers, and what is old and that nothing names.

Whatever a release, its evidence, the record of an endpoint or the audit log names stays, however
old it is. So does what a process may still work on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..capture import journal
from ..chains.record import superseded
from ..pipeline import run as pipeline_runs
from ..project import Project
from ..tracking.feeder import pending

Kind = Literal["leftover", "step cache", "pipeline run", "executed notebook", "journal", "run"]
DAY = 86_400.0
TRASH = "trash"
_ENTRY = "entry.json"
_NEWEST_JOURNALS = 5
"""Of each notebook: what they saw of its dataflow is read by promotions."""


@dataclass(frozen=True, slots=True)
class Unneeded:
    """One thing that may go; ``age`` is in seconds, ``size`` in bytes.

    ``run_id`` is MLflow's id where it is a run in the store.
    """

    kind: Kind
    name: str
    age: float
    size: int
    path: Path | None = None
    run_id: str = ""


class Named:
    """The texts that name what has to stay: of releases, endpoints and the audit log."""

    def __init__(self, project: Project) -> None:
        files = [
            *project.releases.glob("*/*/release.json"),
            *project.releases.glob("*/*/evidence/*.json"),
            *project.deployments.glob("*.json"),
            project.audit_log,
        ]
        self._texts = [path.read_text(encoding="utf-8") for path in files if path.is_file()]

    def __contains__(self, name: object) -> bool:
        return any(str(name) in text for text in self._texts)


def find_unneeded(project: Project, older_than: float) -> list[Unneeded]:
    """Return the files and folders of a project that may go, the largest of each kind first.

    Parameters
    ----------
    older_than
        Days since something was last used; leftovers of killed processes go after one day.
    """
    named, seconds = Named(project), older_than * DAY
    waiting = {folder.name for folder in pending(project)}
    found: list[Unneeded] = []
    for look in (_leftovers, _cached, _pipeline_runs, _executed, _journals):
        kind = [
            each
            for each in look(project, named, waiting)
            if each.age > (DAY if each.kind == "leftover" else seconds)
        ]
        found += sorted(kind, key=lambda each: -each.size)
    return found


def _leftovers(project: Project, named: Named, waiting: set[str]) -> Iterator[Unneeded]:
    places = [
        *_children(project.state / "work"),
        *_children(project.state / TRASH),
        *project.releases.glob("*/.staging-*"),
        *(project.state / "cache").glob(".*"),
    ]
    for path in places:
        yield _thing("leftover", path)


def _cached(project: Project, named: Named, waiting: set[str]) -> Iterator[Unneeded]:
    for path in _children(project.state / "cache"):
        if not path.name.startswith("."):
            # A hit touches the entry, not the files that it gives.
            yield _thing("step cache", path, path / _ENTRY)


def _pipeline_runs(project: Project, named: Named, waiting: set[str]) -> Iterator[Unneeded]:
    last = {run.pipeline: run.name for run in reversed(pipeline_runs.runs(project))}
    for path in _children(project.state / "pipelines"):
        for run in _children(path):
            if run.name != last.get(path.name) and run.name not in named:
                yield _thing("pipeline run", run)
    for path in superseded(project):
        if path.name not in named:
            yield _thing("pipeline run", path)


def _executed(project: Project, named: Named, waiting: set[str]) -> Iterator[Unneeded]:
    for path in _children(project.state / "executed"):
        if path.stem not in named and path.stem not in waiting:
            yield _thing("executed notebook", path)


def _journals(project: Project, named: Named, waiting: set[str]) -> Iterator[Unneeded]:
    known: dict[str, list[Path]] = {}
    for path in _children(project.journals):
        known.setdefault(path.name.rsplit("-", 3)[0], []).append(path)
    for folders in known.values():
        changed = sorted(folders, key=_changed, reverse=True)
        for path in changed[_NEWEST_JOURNALS:]:
            if path.name not in named and path.name not in waiting:
                yield _thing("journal", path, path / journal.NAME)


def _thing(kind: Kind, path: Path, used: Path | None = None) -> Unneeded:
    """Tell of a file or a folder; it is as old as the newest file in it, or as ``used``."""
    files = list(_files(path))
    times = [_of(each, _modified) for each in ([used] if used else [path, *files])]
    age = time.time() - max(times, default=0.0)
    return Unneeded(kind, path.name, age, sum(int(_of(each, _bytes)) for each in files), path)


def _children(folder: Path) -> Iterable[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        yield from (each for each in path.rglob("*") if each.is_file() or each.is_symlink())
    else:
        yield path


def _changed(folder: Path) -> float:
    return _of(folder / journal.NAME, _modified)


def _modified(path: Path) -> float:
    return path.lstat().st_mtime


def _bytes(path: Path) -> float:
    # A step cache and the runs that it serves share files by links: these free nothing.
    status = path.lstat()
    return status.st_size if status.st_nlink == 1 else 0


def _of(path: Path, ask: Callable[[Path], float]) -> float:
    try:
        return ask(path)
    except OSError:
        return 0.0  # gone meanwhile
