"""The best run by a metric."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from .direction import Direction, direction
from .run_values import Name, Names
from .runs import RunSummary
from .selection import Choice, Chosen, choose

if TYPE_CHECKING:
    from .store import Store


@dataclass(frozen=True, slots=True)
class Best:
    """The best run and those that follow it, the best first.

    ``compared`` counts the runs with a finite value; ``nan`` those whose value is no such number,
    ``without`` those that have no such metric. ``ties`` counts the runs as good as the best,
    itself included; of these the oldest is the best.
    """

    metric: str
    direction: Direction
    runs: list[RunSummary]
    compared: int
    nan: int
    without: int
    ties: int

    @property
    def run(self) -> RunSummary:
        return self.runs[0]

    def to_dict(self) -> dict[str, Any]:
        found = asdict(self)
        return {"best": self.run.run, "value": self.run.metrics[self.metric], **found}


def best(
    store: Store, metric: str, choice: Choice, *, highest: bool | None = None, most: int = 5
) -> Best:
    """Return the best of the chosen runs, by the last value that each has of the metric.

    Parameters
    ----------
    highest
        Which value is the best; default: what the metric's name tells.
    most
        So many runs are returned.

    Raises
    ------
    MlopsError
        ``best.direction`` where the name does not tell; ``best.none`` where no run has a value;
        ``runs.name`` and what else `choose` raises.
    """
    chosen = choose(store, replace(choice, sort=None, limit=None))
    name = _metric(chosen, metric)
    which = _given(highest) if highest is not None else direction(name)
    having = [run for run in chosen.runs if name in run.metrics]
    finite = [run for run in having if _is_finite(run.metrics[name])]
    if not finite:
        raise MlopsError(
            "best.none",
            f"No run has a finite value of `{name}`.",
            hint="`jupyter mlops runs` lists what the runs have.",
        )
    sign = -1 if which.highest else 1
    # The newest come first, and sorting keeps the order: turned round, the oldest of equals wins.
    finite.reverse()
    ranked = sorted(finite, key=lambda run: sign * run.metrics[name])
    ties = sum(run.metrics[name] == ranked[0].metrics[name] for run in ranked)
    return Best(
        name,
        which,
        ranked[:most],
        compared=len(finite),
        nan=len(having) - len(finite),
        without=len(chosen.runs) - len(having),
        ties=ties,
    )


def _is_finite(value: float) -> bool:
    # What is infinite stands in a store as the highest number there is.
    return math.isfinite(value) and abs(value) < sys.float_info.max


def _metric(chosen: Chosen, word: str) -> str:
    if not chosen.runs:
        raise MlopsError(
            "best.none",
            "There is no run to choose from.",
            hint="`jupyter mlops runs` lists the runs; loosen the filter.",
        )
    names = Names.of(chosen.runs)
    found: Name = names.get(word if word in names.metrics else f"metrics.{_bare(word)}")
    return found.name


def _bare(word: str) -> str:
    return word.removeprefix("metrics.").removeprefix("metric.")


def _given(highest: bool) -> Direction:
    return Direction(highest, "you said so")
