"""How far two samples are apart, and how far chance alone would put them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 399
_DRAWN_ROWS = 20_000
_NAMED = 100

RARE, NEW = "\0rare", "\0new"
"""Buckets for the categories beyond the hundred most frequent, and for those never seen."""


@dataclass(frozen=True, slots=True)
class Distance:
    """``score`` is the distance; ``chance`` what samples of the baseline itself reach.

    ``chance`` is the greatest score among 399 samples that are drawn from the baseline and have
    as many rows as was logged: without drift the score is above it once in 400 times (a Monte
    Carlo test: Davison & Hinkley, *Bootstrap Methods and their Application*, 1997, ch. 4).
    """

    score: float
    chance: float


def of_numbers(baseline: NDArray[np.float64], current: NDArray[np.float64]) -> Distance:
    """Return the first Wasserstein distance over the baseline's standard deviation.

    That is the mean distance by which values must be moved to turn one sample into the other, in
    standard deviations (`scipy.stats.wasserstein_distance`; Ramdas et al., Entropy 19(2), 2017).
    Evidently uses the same score, and 0.1 as its threshold. Arrays are of shape (n,), finite,
    not empty, and the baseline holds at least two distinct values.
    """
    import numpy as np
    from scipy.stats import wasserstein_distance

    largest = max(float(np.abs(baseline).max()), float(np.abs(current).max()))
    base = np.sort(baseline / largest)  # keeps squares of huge numbers finite
    scale = float(base.std()) or float(np.finfo("float64").tiny)
    score = float(wasserstein_distance(base, current / largest)) / scale

    gaps = np.diff(base) / scale
    steps = np.arange(1, len(base)) / len(base)
    size = _drawn_size(len(base), len(current))
    rng = np.random.default_rng(0)
    chance = 0.0
    for _ in range(DRAWS):
        drawn = np.bincount(rng.integers(len(base), size=size), minlength=len(base))
        # The distance of two samples is the area between their distribution functions.
        apart = np.abs(np.cumsum(drawn[:-1]) / size - steps)
        chance = max(chance, float(apart @ gaps))
    return Distance(score, chance)


def of_counts(baseline: Mapping[str, int], current: Mapping[str, int]) -> Distance:
    """Return the Jensen–Shannon distance with base 2: 0 for equal shares, 1 for nothing shared.

    See `scipy.spatial.distance.jensenshannon`; Lin, IEEE Transactions on Information Theory
    37(1), 1991. Beyond the baseline's hundred most frequent categories, those it has more than
    once are one bucket, and those it has once or never are another: what is seen once in the
    baseline estimates what is still unseen (Good–Turing), so that names of which each row brings
    another are no drift.
    """
    import numpy as np
    from scipy.spatial.distance import jensenshannon

    shares, others = _buckets(baseline, current)
    score = float(np.nan_to_num(jensenshannon(shares, others, base=2)))
    size = _drawn_size(sum(baseline.values()), sum(current.values()))
    drawn = np.random.default_rng(0).multinomial(size, shares, size=DRAWS) / size
    apart = jensenshannon(np.broadcast_to(shares, drawn.shape), drawn, base=2, axis=1)
    return Distance(score, float(np.nan_to_num(apart).max()))


def of_shares(baseline: float, current: float, rows: tuple[int, int]) -> Distance:
    """Return the difference of two shares, each of so many rows."""
    import numpy as np

    size = _drawn_size(*rows)
    # No null among n rows still allows for a share of about 1/n.
    likely = min(max(baseline, 1 / (rows[0] + 2)), 1 - 1 / (rows[0] + 2))
    drawn = np.random.default_rng(0).binomial(size, likely, size=DRAWS) / size
    return Distance(abs(current - baseline), float(np.abs(drawn - likely).max()))


def _drawn_size(baseline: int, current: int) -> int:
    """Return the rows whose noise against a known baseline is that of two samples."""
    return max(1, min(round(baseline * current / (baseline + current)), _DRAWN_ROWS))


def _buckets(
    baseline: Mapping[str, int], current: Mapping[str, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    named = [name for name, count in list(baseline.items())[:_NAMED] if count > 1]
    places = {name: place for place, name in enumerate([*named, RARE, NEW])}
    ours, theirs = np.zeros(len(places)), np.zeros(len(places))
    for name, count in baseline.items():
        ours[places.get(name, places[RARE] if count > 1 else places[NEW])] += count
    for name, count in current.items():
        theirs[places.get(name, places[RARE] if name in baseline else places[NEW])] += count
    return ours / ours.sum(), theirs / theirs.sum()
