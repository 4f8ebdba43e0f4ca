"""What a journal says of its run, record by record: the run as it should stand in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..capture import journal
from ..capture.records import (
    AnyRecord,
    Call,
    CellEnd,
    CellStart,
    Dataset,
    End,
    Environment,
    EstimatorParameters,
    Flow,
    Frame,
    Git,
    Metric,
    Model,
    Note,
    Parameter,
    Seed,
    Shown,
    Start,
    Tag,
)
from ..notebook.observed import ObservedCell
from .lineage import Lineage
from .points import Points


@dataclass(slots=True)
class History:
    """A run as far as its journal has been read; reading on only adds.

    ``parameters`` maps the key in MLflow to the value. MLflow never changes a parameter: a second
    value of ``depth`` stands under ``depth/2``.
    """

    path: Path
    offset: int = 0
    count: int = 0
    """How many records were read."""
    last: float = 0.0
    """When the last record was written, in seconds since the epoch."""
    start: Start | None = None
    end: End | None = None
    cells: dict[int, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    points: Points = field(default_factory=Points)
    """Of metrics: those that are not known to be in the store."""
    frames: list[Frame] = field(default_factory=list)
    datasets: list[Dataset] = field(default_factory=list)
    seeds: list[Seed] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)
    """How metrics came to their values, by the metric's name."""
    shown: list[Shown] = field(default_factory=list)
    lineage: Lineage = field(default_factory=Lineage)
    flows: list[ObservedCell] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)
    """The latest of each variable, in the order of fitting."""
    estimator_parameters: dict[str, EstimatorParameters] = field(default_factory=dict)
    """By the model's digest."""
    environment: Environment | None = None
    git: Git | None = None
    notes: list[Note] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    _again: dict[str, int] = field(default_factory=dict)
    """How often each cell was executed."""
    _lowest: int = 0
    """The position of the lowest cell of the notebook that was executed."""
    _values: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def read_on(self) -> bool:
        """Read the next megabytes of what was written since; return whether there was anything."""
        records, offset = journal.read(self.path, self.offset)
        for _, record in records:
            self._add(record)
            self.last = max(self.last, record.time)
        self.count += len(records)
        moved = offset != self.offset
        self.offset = offset
        return moved

    @property
    def told(self) -> int:
        """How many records other than points of metrics were read."""
        return self.count - self.points.read

    @property
    def main_model(self) -> Model | None:
        """The model of the run: the last fitted one that predicts, else the last fitted one."""
        models = list(self.models.values())
        found = [model for model in models if model.predicts] or models
        return found[-1] if found else None

    def _add(self, record: AnyRecord) -> None:
        self.lineage.add(record)
        match record:
            case Start():
                self.start, self.end = record, None  # one that was ended early goes on
                for name, value in record.parameters.items():
                    self._parameter(name, value)
            case CellStart():
                self.cells[record.order] = self._cell(record)
            case CellEnd():
                if record.order in self.cells:
                    _ended(self.cells[record.order], record)
            case Parameter():
                # What a rerun was given overrides what the parameters cell assigns at first.
                if self.start is None or record.name not in self.start.parameters:
                    self._parameter(record.name, record.value, record.order)
                else:
                    self.lineage.parameter(record.name, record.order)
            case Metric():
                self.points.add(record)
            case Frame():
                self.frames.append(record)
            case Dataset():
                self.datasets.append(record)
            case Seed():
                self.seeds.append(record)
            case Call():
                self.calls[record.metric] = record.command
            case Shown():
                self.shown.append(record)
                cell = self.cells.get(record.order)
                if cell is not None and record.file:
                    cell["shown"].append(record.file)
            case Flow():
                self.flows.append(record.flow)
            case Model():
                self.models.pop(record.name, None)
                self.models[record.name] = record
            case EstimatorParameters():
                self.estimator_parameters[record.digest] = record
            case Environment():
                self.environment = record
            case Git():
                self.git = record
            case Note():
                self.notes.append(record)
            case Tag():
                self.tags.append(record)
            case End():
                self.end = record

    def _parameter(self, name: str, value: str, order: int | None = None) -> None:
        if self._values.get(name) != value:
            self._values[name] = value
            self._counts[name] = self._counts.get(name, 0) + 1
            self.parameters[self._key(name)] = value
        if order is not None:
            self.lineage.parameter(self._key(name), order)

    def _key(self, name: str) -> str:
        count = self._counts[name]
        return name if count == 1 else f"{name}/{count}"

    def _cell(self, record: CellStart) -> dict[str, Any]:
        cell = _cell(record)
        if record.cell is not None:
            cell["again"] = self._again[record.cell] = self._again.get(record.cell, 0) + 1
        if record.position is not None:
            cell["out_of_order"] = record.position < self._lowest
            self._lowest = max(self._lowest, record.position)
        return cell


def _cell(record: CellStart) -> dict[str, Any]:
    return {
        "order": record.order,
        "id": record.cell,
        "position": record.position,
        "tags": list(record.tags),
        "source": record.source,
        "started": record.time,
        "seconds": None,
        "outcome": "running",
        "error": "",
        "line": None,
        "again": 1,
        "out_of_order": False,
        "shown": [],
    }


def _ended(cell: dict[str, Any], record: CellEnd) -> None:
    cell.update(
        seconds=record.seconds, outcome=record.outcome, error=record.error, line=record.line
    )
    if record.reused:
        cell.update(reused=record.reused, saved=record.saved)
