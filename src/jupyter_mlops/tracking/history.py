"""What a journal says of its run, record by record: the run as it should stand in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..capture import journal
from ..capture.records import (
    AnyRecord,
    CellEnd,
    CellStart,
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
    Start,
)
from ..notebook.observed import ObservedCell


@dataclass(slots=True)
class History:
    """A run as far as its journal has been read; reading on only adds.

    ``parameters`` maps the key in MLflow to the value. MLflow never changes a parameter: a second
    value of ``depth`` stands under ``depth/2``.
    """

    path: Path
    offset: int = 0
    last: float = 0.0
    """When the last record was written, in seconds since the epoch."""
    start: Start | None = None
    end: End | None = None
    cells: dict[int, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    flows: list[ObservedCell] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)
    """The latest of each variable, in the order of fitting."""
    estimator_parameters: dict[str, EstimatorParameters] = field(default_factory=dict)
    """By the model's digest."""
    environment: Environment | None = None
    git: Git | None = None
    notes: list[Note] = field(default_factory=list)
    _values: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def read_on(self) -> bool:
        """Read what has been written since; return whether there was anything."""
        records, offset = journal.read(self.path, self.offset)
        for _, record in records:
            self._add(record)
            self.last = max(self.last, record.time)
        moved = offset != self.offset
        self.offset = offset
        return moved

    @property
    def main_model(self) -> Model | None:
        """The model of the run: the last fitted one that predicts, else the last fitted one."""
        models = list(self.models.values())
        found = [model for model in models if model.predicts] or models
        return found[-1] if found else None

    def _add(self, record: AnyRecord) -> None:
        match record:
            case Start():
                self.start = record
                for name, value in record.parameters.items():
                    self._parameter(name, value)
            case CellStart():
                self.cells[record.order] = _cell(record)
            case CellEnd():
                if record.order in self.cells:
                    _ended(self.cells[record.order], record)
            case Parameter():
                # What a rerun was given overrides what the parameters cell assigns at first.
                if self.start is None or record.name not in self.start.parameters:
                    self._parameter(record.name, record.value)
            case Metric():
                self.metrics.append(record)
            case Frame():
                self.frames.append(record)
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
            case End():
                self.end = record

    def _parameter(self, name: str, value: str) -> None:
        if self._values.get(name) == value:
            return
        self._values[name] = value
        self._counts[name] = self._counts.get(name, 0) + 1
        count = self._counts[name]
        self.parameters[name if count == 1 else f"{name}/{count}"] = value


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
    }


def _ended(cell: dict[str, Any], record: CellEnd) -> None:
    cell.update(
        seconds=record.seconds, outcome=record.outcome, error=record.error, line=record.line
    )
