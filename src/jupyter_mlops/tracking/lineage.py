"""Lineage: which executions of cells set each metric, model, parameter and dataset of a run."""

from __future__ import annotations

import json
from typing import Any

from ..capture.records import AnyRecord, Dataset, Frame, Metric, Model


class Lineage:
    """Collects from the records of a run; the content of the artifact ``lineage.json``.

    Executions are named by their order. A metric may have been set by several of them; of models,
    parameters and datasets the last one counts.
    """

    def __init__(self) -> None:
        self._metrics: dict[str, dict[int, None]] = {}
        self._models: dict[str, int] = {}
        self._parameters: dict[str, int] = {}
        self._datasets: dict[str, int] = {}

    def add(self, record: AnyRecord) -> None:
        """Take in a record; those of other kinds say nothing here."""
        match record:
            case Metric():
                self._metrics.setdefault(record.name, {})[record.order] = None
            case Model():
                self._models[record.name] = record.order
            case Frame() | Dataset():
                self._datasets[record.name] = record.order

    def parameter(self, key: str, order: int) -> None:
        """Take in a parameter under its key in MLflow."""
        self._parameters[key] = order

    def to_dict(self) -> dict[str, Any]:
        return {
            "metrics": {name: list(orders) for name, orders in self._metrics.items()},
            "models": self._models,
            "parameters": self._parameters,
            "datasets": self._datasets,
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
