"""Axes of a parallel-coordinates chart: each run's value of each parameter and metric as a height.

A height is between 0, the lowest value on the axis, and 1. Numbers that span more than two
orders of magnitude lie on a logarithmic axis; words are spread evenly, in alphabetical order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .sparkline import share

_MOST_AXES = 9
_RESERVED = 3
"""Axes kept for metrics, where there are many parameters."""
_MOST_WORDS = 12
_ORDERS = 100.0


class Told(Protocol):
    """What the axes tell of a run: its name, its parameters as text, its metrics."""

    @property
    def run(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, str]: ...

    @property
    def metrics(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class Axis:
    """``heights`` maps runs to heights, ``labels`` heights to the words beside the axis."""

    name: str
    heights: Mapping[str, float]
    values: Mapping[str, str]
    labels: Sequence[tuple[float, str]]


def axes_of(runs: Sequence[Told], metrics: Sequence[str]) -> list[Axis]:
    """Return an axis for each parameter that differs between the runs, then for each metric."""
    names = dict.fromkeys(name for run in runs for name in run.parameters)
    found: list[Axis | None] = []
    for name in names:
        words = {run.run: run.parameters[name] for run in runs if name in run.parameters}
        if len(set(words.values())) > 1 or len(words) < len(runs):
            found.append(_axis(name, words))
    found = found[: _MOST_AXES - min(_RESERVED, len(metrics))]
    for name in metrics:
        numbers = {run.run: run.metrics[name] for run in runs if name in run.metrics}
        found.append(_numeric(name, numbers))
    return [axis for axis in found if axis is not None][:_MOST_AXES]


def _axis(name: str, words: Mapping[str, str]) -> Axis | None:
    numbers: dict[str, float] = {}
    for run, word in words.items():
        try:
            numbers[run] = float(word)
        except ValueError:
            return _categorical(name, words)
    return _numeric(name, numbers)


def _numeric(name: str, numbers: Mapping[str, float]) -> Axis | None:
    finite = {run: value for run, value in numbers.items() if math.isfinite(value)}
    if not finite:
        return None
    low, high = min(finite.values()), max(finite.values())
    scale = math.log10 if low > 0 and high / low > _ORDERS else float
    heights = {run: share(scale(v), scale(low), scale(high)) for run, v in finite.items()}
    labels = [(0.0, f"{low:.4g}"), (1.0, f"{high:.4g}")] if high > low else [(0.5, f"{low:.4g}")]
    return Axis(name, heights, {run: f"{value:.6g}" for run, value in finite.items()}, labels)


def _categorical(name: str, words: Mapping[str, str]) -> Axis:
    known = sorted(set(words.values()))
    place = {
        word: (i / (len(known) - 1) if len(known) > 1 else 0.5) for i, word in enumerate(known)
    }
    labels = [(place[word], word if len(word) < 20 else f"{word[:19]}…") for word in known]
    heights = {run: place[word] for run, word in words.items()}
    # More labels than these would lie on each other.
    return Axis(
        name, heights, words, labels if len(labels) <= _MOST_WORDS else labels[:: len(labels) - 1]
    )
