"""What a run has left of itself: from its journal, or from the store where there is none here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..capture.journal import NAME
from ..capture.records import Shown
from ..tracking.datasets import listed
from ..tracking.history import History

if TYPE_CHECKING:
    from ..tracking.artifacts import Artifacts
    from ..tracking.runs import RunDetail
    from ..tracking.store import Store

GIT_DIFF = "git.diff"


class Fitted(NamedTuple):
    """A model: the digest of its pickled bytes, and the execution that fitted it.

    ``file`` is in the journal's folder until the store has it.
    """

    digest: str
    order: int
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A run as it was captured.

    ``cells`` and ``datasets`` are as in the artifacts ``cells.json`` and ``datasets.json``;
    ``metrics`` maps names to all values in order, ``set_by`` to the execution that set the last
    one. ``shown`` maps an execution and a number to what was displayed. ``models`` maps variables
    to what they were last fitted to. ``git`` is empty outside a
    repository. ``folder`` is the journal's, None where it is not here.
    """

    run: str
    notebook: str
    path: str
    kind: str
    python: str
    platform: str
    user: str
    started: str
    parameters: dict[str, str]
    cells: list[dict[str, Any]]
    metrics: dict[str, list[float]]
    set_by: dict[str, int]
    datasets: list[dict[str, Any]]
    shown: dict[tuple[int, int], Shown]
    models: dict[str, Fitted]
    distributions: dict[str, str]
    local: tuple[str, ...]
    git: dict[str, Any]
    folder: Path | None = None
    artifacts: Artifacts | None = field(default=None, repr=False)

    def content(self, name: str) -> bytes | None:
        """Return a file that the run has left, by its name below the run's; None without one."""
        if self.folder is not None and (self.folder / name).is_file():
            return (self.folder / name).read_bytes()
        return self.artifacts.content(name) if self.artifacts is not None else None

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [each for each in self.datasets if each["kind"] == "memory"]

    @property
    def data(self) -> list[dict[str, Any]]:
        """What was read from outside."""
        return [each for each in self.datasets if each["kind"] != "memory"]


def of_run(store: Store, run: RunDetail) -> Recorded:
    """Return what the store's run has left; its journal, where it is here, tells more."""
    artifacts = store.artifacts(run.mlflow_id)
    folder = store.project.journals / run.run
    if (folder / NAME).is_file():
        return of_journal(folder, started=run.started, artifacts=artifacts)
    environment = artifacts.json("environment.json") or {}
    lineage = artifacts.json("lineage.json") or {}
    return Recorded(
        run=run.run,
        notebook=run.notebook,
        path=run.path,
        kind=run.kind,
        python=run.python or environment.get("python", ""),
        platform=environment.get("platform", ""),
        user=run.user,
        started=run.started,
        parameters=dict(run.parameters),
        cells=run.cells,
        metrics={name: [value] for name, value in run.metrics.items()},
        set_by=_set_by(lineage),
        datasets=run.datasets,
        shown=_shown(run.cells),
        models={},
        distributions=environment.get("distributions", {}),
        local=tuple(environment.get("local", ())),
        git={**run.git, "untracked": []} if run.git else {},
        artifacts=artifacts,
    )


def of_journal(folder: Path, *, started: str = "", artifacts: Artifacts | None = None) -> Recorded:
    """Return what the journal in ``folder`` tells."""
    history = History(folder / NAME)
    while history.read_on():
        pass
    metrics: dict[str, list[float]] = {}
    for point in history.points.next(len(history.points)):
        metrics.setdefault(point.name, []).append(point.value)
    start, environment, git = history.start, history.environment, history.git
    return Recorded(
        run=start.run if start else folder.name,
        notebook=start.notebook if start else "",
        path=start.path if start else "",
        kind=start.kind if start else "",
        python=start.python if start else "",
        platform=start.platform if start else "",
        user=start.user if start else "",
        started=started,
        parameters=dict(start.parameters) if start else {},
        cells=list(history.cells.values()),
        metrics=metrics,
        set_by=_set_by(json.loads(history.lineage.to_json())),
        datasets=listed(history.frames, history.datasets),
        shown={(each.order, each.number): each for each in history.shown},
        models={m.name: Fitted(m.digest, m.order, m.file) for m in history.models.values()},
        distributions=environment.distributions if environment else {},
        local=environment.local if environment else (),
        git={
            "commit": git.commit,
            "branch": git.branch,
            "dirty": git.dirty,
            "untracked": list(git.untracked),
        }
        if git
        else {},
        folder=folder,
        artifacts=artifacts,
    )


def _set_by(lineage: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, orders in (lineage.get("metrics") or {}).items():
        last = orders[-1] if isinstance(orders, list) and orders else orders
        if isinstance(last, int):
            found[name] = last
    return found


def _shown(cells: list[dict[str, Any]]) -> dict[tuple[int, int], Shown]:
    """Return what the names of the kept files tell: ``figures/3-1.png``."""
    found = {}
    for cell in cells:
        for name in cell.get("shown", ()):
            stem = Path(name).name.partition(".")[0]
            number = int(stem.rpartition("-")[2])
            kind = "figure" if name.startswith("figures/") else "table"
            key = (cell["order"], number)
            found[key] = Shown(
                time=0.0,
                order=key[0],
                number=number,
                kind=kind,
                mime="",
                bytes=0,
                digest="",
                file=name,
            )
    return found
