"""Drift: which columns of the logged traffic are no longer distributed as the baseline's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..serving.prediction_log import PREDICTION
from . import distances, sentences
from .columns import Kind, Side, align, expand
from .distances import Distance
from .histogram import Bin, bins
from .sentences import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["wasserstein", "jensen-shannon", "null share", "none"]

_NEW_NAMED = 10


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How one column moved between the baseline and the log.

    ``score`` is that of ``method``: ``wasserstein`` for numbers and times, in standard deviations
    of the baseline; ``jensen-shannon`` for categories and booleans, from 0 to 1; ``null share``,
    the difference of the shares without a value, where that is what moved; ``none`` where neither
    side holds anything to compare. ``drifted`` tells that the score reaches ``threshold`` and is
    above ``chance``, the greatest that samples of so many rows from the baseline itself reach.
    ``new`` are up to ten values the baseline does not have, most frequent first; ``bins`` draw
    both sides; ``change`` tells what happened, and ``words`` the same with name and score.
    """

    name: str
    kind: Kind
    method: Method
    score: float
    threshold: float
    chance: float
    drifted: bool
    baseline: Summary
    current: Summary
    new: tuple[str, ...]
    bins: tuple[Bin, ...]
    change: str
    words: str

    @property
    def is_prediction(self) -> bool:
        return self.name == PREDICTION or self.name.startswith(f"{PREDICTION}.")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    baseline: pd.DataFrame, current: pd.DataFrame, *, threshold: float = 0.1
) -> tuple[FeatureDrift, ...]:
    """Compare each column of the baseline with the same column of what was logged.

    A column that is absent from ``current`` counts as one without values; columns that the
    baseline does not have are not looked at. The column ``_prediction`` is compared like any
    other, and part by part where a prediction is a list or an object. The result is in the
    baseline's order of columns and the same for the same frames.
    """
    import pandas as pd

    ours, theirs = expand(baseline, PREDICTION), expand(current, PREDICTION)
    absent = pd.Series([None] * len(theirs), dtype=object)
    return tuple(
        _compare(str(name), ours[name], theirs.get(name, absent), threshold)
        for name in ours.columns
    )


def _compare(
    name: str, baseline: pd.Series[Any], current: pd.Series[Any], threshold: float
) -> FeatureDrift:
    kind, ours, theirs = align(baseline, current)
    method, distance = _measure(ours, theirs, threshold)
    drifted = _drifted(distance, threshold)
    before, after = summarise(kind, ours), summarise(kind, theirs)
    new = tuple(value for value in theirs.shares if value not in ours.shares)
    told = sentences.Told(
        name, kind, method, distance, threshold, drifted, before, after, ours, theirs, new
    )
    return FeatureDrift(
        name=name,
        kind=kind,
        method=method,
        score=distance.score,
        threshold=threshold,
        chance=distance.chance,
        drifted=drifted,
        baseline=before,
        current=after,
        new=new[:_NEW_NAMED],
        bins=bins(kind, ours, theirs),
        change=sentences.change(told),
        words=sentences.feature(told),
    )


def _measure(ours: Side, theirs: Side, threshold: float) -> tuple[Method, Distance]:
    """Return what moved most, of the values and the share without one."""
    found: list[tuple[Method, Distance]] = []
    if ours.known and theirs.known:
        if ours.numbers is not None and theirs.numbers is not None:
            found.append(("wasserstein", distances.of_numbers(ours.numbers, theirs.numbers)))
        else:
            apart = distances.of_counts(ours.counts, theirs.counts)
            found.append(("jensen-shannon", apart))
    if ours.rows and theirs.rows and (ours.nulls or theirs.nulls):
        rows = (ours.rows, theirs.rows)
        found.append(("null share", distances.of_shares(ours.nulls, theirs.nulls, rows)))
    if not found:
        return "none", Distance(0.0, 0.0)
    return max(found, key=lambda each: (_drifted(each[1], threshold), each[1].score))


def _drifted(distance: Distance, threshold: float) -> bool:
    return distance.score >= threshold and distance.score > distance.chance
