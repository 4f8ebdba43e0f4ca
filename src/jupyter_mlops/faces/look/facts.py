"""What a run card tells, read from the run's journal as it grows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...capture.cells import FileCells
from ...capture.journal import NAME
from ...tracking.history import History

State = Literal["idle", "running", "failed", "ended"]


@dataclass(frozen=True, slots=True)
class Facts:
    """One run at one moment. Times are in seconds.

    ``executed`` counts the notebook's cells that have run without failing, of ``cells`` in the
    file (0 where there is no file). ``cell`` is the position of the one that runs or failed, and
    ``seconds`` how long it has run; ``spent`` is the time of all cells together. ``metrics`` maps
    names to all their values.
    """

    run: str
    notebook: str
    state: State = "idle"
    executed: int = 0
    cells: int = 0
    cell: int | None = None
    seconds: float = 0.0
    error: str = ""
    spent: float = 0.0
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, list[float]] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Names of frames with their rows and columns."""
    problems: tuple[str, ...] = ()
    store: str = ""


class FactsReader:
    """Reads on in one journal; ``path`` is the notebook's file."""

    def __init__(self, folder: Path, path: Path | None, store: str) -> None:
        self._history = History(folder / NAME)
        self._path = path
        self._file = FileCells(path)
        self._store = store

    def read(self) -> Facts:
        """Return how the run stands now."""
        history = self._history
        while history.read_on():
            pass
        last = next(reversed(history.cells.values()), None)
        metrics: dict[str, list[float]] = {}
        for metric in history.points.next(len(history.points)):
            metrics.setdefault(metric.name, []).append(metric.value)
        done = {
            cell["id"] or cell["order"]
            for cell in history.cells.values()
            if cell["outcome"] == "ok" and (cell["position"] is not None or self._path is None)
        }
        start = history.start
        return Facts(
            run=start.run if start else "",
            notebook=start.notebook if start else "",
            state=_state(history, last),
            executed=len(done),
            cells=self._file.count,
            cell=last["position"] if last else None,
            seconds=_seconds(last),
            error=last["error"] if last else "",
            spent=sum(cell["seconds"] or 0.0 for cell in history.cells.values()),
            parameters=_latest(history.parameters),
            metrics=metrics,
            models={name: model.type.rpartition(".")[2] for name, model in history.models.items()},
            data={frame.name: (frame.rows, len(frame.columns)) for frame in history.frames},
            problems=tuple(note.text for note in history.notes if note.kind == "problem"),
            store=self._store,
        )


def _state(history: History, last: dict[str, Any] | None) -> State:
    if history.end is not None:
        return "ended"
    if last is None:
        return "idle"
    if last["outcome"] == "running":
        return "running"
    return "failed" if last["outcome"] == "failed" else "idle"


def _seconds(last: dict[str, Any] | None) -> float:
    if last is None:
        return 0.0
    if last["seconds"] is not None:
        seconds: float = last["seconds"]
        return seconds
    started: float = last["started"]
    return max(0.0, time.time() - started)


def _latest(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return each parameter's last value: the store keeps the second one under ``depth/2``."""
    latest: dict[str, str] = {}
    for key, value in parameters.items():
        name, _, count = key.rpartition("/")
        latest[name if name and count.isdigit() else key] = value
    return latest
