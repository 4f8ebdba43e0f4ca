"""The names of scores over a whole run: the second call of a function is ``accuracy_score-2_X``.

Within a unit they are counted from the first call of that unit on; see `capture.scores`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from ...capture.records import AnyRecord, Call, Metric

_FUNCTION = re.compile(r"[\w.]+(?=\()")


class ScoreNames:
    """Counts the places where each function was called, over the cells of a run."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def renamed(self, records: Sequence[AnyRecord]) -> list[AnyRecord]:
        """Return a cell's records with the names that scores have in the whole run."""
        names = self._names([record for record in records if isinstance(record, Call)])
        found: list[AnyRecord] = []
        for record in records:
            if isinstance(record, Call):
                record = msgspec.structs.replace(record, metric=names[record.metric])
            elif isinstance(record, Metric) and record.name in names:
                record = msgspec.structs.replace(record, name=names[record.name])
            found.append(record)
        return found

    def _names(self, calls: Sequence[Call]) -> dict[str, str]:
        found: dict[str, str] = {}
        most: dict[str, int] = {}
        for call in calls:
            function = _FUNCTION.match(call.command)
            name = function[0].replace(".", "_") if function else ""
            parts = re.match(rf"({re.escape(name)}\w*?)(?:-(\d+))?(_.*)", call.metric)
            if not name or parts is None:
                found[call.metric] = call.metric
                continue
            head, number, rest = parts[1], int(parts[2] or 1), parts[3]
            if parts[2] is None:
                head, rest = name, call.metric.removeprefix(name)
            before = self._counts.get(name, 0)
            most[name] = max(most.get(name, 0), number)
            count = before + number
            if count == 1:
                found[call.metric] = call.metric
            elif parts[2] is None:
                more, rest = _more(rest)
                found[call.metric] = f"{head}{more}-{count}{rest}"
            else:
                found[call.metric] = f"{head}-{count}{rest}"
        for name, number in most.items():
            self._counts[name] = self._counts.get(name, 0) + number
        return found


def _more(rest: str) -> tuple[str, str]:
    """Split what stands behind a function's name into what it gave and the data."""
    parts = re.match(r"((?:_test_[a-z]+|_train_[a-z]+)?(?:_std)?)(_.*)", rest)
    return (parts[1], parts[2]) if parts is not None else ("", rest)
