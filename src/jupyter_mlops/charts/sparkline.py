"""A row of numbers as a small chart: blocks in a text, a line in HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = " "


def text_line(values: Sequence[float], width: int = 20) -> str:
    """Return one block for each value, at most ``width``; a gap where a value is no number."""
    shown = thin(values, width)
    low, high = _bounds(shown)
    return "".join(_block(value, low, high) for value in shown)


def svg_line(values: Sequence[float], width: int = 120, height: int = 24) -> str:
    """Return an inline SVG in the colour of the text around it; empty for fewer than two values."""
    shown = thin(values, width // 2)
    if len(shown) < 2:
        return ""
    low, high = _bounds(shown)
    step = (width - 6) / (len(shown) - 1)
    points = [
        (3 + index * step, height - 3 - (height - 6) * share(value, low, high))
        for index, value in enumerate(shown)
        if math.isfinite(value)
    ]
    if not points:
        return ""
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'style="vertical-align:middle" aria-hidden="true">'
        f'<polyline points="{line}" fill="none" stroke="var(--mlops-accent)" '
        'stroke-width="1.5" stroke-linejoin="round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="var(--mlops-accent)"/></svg>'
    )


def thin(values: Sequence[float], count: int) -> list[float]:
    """Return at most ``count`` of the values, evenly spread, the first and the last among them."""
    if len(values) <= count:
        return list(values)
    if count < 2:
        return [values[-1]]
    last = len(values) - 1
    return [values[round(index * last / (count - 1))] for index in range(count)]


def share(value: float, low: float, high: float) -> float:
    """Return how far ``value`` lies from ``low``, 0, to ``high``, 1; a half where they are one."""
    # Halves first: the span of two huge numbers may be infinite.
    span = high / 2 - low / 2
    return min(1.0, max(0.0, (value / 2 - low / 2) / span)) if span else 0.5


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    finite = [value for value in values if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else (0.0, 0.0)


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return _GAP
    return _BLOCKS[min(len(_BLOCKS) - 1, int(share(value, low, high) * len(_BLOCKS)))]
