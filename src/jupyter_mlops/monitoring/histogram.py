"""Both sides of a column as shares in the same bins, to draw them over one another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ..wording import number
from .columns import Kind, Side
from .sentences import moment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BINS = 24
_CATEGORIES = 8


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar; the shares are of the rows with a value, from 0 to 1.

    ``rest`` marks the bar that stands for all categories that have none of their own.
    """

    label: str
    baseline: float
    current: float
    rest: bool = False


def bins(kind: Kind, ours: Side, theirs: Side) -> tuple[Bin, ...]:
    """Return up to 24 ranges of numbers, or up to 8 categories and the rest of them.

    The first and the last range take in what lies beyond the middle 99 % of both sides.
    """
    if ours.numbers is not None and theirs.numbers is not None:
        return _ranges(kind, ours.numbers, theirs.numbers)
    return _categories(ours, theirs)


def _ranges(kind: Kind, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[Bin, ...]:
    import numpy as np

    sides = [side for side in (ours, theirs) if len(side)]
    low = min(float(np.quantile(side, 0.005)) for side in sides)
    high = max(float(np.quantile(side, 0.995)) for side in sides)
    if kind == "number" and high - low < 2 * _BINS and _whole(ours) and _whole(theirs):
        # Bars of whole numbers hold equally many of them, or the picture shows a comb.
        width = max(1, -(-int(high - low + 1) // _BINS))
        edges = np.arange(np.floor(low), np.ceil(high) + width, width)
        edges = np.append(edges, edges[-1] + width) if edges[-1] <= high else edges
        labels = [_span(edge, edge + width - 1) for edge in edges[:-1]]
    else:
        apart = np.isfinite(high - low) and high > low
        edges = np.linspace(low, high, _BINS + 1) if apart else np.array([low, high])
        names = [moment(edge) if kind == "time" else number(edge) for edge in edges.tolist()]
        labels = [f"{a} to {b}" for a, b in pairwise(names)]
    shares = [_shares(side, edges) for side in (ours, theirs)]
    return tuple(
        Bin(label, float(a), float(b)) for label, a, b in zip(labels, *shares, strict=True)
    )


def _span(first: float, last: float) -> str:
    return number(first) if first == last else f"{number(first)} to {number(last)}"


def _shares(side: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    places = np.clip(np.searchsorted(edges, side, side="right") - 1, 0, len(edges) - 2)
    return np.bincount(places, minlength=len(edges) - 1) / max(1, len(side))


def _categories(ours: Side, theirs: Side) -> tuple[Bin, ...]:
    before, after = ours.shares, theirs.shares
    names = sorted({*before, *after}, key=lambda n: (-before.get(n, 0) - after.get(n, 0), n))
    shown = [Bin(n, before.get(n, 0.0), after.get(n, 0.0)) for n in names[:_CATEGORIES]]
    rest = names[_CATEGORIES:]
    if rest:
        ours_left, theirs_left = (
            sum(side.get(name, 0.0) for name in rest) for side in (before, after)
        )
        shown.append(Bin(f"{len(rest):,} others", ours_left, theirs_left, rest=True))
    return tuple(shown)


def _whole(side: NDArray[np.float64]) -> bool:
    import numpy as np

    return bool((side == np.floor(side)).all())
