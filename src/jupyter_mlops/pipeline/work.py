"""The work folder of a run: what each step leaves, and where.

``WORK/steps/<step>/`` holds ``outputs/``, ``metrics/`` and ``serving/`` (folders of values),
``executed.ipynb``, ``result.json`` and ``log.txt``. A reference run of the notebook itself leaves
the same folders of values.
"""

from __future__ import annotations

from pathlib import Path

from ..values import Observation
from .model import Serving, Step

RESULT = "result.json"
EXECUTED = "executed.ipynb"
LOG = "log.txt"
OUTPUTS = "outputs"
EXAMPLE = "example"
PREDICTIONS = "predictions"


def step_folder(work: Path, step: str) -> Path:
    """Return where a step leaves what it made."""
    return work / "steps" / step


def outputs_folder(work: Path, step: str) -> Path:
    """Return the folder of values with a step's outputs."""
    return step_folder(work, step) / OUTPUTS


def metrics_folder(work: Path, step: str) -> Path:
    """Return the folder of values with a step's metrics."""
    return step_folder(work, step) / "metrics"


def serving_folder(work: Path, step: str) -> Path:
    """Return the folder of values with what the serve cell needs and answered."""
    return step_folder(work, step) / "serving"


def outputs_observation(step: Step, work: Path) -> Observation:
    """Return what is kept after a step's last cell."""
    return Observation(step.cells[-1].id, str(outputs_folder(work, step.name)), step.outputs)


def metrics_observation(step: Step, work: Path) -> Observation:
    """Return what is kept of a step's metrics: those that are numbers."""
    folder = str(metrics_folder(work, step.name))
    return Observation(step.cells[-1].id, folder, step.metrics, numbers=True)


def serving_observation(serving: Serving, work: Path) -> Observation:
    """Return what is kept after the serve cell: state, example rows and predictions."""
    return Observation(
        cell=serving.cell.id,
        folder=str(serving_folder(work, serving.step)),
        names=serving.state,
        expressions={EXAMPLE: serving.example},
        result=PREDICTIONS,
    )
