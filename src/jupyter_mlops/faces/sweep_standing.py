"""How a running sweep stands, gathered from its events: what every face shows while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..progress import Event

_ENDED = frozenset({"ok", "failed", "pruned"})


@dataclass(slots=True)
class PointRow:
    """One point. ``began`` is when it was seen to begin, ``order`` counts what has ended."""

    number: int
    parameters: dict[str, Any]
    status: str
    run: str
    metrics: dict[str, float]
    seconds: float
    error: str
    began: float = 0.0
    order: int = 0


@dataclass(slots=True)
class Standing:
    """A sweep or tuning as far as its events have told; ``take`` each of them.

    ``clock`` gives seconds. ``shared`` counts the cells that ran once for all points, of ``cells``.
    """

    clock: Callable[[], float] = time.monotonic
    name: str = ""
    kind: str = "sweep"
    notebook: str = ""
    path: str = ""
    swept: list[str] = field(default_factory=list)
    metric: str = ""
    best: PointRow | None = None
    done: int = 0
    total: int = 0
    shared: int = 0
    cells: int = 0
    is_sharing: bool = False
    notices: list[str] = field(default_factory=list)
    rows: dict[int, PointRow] = field(default_factory=dict)
    began: float = -1.0
    _first: float = 0.0
    _most: int = 1
    _earlier: int = 0
    _ended: int = 0

    def __post_init__(self) -> None:
        self.began = self.clock()

    def take(self, event: Event) -> None:
        """Take note of what an event tells; those of other verbs are left out."""
        if "sweep" in event.data and event.stage != "point":
            self._open(event.data["sweep"])
        elif event.stage == "point" and "point" in event.data:
            self._point(event.data)
        elif event.stage == "shared":
            self.shared, self.is_sharing = int(event.data.get("shared", 0)), False
        elif event.stage in ("sweep", "tune"):
            self.notices.append(event.message)

    def running(self) -> list[PointRow]:
        """The points that run, the first begun first."""
        return sorted((r for r in self.rows.values() if r.status == "running"), key=_by_begin)

    def ended(self) -> list[PointRow]:
        """The points that have ended, the newest first."""
        found = (row for row in self.rows.values() if row.status in _ENDED)
        return sorted(found, key=lambda row: (-row.order, row.number))

    def count(self, status: str) -> int:
        return sum(row.status == status for row in self.rows.values())

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.began

    @property
    def left(self) -> float | None:
        """About how many seconds the rest takes; None until a point has ended."""
        took = [row.seconds for row in self.rows.values() if row.order and row.seconds]
        waiting = self.total - self.done - self.count("running")
        if not took or self.done >= self.total:
            return None
        mean = sum(took) / len(took)
        now = self.clock()
        rest = sum(max(mean - (now - row.began), mean / 10) for row in self.running())
        return (waiting * mean + rest) / self._most

    def _open(self, content: Mapping[str, Any]) -> None:
        self.name, self.kind = content["name"], content["kind"]
        self.notebook, self.path = content["notebook"], content["path"]
        self.swept = list(content["swept"])
        self.metric, self.cells = content["metric"], content["cells"]
        self.shared, self.is_sharing = content["shared"], True
        for each in content["rows"]:
            self.rows[each["number"]] = PointRow(**each)
        self.total = len(content["points"]) or max(content.get("trials", 0), len(self.rows))
        self.done = sum(row.status in _ENDED for row in self.rows.values())
        self.best = self.rows.get(content["best"] or 0)

    def _point(self, data: Mapping[str, Any]) -> None:
        self.is_sharing = False
        row = PointRow(**data["point"])
        before = self.rows.get(row.number)
        row.began = before.began if before is not None and before.began else self.clock()
        if row.status in _ENDED:
            self._ended += 1
            row.order = self._ended
        self.rows[row.number] = row
        self._most = max(self._most, self.count("running"))
        self.metric, self.done, self.total = data["metric"], data["done"], data["total"]
        self.best = self.rows.get(data["best"] or 0)


def shown(value: Any) -> str:
    """Return a parameter or metric as a table shows it."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def parameters_words(row: PointRow) -> str:
    """Return a point's parameters: ``depth=4 lr=0.01``."""
    return " ".join(f"{name}={shown(value)}" for name, value in row.parameters.items())


def span(seconds: float) -> str:
    """Return a time as people read it: ``0:07``, ``2:03:10``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def columns_of(standing: Standing, most: int = 3) -> list[str]:
    """Return the metrics that a table has room for, the one that decides first."""
    names = dict.fromkeys([standing.metric] if standing.metric else [])
    for row in standing.rows.values():
        names |= dict.fromkeys(row.metrics)
    return list(names)[:most]


def _by_begin(row: PointRow) -> tuple[float, int]:
    return row.began, row.number
