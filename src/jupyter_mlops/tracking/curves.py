"""The curves of runs: every value of a metric, not only the last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .runs import RunSummary

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True, slots=True)
class Curve:
    """All values of one metric of one run, by step."""

    run: str
    metric: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


def read_curves(
    client: MlflowClient, runs: Iterable[RunSummary], metrics: Sequence[str] | None = None
) -> list[Curve]:
    """Return the curves of these metrics (default: all) of these runs; a metric may be missing."""
    found = []
    for run in runs:
        for name in sorted(run.metrics if metrics is None else set(metrics) & set(run.metrics)):
            points = client.get_metric_history(run.mlflow_id, name)
            points = sorted(points, key=lambda point: (point.step, point.timestamp))
            steps = tuple(int(point.step) for point in points)
            found.append(Curve(run.run, name, steps, tuple(float(each.value) for each in points)))
    return found
