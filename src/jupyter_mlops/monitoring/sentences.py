"""What a drift report says of a column, in words, and the summaries that the words name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..serving.prediction_log import PREDICTION
from ..wording import number, percent
from .columns import Kind, Side
from .distances import Distance

Summary = dict[str, Any]
"""``rows`` and ``nulls`` (a share); ``mean std min p05 median p95 max`` of numbers, ``min median
max`` of times as ISO texts; ``distinct`` and ``top`` (name to share) of categories."""

_TOP = 10


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence is made of."""

    name: str
    kind: Kind
    method: str
    distance: Distance
    threshold: float
    drifted: bool
    baseline: Summary
    current: Summary
    ours: Side
    theirs: Side
    new: tuple[str, ...]


def summarise(kind: Kind, side: Side) -> Summary:
    """Return the JSON-able summary of one side of a column."""
    summary: Summary = {"rows": side.rows, "nulls": side.nulls}
    if side.numbers is None:
        summary["distinct"] = len(side.counts)
        summary["top"] = dict(list(side.shares.items())[:_TOP])
    elif side.known:
        summary |= _time(side.numbers) if kind == "time" else _number(side.numbers)
    return summary


def feature(told: Told) -> str:
    """Return the sentence of one column, such as `temp rose: median 3.9 → 24.4 (score 2.31, …)`."""
    return f"{called(told.name)} {change(told)} ({_measure(told)})"


def change(told: Told) -> str:
    """Return what happened to the column, such as `rose: median 3.9 → 24.4`."""
    words = _what(told)
    if told.theirs.unread:
        words += f"; {told.theirs.unread} of the logged values are no {told.kind}"
    return words


def called(name: str) -> str:
    """Return what readers call a column: ``_prediction`` is `predictions`."""
    return f"predictions{name[len(PREDICTION) :]}" if name.startswith(PREDICTION) else name


def moment(seconds: float) -> str:
    """Return seconds since 1970 as an ISO 8601 text in UTC, to the minute."""
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return number(seconds)
    return time.replace(tzinfo=None).isoformat(sep=" ", timespec="minutes")


def _what(told: Told) -> str:
    before, after = told.baseline, told.current
    if told.method == "none":
        return "has no values to compare"
    if told.method == "null share":
        shares = f"{percent(before['nulls'])} → {percent(after['nulls'])} of rows"
        if not told.drifted:
            return f"held: missing in {shares}"
        if after["nulls"] == 1:
            return f"is missing in all rows (before: {percent(before['nulls'])})"
        more = "more" if after["nulls"] > before["nulls"] else "less"
        return f"is missing {more} often: {shares}"
    if told.kind in ("category", "boolean"):
        return _categories(told)
    if told.kind == "time":
        verb = "held"
        if told.drifted:
            later = after["median"] > before["median"]
            verb = "is later" if later else "is earlier"
            if after["median"] == before["median"]:
                verb = "changed"
        return f"{verb}: median {before['median']} → {after['median']}"
    return _numbers(told)


def _numbers(told: Told) -> str:
    before, after = told.baseline, told.current
    medians = f"median {number(before['median'])} → {number(after['median'])}"
    if not told.drifted:
        return f"held: {medians}"
    mean = (after["mean"] - before["mean"]) / before["std"]
    median = (after["median"] - before["median"]) / before["std"]
    verb = "rose" if mean > 0 else "fell"
    # The mean never moves further than the score: near it, all values moved the same way.
    if abs(mean) >= told.distance.score / 2:
        if median * mean > 0 and abs(median) >= abs(mean) / 2:
            return f"{verb}: {medians}"
        return f"{verb}: mean {number(before['mean'])} → {number(after['mean'])}"
    middle = (
        f"90 % of values between {number(before['p05'])} and {number(before['p95'])} "
        f"→ {number(after['p05'])} and {number(after['p95'])}"
    )
    widths = before["p95"] - before["p05"], after["p95"] - after["p05"]
    if widths[1] > 1.1 * widths[0]:
        return f"spread out: {middle}"
    if widths[1] < 0.9 * widths[0]:
        return f"drew together: {middle}"
    return f"changed its shape: {middle}"


def _categories(told: Told) -> str:
    before, after = told.ours.shares, told.theirs.shares
    first = next(iter(before))
    if not told.drifted:
        if len(before) == 1:
            return f"held: {_quoted(first)} in {_share(after, first)} of rows"
        return f"held: {_quoted(first)} {_share(before, first)} → {_share(after, first)}"
    new = sum(after[name] for name in told.new)
    if told.new and len(before) == 1:
        return f"was always {first}, now in {percent(new)} of rows not: {_listed(told.new)}"
    names = {*before, *after}
    changes = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in names}
    if new >= sum(map(abs, changes.values())) / 4:  # half of the rows that changed
        return f"is new to the baseline in {percent(new)} of rows: {_listed(told.new)}"
    most = sorted(names, key=lambda name: (-abs(changes[name]), name))[:2]
    moves = [f"{_quoted(name)} {_share(before, name)} → {_share(after, name)}" for name in most]
    return f"changed: {', '.join(moves)}"


def _quoted(name: str) -> str:
    """Return a name as it is, or in quotes where it could be taken for a number of ours."""
    return name if name.isidentifier() else f"“{name}”"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _share(shares: dict[str, float], name: str) -> str:
    return percent(shares.get(name, 0.0))


def _measure(told: Told) -> str:
    score = f"score {told.distance.score:.2f}"
    if not told.drifted and told.distance.score >= told.threshold:
        rows = told.current["rows"]
        return f"{score}; chance alone gives up to {told.distance.chance:.2f} with {rows} rows"
    return f"{score}, threshold {told.threshold:.2f}"


def _number(numbers: Any) -> Summary:
    import numpy as np

    p05, median, p95 = (float(q) for q in np.quantile(numbers, [0.05, 0.5, 0.95]))
    largest = float(np.abs(numbers).max()) or 1.0  # keeps squares of huge numbers finite
    return {
        "mean": float((numbers / largest).mean()) * largest,
        "std": float((numbers / largest).std()) * largest,
        "min": float(numbers.min()),
        "p05": p05,
        "median": median,
        "p95": p95,
        "max": float(numbers.max()),
    }


def _time(numbers: Any) -> Summary:
    import numpy as np

    found = {"min": numbers.min(), "median": np.median(numbers), "max": numbers.max()}
    return {name: moment(float(value)) for name, value in found.items() if math.isfinite(value)}
