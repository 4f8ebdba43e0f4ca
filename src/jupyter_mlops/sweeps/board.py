"""The board of a running sweep: every point's row, kept on disk and told as events."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ..errors import MlopsError
from ..notebook.dataflow import cell_flow
from ..notebook.document import Notebook
from ..notebook.tags import METRICS
from ..progress import Event, Progress
from ..tracking.direction import direction
from ..tracking.pipelines import PipelineJournal
from .outcome import Ended, Message, Metric, Notice, Outcome, Shared, Started
from .points import Point, shown
from .record import Head, Row, Sweep, row_of, write_head, write_row
from .setting import Setting

_ROWS_OF_NOTE = 50
ENDED = ("ok", "failed", "pruned")


def declared_metrics(notebook: Notebook) -> set[str]:
    """Return the names that the cells tagged ``metrics`` assign."""
    found: set[str] = set()
    for cell in notebook.code_cells:
        if METRICS & set(cell.tags):
            with contextlib.suppress(MlopsError):
                found |= cell_flow(cell, notebook).writes.keys()
    return found


class Board:
    """Takes what a runner tells, keeps it, and yields the events that every face shows.

    ``rows`` are those of an earlier try. Where no metric was asked for, the first whose name tells
    a direction decides; those of cells tagged ``metrics`` come before those of scorers.
    """

    def __init__(self, setting: Setting, head: Head, rows: Iterable[Row] = ()) -> None:
        self._setting = setting
        self._head = head
        self._rows = {row.number: row for row in rows}
        self._declared = declared_metrics(setting.notebook)
        self._started = time.monotonic()
        self._before = head.seconds
        self._done = sum(row.status in ENDED for row in self._rows.values())
        self._best = self.sweep.best

    @property
    def sweep(self) -> Sweep:
        """The sweep as it stands."""
        rows = [self._rows[number] for number in sorted(self._rows)]
        return Sweep(self._head, rows, str(self._setting.folder))

    def open(self, points: Iterable[Point]) -> None:
        """Keep the sweep's head, before anything runs."""
        for point in points:
            self._rows.setdefault(point.number, row_of(point))
        write_head(self._setting.folder, self._head)

    def take(self, message: Message) -> Progress[None]:
        """Keep what a message tells and yield what is to be shown of it."""
        match message:
            case Started(point, run):
                self._rows[point.number] = row_of(point, run=run)
                words = f"point {point.number}: {point.words()}"
                yield self._event(words, "started", point)
            case Metric(point, name, value):
                row = self._rows[point.number]
                metrics = {**row.metrics, name: value}
                self._rows[point.number] = msgspec.structs.replace(row, metrics=metrics)
                words = f"point {point.number}: {name}={value:.6g}"
                yield self._event(words, "started", point)
            case Ended(point, outcome):
                yield self.end(point, outcome)
            case Shared(cells, seconds):
                self._head = msgspec.structs.replace(self._head, shared=cells)
                write_head(self._setting.folder, self._head)
                words = f"{cells} of {self._head.cells} cells ran once for all points"
                yield Event("shared", words, "done", seconds, {"shared": cells})
            case Notice(words, apart):
                if apart:
                    self._head = msgspec.structs.replace(self._head, shared=0)
                    write_head(self._setting.folder, self._head)
                yield Event("sweep", words)

    def end(self, point: Point, outcome: Outcome) -> Event:
        """Keep how a point has ended and return what is shown of it."""
        self._done += self._rows[point.number].status not in ENDED
        row = self._rows[point.number] = row_of(point, outcome)
        write_row(self._setting.folder, row)
        self._decide(row)
        # Of all rows only where this one may not be the best any more, as many may come.
        if self._best is None or self._best.number == row.number or self._is_better(row):
            self._best = self.sweep.best
        return self._event(self._words(point, row), "done", point, row.seconds)

    def know(self, importances: Mapping[str, float]) -> None:
        """Keep which parameters matter how much."""
        self._head = msgspec.structs.replace(self._head, importances=dict(importances))
        write_head(self._setting.folder, self._head)

    def close(self, status: str, summary: str = "") -> Sweep:
        """Keep how the sweep has ended and return it."""
        seconds = round(self._before + time.monotonic() - self._started, 3)
        self._head = msgspec.structs.replace(
            self._head, status=status, seconds=seconds, summary=summary or self._head.summary
        )
        write_head(self._setting.folder, self._head)
        return self.sweep

    def tell(self, journal: PipelineJournal, status: str) -> None:
        """Tell the sweep's own run how it ended: the best point's metrics are the sweep's."""
        sweep = self.sweep
        best = sweep.best
        rows = sweep.ranked[:_ROWS_OF_NOTE] or sweep.rows[:_ROWS_OF_NOTE]
        steps = {
            row.run or f"point {row.number}": {
                "status": row.status,
                "seconds": row.seconds,
                "parameters": {name: shown(value) for name, value in row.parameters.items()},
            }
            for row in rows
        }
        journal.end(status, steps, best.metrics if best is not None else {})

    def _decide(self, row: Row) -> None:
        if self._head.metric or row.status != "ok":
            return
        for name in sorted(row.metrics, key=lambda name: name not in self._declared):
            try:
                highest = direction(name).highest
            except MlopsError:
                continue
            self._head = msgspec.structs.replace(self._head, metric=name, highest=highest)
            write_head(self._setting.folder, self._head)
            return

    def _words(self, point: Point, row: Row) -> str:
        words = f"{self._done} of {self._total}: {point.words()}"
        if row.status == "failed":
            return f"{words}: failed: {row.error}"
        metric = self._head.metric
        if metric in row.metrics:
            words += f": {metric} {row.metrics[metric]:.6g}"
        if row.status == "pruned":
            words += " (pruned)"
        if (best := self._best) is not None:
            is_it = best.number == row.number
            other = " ".join(f"{name}={shown(value)}" for name, value in best.parameters.items())
            words += " (best)" if is_it else f" (best {best.metrics[metric]:.6g}: {other})"
        return words

    def _event(self, words: str, status: str, point: Point, seconds: float | None = None) -> Event:
        data: dict[str, Any] = {
            "sweep": self._head.name,
            "point": msgspec.to_builtins(self._rows[point.number]),
            "best": self._best.number if self._best is not None else None,
            "metric": self._head.metric,
            "done": self._done,
            "total": self._total,
        }
        return Event("point", words, status, seconds, data)  # type: ignore[arg-type]

    @property
    def _total(self) -> int:
        return len(self._head.points) or max(self._head.trials, len(self._rows))

    def _is_better(self, row: Row) -> bool:
        value = row.metrics.get(self._head.metric)
        if self._best is None or value is None or row.status != "ok":
            return False
        best = self._best.metrics[self._head.metric]
        return value > best if self._head.highest else value < best
