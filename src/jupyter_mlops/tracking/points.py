"""The points of metrics on their way into the store: read once, sent once, then forgotten."""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import NamedTuple

from ..capture.records import Metric

_MOST_TIMES = 10_000


class Point(NamedTuple):
    """One value of a metric as MLflow keeps it; ``time`` is in milliseconds."""

    name: str
    value: float
    time: int
    step: int


class Points:
    """A queue of what was read from the journal and may not be in the store yet.

    The store takes points of equal name, value, time and step for one, which makes sending them
    again harmless. So such points of the notebook get times a millisecond apart, the same ones
    whenever the journal is read.
    """

    def __init__(self) -> None:
        self.read = 0
        self._waiting: deque[Point] = deque()
        self._times: dict[tuple[str, int, float | None], int] = {}
        self._latest = 0
        self._most = _MOST_TIMES

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def forgotten(self) -> int:
        """How many of the journal's points are not here any more."""
        return self.read - len(self._waiting)

    def add(self, record: Metric) -> None:
        """Take in a point of the journal."""
        time = self._apart(record, int(record.time * 1000))
        self._waiting.append(Point(record.name, record.value, time, record.step))
        self.read += 1

    def forget(self, sent: int) -> None:
        """Drop those that the store has: the first ``sent`` of the journal."""
        for _ in range(min(sent - self.forgotten, len(self._waiting))):
            self._waiting.popleft()

    def next(self, most: int) -> list[Point]:
        """Return the first that wait, at most so many."""
        return list(islice(self._waiting, most))

    def _apart(self, record: Metric, time: int) -> int:
        if time > self._latest:
            self._times.clear()
        elif len(self._times) > self._most:
            self._times = {key: given for key, given in self._times.items() if given >= time}
            self._most = max(_MOST_TIMES, 2 * len(self._times))
        value = None if math.isnan(record.value) else record.value
        key = record.name, record.step, value
        time = max(time, self._times.get(key, -1) + 1)
        self._times[key] = time
        self._latest = max(self._latest, time)
        return time
