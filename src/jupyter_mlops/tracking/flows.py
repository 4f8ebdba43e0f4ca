"""What the latest captured runs of a notebook showed of its dataflow."""

from __future__ import annotations

from pathlib import Path

from ..capture import journal
from ..capture.records import Flow, Start
from ..capture.run_names import run_slug
from ..notebook.document import Notebook
from ..notebook.observed import ObservedCell, ObservedFlow, source_digest
from ..project import Project

_MOST_RUNS = 5


def latest_flow(project: Project, notebook: Notebook) -> ObservedFlow | None:
    """Return what each cell was last seen to do, as its source is now; None if no cell ever ran.

    The journals of the last few runs on this machine are read, also of one that goes on.
    """
    wanted = {cell.id: source_digest(cell.source) for cell in notebook.code_cells}
    name = project.relative(notebook.path)
    found: dict[str, ObservedCell] = {}
    left = _MOST_RUNS
    for folder in _journals(project, name):
        cells = _read(folder / journal.NAME, name)
        if cells is None:
            continue
        for each in reversed(cells):
            if wanted.get(each.cell) == each.source_digest:
                found.setdefault(each.cell, each)
        left -= 1
        if not left or found.keys() == wanted.keys():
            break
    return ObservedFlow(tuple(found[cell] for cell in wanted if cell in found)) if found else None


def _journals(project: Project, notebook: str) -> list[Path]:
    """Return the journals that may be the notebook's, the newest first."""
    changed: dict[Path, int] = {}
    for folder in project.journals.glob(f"{run_slug(notebook)}-*"):
        try:
            changed[folder] = (folder / journal.NAME).stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return sorted(changed, key=changed.__getitem__, reverse=True)


def _read(path: Path, notebook: str) -> list[ObservedCell] | None:
    try:
        records = journal.read_all(path)
    except OSError:
        return None
    if not any(isinstance(r, Start) and r.notebook == notebook for r in records):
        return None
    return [record.flow for record in records if isinstance(record, Flow)]
