"""What was captured of units, told anew as one run: cells in the order of the notebook."""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import shutil
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ...capture import journal
from ...capture.cells import INJECTED, NOTEBOOK, FileCells
from ...capture.environment import environment
from ...capture.git import git
from ...capture.journal import Journal
from ...capture.processes import started
from ...capture.records import (
    AnyRecord,
    CellEnd,
    CellStart,
    End,
    Environment,
    Git,
    Metric,
    Model,
    Parameter,
    Shown,
    Start,
)
from ...capture.redaction import redact, redact_value
from ...capture.scalars import text
from ...errors import MlopsError
from ...notebook.document import Cell, Notebook
from ...project import Project
from .score_names import ScoreNames

_NOT_OF_CELLS = (Start, Environment, Git, End)
_PLAIN = (str, int, float, bool, type(None), list, tuple, dict)


class Captured:
    """What was captured of one unit: its records, by the cell's id.

    ``ids`` are the ids of the unit's cells, by those that they had when they were run.
    """

    def __init__(self, folder: Path, ids: Mapping[str, str]) -> None:
        self.folder = folder
        self.cells: dict[str, list[AnyRecord]] = {}
        self.running: CellStart | None = None
        """The cell that began and did not end."""
        if not (folder / journal.NAME).exists():
            return
        names: dict[int, str] = {}
        current = ""
        for record in journal.read_all(folder / journal.NAME):
            if isinstance(record, _NOT_OF_CELLS):
                continue
            if isinstance(record, CellStart):
                current = names[record.order] = ids.get(record.cell or "", "")
                self.running = record
            elif isinstance(record, CellEnd):
                self.running = None
            name = names.get(getattr(record, "order", -1), current)
            self.cells.setdefault(name, []).append(record)


class RunJournal:
    """The journal of a run that is put together; where it cannot be written, the run goes on."""

    def __init__(
        self, project: Project, run: str, notebook: Notebook, parameters: Mapping[str, Any]
    ) -> None:
        self._journal: Journal | None = None
        self._orders = 0
        self._points: dict[str, int] = {}
        self._scores = ScoreNames()
        self.metrics: dict[str, float] = {}
        path = notebook.path.resolve()
        start = Start(
            time=time.time(),
            run=run,
            kind="rerun",
            notebook=notebook.name,
            path=str(path),
            host=socket.gethostname(),
            pid=os.getpid(),
            pid_started=started(os.getpid()) or 0.0,
            python=platform.python_version(),
            platform=platform.platform(),
            user=_user(),
            parameters={name: redact_value(name, text(v)) for name, v in parameters.items()},
        )
        with contextlib.suppress(MlopsError, OSError):
            self.folder = project.folder("journal", run)
            self._journal = Journal(self.folder)
            self._append(start)
            FileCells(path, self._keep_notebook).find(None, "")
        self._describing = threading.Thread(target=self._describe, args=(project.root,))
        self._describing.start()

    def parameters(self, cell: Cell | None, source: str, values: Mapping[str, Any]) -> None:
        """Tell of a cell that gives parameters; None is the injected one."""
        self.silent(cell, source)
        for name, value in values.items():
            if isinstance(value, _PLAIN):
                shown = redact_value(name, text(value))
                record = Parameter(time=time.time(), order=self._orders, name=name, value=shown)
                self._append(record)

    def silent(self, cell: Cell | None, source: str) -> None:
        """Tell of a cell that did nothing but what is known of it."""
        self._orders += 1
        now = time.time()
        self._append(
            CellStart(
                time=now,
                order=self._orders,
                source=redact(source),
                cell=cell.id if cell is not None else INJECTED,
                position=cell.position if cell is not None else None,
                tags=cell.tags if cell is not None else (INJECTED,),
            )
        )
        self._append(CellEnd(time=now, order=self._orders, seconds=0.0, outcome="ok"))

    def cell(self, captured: Captured, name: str, cell: Cell | None, reused: str = "") -> None:
        """Tell of a cell what was captured of it, by its id; None is the injected one.

        ``reused`` is the run it was taken from.
        """
        records = captured.cells.get(name)
        if not records:
            return
        self._orders += 1
        records = self._scores.renamed(records)
        counted = {name: self._points.get(name, -1) + 1 for name in _counting_anew(records)}
        for record in records:
            changes: dict[str, Any] = {"time": time.time()} if reused else {}
            if hasattr(record, "order"):
                changes["order"] = self._orders
            if isinstance(record, CellStart) and cell is not None:
                # The cell may have moved since.
                changes |= {"cell": cell.id, "position": cell.position, "tags": cell.tags}
            if isinstance(record, CellEnd) and reused:
                changes |= {"seconds": 0.0, "reused": reused, "saved": record.seconds}
            if isinstance(record, Metric):
                changes["step"] = record.step + counted.get(record.name, 0)
                self._points[record.name] = changes["step"]
                self.metrics[record.name] = record.value
            if isinstance(record, Shown | Model):
                changes |= self._files(captured.folder, record)
            self._append(msgspec.structs.replace(record, **changes))

    def end(self, status: str) -> None:
        """End the run; ``status`` is one of MLflow's."""
        self._describing.join()
        self._append(End(time=time.time(), status=status))
        if self._journal is not None:
            self._journal.close()

    def _files(self, folder: Path, record: Shown | Model) -> dict[str, str]:
        """Take over a record's files, under names that are those of this run."""
        found: dict[str, str] = {}
        for field in ("file", "sample"):
            name = getattr(record, field, "")
            if not name:
                continue
            place, _, base = name.rpartition("/")
            new = f"{place}/{self._orders}-{base.removeprefix(f'{record.order}-')}"
            found[field] = new
            with contextlib.suppress(OSError):
                (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
                _link(folder / name, self.folder / new)
        return found

    def _append(self, record: AnyRecord) -> None:
        if self._journal is not None:
            with contextlib.suppress(MlopsError, OSError):
                self._journal.append(record)

    def _describe(self, root: Path) -> None:
        self._append(environment())
        if self._journal is not None and (found := git(root, self.folder)) is not None:
            self._append(found)

    def _keep_notebook(self, make: Any) -> None:
        (self.folder / NOTEBOOK).write_bytes(make())


def _counting_anew(records: list[AnyRecord]) -> set[str]:
    """Return the metrics whose values were counted from 0, as where nobody gives their steps."""
    steps: dict[str, list[int]] = {}
    for record in records:
        if isinstance(record, Metric):
            steps.setdefault(record.name, []).append(record.step)
    return {name for name, found in steps.items() if found == list(range(len(found)))}


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        return
    except OSError:
        shutil.copy2(source, target)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
