"""Numbers and shares as sentences and tables show them."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """Return a number with up to four significant digits and a true minus sign."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    size = abs(value)
    if size >= 1e12 or 0 < size < 0.001:
        text = f"{size:.2e}"
    elif size >= 999.95:
        text = f"{size:,.0f}"
    elif size == 0:
        text = "0"
    else:
        digits = max(0, 3 - math.floor(math.log10(size)))
        text = f"{size:.{digits}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    return f"−{text}" if value < 0 else text


def percent(share: float) -> str:
    """Return a share, such as 0.125, with one decimal where it is small."""
    shown = 100 * share
    whole = f"{shown:.0f}" if abs(shown) >= 10 or shown == 0 else f"{shown:.1f}"
    return f"{whole} %"
