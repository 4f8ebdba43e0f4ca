"""The curves of runs: every value of a metric, not only the last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .runs import RunSummary
from .tables import read_points

if TYPE_CHECKING:
    from .store import Store


@dataclass(frozen=True, slots=True)
class Curve:
    """All values of one metric of one run, by step."""

    run: str
    metric: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


def read_curves(
    store: Store, runs: Iterable[RunSummary], metrics: Sequence[str] | None = None
) -> list[Curve]:
    """Return the curves of these metrics (default: all) of these runs; a metric may be missing."""
    runs = list(runs)
    asked = {
        run.run: sorted(run.metrics if metrics is None else set(metrics) & set(run.metrics))
        for run in runs
    }
    if (file := store.tables) is not None:
        return _from_tables(file, runs, asked)
    found = []
    for run in runs:
        for name in asked[run.run]:
            points = store.client.get_metric_history(run.mlflow_id, name)
            points = sorted(points, key=lambda point: (point.step, point.timestamp))
            steps = tuple(int(point.step) for point in points)
            found.append(Curve(run.run, name, steps, tuple(float(each.value) for each in points)))
    return found


def _from_tables(
    file: Path, runs: Sequence[RunSummary], asked: Mapping[str, Sequence[str]]
) -> list[Curve]:
    names = sorted({name for each in asked.values() for name in each})
    points: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for run_id, name, step, value in read_points(file, [run.mlflow_id for run in runs], names):
        points.setdefault((run_id, name), []).append((step, value))
    found = []
    for run in runs:
        for name in asked[run.run]:
            curve = points.get((run.mlflow_id, name), [])
            steps, values = (tuple(each[side] for each in curve) for side in (0, 1))
            found.append(Curve(run.run, name, steps, values))  # type: ignore[arg-type]
    return found
