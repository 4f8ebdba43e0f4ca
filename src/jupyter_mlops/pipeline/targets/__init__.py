"""Targets: where a pipeline runs. A target is one file in this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from ...progress import Progress
from ..model import Pipeline
from ..work import EXECUTED


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step left: its ``result.json`` and where it stands.

    ``outputs`` maps each variable to its fingerprint. ``folder`` holds ``executed.ipynb``,
    ``outputs/`` and ``log.txt``. ``touched`` tells which files the step read, and what keeps it
    from the cache; ``cached`` that it was taken from there.
    """

    step: str
    status: Literal["ok", "failed"]
    seconds: float
    outputs: dict[str, str]
    metrics: dict[str, float]
    error: dict[str, Any] | None
    folder: Path
    touched: dict[str, Any] = field(default_factory=dict)
    cached: bool = False

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], folder: Path) -> StepResult:
        return cls(
            step=content["step"],
            status=content["status"],
            seconds=content["seconds"],
            outputs=dict(content["outputs"]),
            metrics=dict(content["metrics"]),
            error=content["error"],
            folder=folder,
            touched=dict(content.get("touched") or {}),
        )

    @property
    def executed(self) -> Path:
        """The executed notebook of the step."""
        return self.folder / EXECUTED


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """A pipeline that has run: every step's result, by name, in the pipeline's order."""

    work: Path
    steps: dict[str, StepResult]
    seconds: float

    @property
    def metrics(self) -> dict[str, float]:
        return {name: value for step in self.steps.values() for name, value in step.metrics.items()}


class Target(Protocol):
    """Where a pipeline runs. Targets run generated folders, never notebooks."""

    name: str

    def run(
        self,
        pipeline: Pipeline,
        folder: Path,
        work: Path,
        parameters: Mapping[str, Any],
        *,
        cwd: Path,
    ) -> Progress[PipelineRun]:
        """Run every step in its order.

        Parameters
        ----------
        folder
            The generated pipeline folder.
        work
            Where each step leaves ``steps/<step>/``.
        cwd
            The working directory of the cells: the notebook's folder.

        Raises
        ------
        MlopsError
            ``step.failed`` with the notebook's cell and line, or what kept the target from
            running the step at all.
        """
        ...
