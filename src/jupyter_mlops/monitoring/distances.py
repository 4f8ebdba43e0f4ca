"""How far two samples are apart, and how far chance alone would put them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 399
_DRAWN_ROWS = 20_000
_CELLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Distance:
    """``score`` is the distance; ``chance`` what two samples without drift reach.

    ``chance`` is the greatest score of 399 that were drawn so that nothing moved, with as many
    rows as there are: without drift the score is above it about once in 400 times (a Monte Carlo
    test: Davison & Hinkley, *Bootstrap Methods and their Application*, 1997, chapter 4).
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
    37(1), 1991. Two samples of many rare categories are far apart by chance alone; so the mean
    divergence (the distance squared) of permuted samples is taken off: names of which each row
    brings another are no drift. Neither side is empty.
    """
    import numpy as np
    from scipy.spatial.distance import jensenshannon

    rng = np.random.default_rng(0)
    names = list(dict.fromkeys((*baseline, *current)))
    ours = np.array([baseline.get(name, 0) for name in names])
    theirs = np.array([current.get(name, 0) for name in names])
    if theirs.sum() > _DRAWN_ROWS:
        theirs = rng.multivariate_hypergeometric(theirs, _DRAWN_ROWS, method="marginals")
    measured = float(np.nan_to_num(jensenshannon(ours, theirs, base=2))) ** 2
    permuted = np.concatenate(
        [
            np.nan_to_num(jensenshannon(*sides, base=2, axis=1)) ** 2
            for sides in _permuted(ours, theirs, rng)
        ]
    )
    expected = float(permuted.mean())
    return Distance(
        max(0.0, measured - expected) ** 0.5, max(0.0, float(permuted.max()) - expected) ** 0.5
    )


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


def _permuted(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Deal the rows of both sides out anew, 399 times, as counts of shape (draws, categories).

    A category with one row is on one side only, and all of those on a side weigh as one.
    """
    import numpy as np

    pooled = ours + theirs
    often, single = pooled[pooled > 1], int((pooled == 1).sum())
    cells = np.append(often, single)
    step = max(1, _CELLS // len(cells))
    for start in range(0, DRAWS, step):
        size = min(step, DRAWS - start)
        drawn = rng.multivariate_hypergeometric(cells, ours.sum(), size=size, method="marginals")
        rest = cells - drawn
        none = np.zeros((size, 1), dtype=drawn.dtype)
        yield np.hstack([drawn, none]), np.hstack([rest[:, :-1], none, rest[:, -1:]])
