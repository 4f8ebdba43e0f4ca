"""The drift report: a verdict in one sentence, then every column, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..wording import number
from .drift import FeatureDrift
from .sentences import called


@dataclass(frozen=True, slots=True)
class DriftReport:
    """How an endpoint's traffic compares with the baseline of the release that answered it.

    ``rows`` were logged from ``since`` to ``until`` (ISO 8601, UTC; None where there are none).
    ``features`` are worst first, the predictions among them, and empty where fewer than
    ``min_rows`` rows gave no verdict (``enough`` is False then). ``torn`` counts lines of the log
    that were cut off. ``page`` is the path of the HTML report, seen from the project.
    """

    endpoint: str
    release: str
    created: str
    rows: int
    min_rows: int
    baseline_rows: int
    since: str | None
    until: str | None
    features: tuple[FeatureDrift, ...]
    torn: int = 0
    page: str | None = None

    @property
    def enough(self) -> bool:
        return self.rows >= self.min_rows

    @property
    def drifted(self) -> bool:
        """Whether any feature or the predictions moved."""
        return any(feature.drifted for feature in self.features)

    @property
    def words(self) -> str:
        """The verdict in one sentence."""
        if not self.enough:
            return f"not enough data: {_rows(self.rows)} logged, {number(self.min_rows)} needed"
        inputs = [each for each in self.features if not each.is_prediction]
        moved = [each for each in inputs if each.drifted]
        if moved:
            words = f"{len(moved)} of {_count(len(inputs), 'feature')} moved"
        else:
            words = f"none of {_count(len(inputs), 'feature')} moved"
        predictions = [each for each in self.features if each.is_prediction]
        told = [f"{called(p.name)} {p.change}" for p in predictions if p.drifted][:1]
        if not told and predictions:
            told = [f"{called(p.name)} {p.change}" for p in predictions[:1]]
        return "; ".join([words, *told])

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {
            "endpoint": self.endpoint,
            "release": self.release,
            "created": self.created,
            "enough": self.enough,
            "drifted": self.drifted,
            "words": self.words,
            "rows": self.rows,
            "min_rows": self.min_rows,
            "baseline_rows": self.baseline_rows,
            "since": self.since,
            "until": self.until,
            "torn": self.torn,
            "page": self.page,
            "features": [feature.to_dict() for feature in self.features],
        }

    def to_text(self) -> str:
        """Return the report for a terminal."""
        lines = [f"{self.endpoint} ({self.release}): {self.words}", self.scope]
        if self.features:
            lines += ["", *_table(self.features)]
        if self.page:
            lines += ["", f"report: {self.page}"]
        return "\n".join(lines)

    @property
    def scope(self) -> str:
        """What was compared, in one sentence."""
        words = f"{_rows(self.rows)} logged"
        if self.since and self.until:
            words += f" from {_minute(self.since)} to {_minute(self.until)} UTC"
        words += f", compared with {_rows(self.baseline_rows)} the model learned from"
        if self.torn:
            words += f"; {_count(self.torn, 'line')} of the log cut off and left out"
        return words

    def to_html(self) -> str:
        """Return a page that needs no other file."""
        from .page import page

        return page(self)


def worst_first(features: tuple[FeatureDrift, ...]) -> tuple[FeatureDrift, ...]:
    """Return what moved before what held, each by score."""
    return tuple(sorted(features, key=lambda each: (not each.drifted, -each.score, each.name)))


def _table(features: tuple[FeatureDrift, ...]) -> list[str]:
    rows = [("column", "score", "limit", "what happened")]
    for each in features:
        score, limit = f"{each.score:.2f}", f"{max(each.threshold, each.chance):.2f}"
        rows.append((called(each.name), score, limit, each.change))
    width = max(len(row[0]) for row in rows)
    sides = [max(len(row[place]) for row in rows) for place in (1, 2)]
    return [
        f"{mark} {row[0]:<{width}}  {row[1]:>{sides[0]}}  {row[2]:>{sides[1]}}  {row[3]}"
        for row, mark in zip(
            rows, [" ", *("!" if each.drifted else " " for each in features)], strict=True
        )
    ]


def _rows(count: int) -> str:
    return _count(count, "row")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")
