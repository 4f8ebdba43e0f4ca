"""What libraries tell while cells run: scores, rounds of training, and the data that is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from .boosting import Boosting
from .imports import ImportWatch
from .names import CellNames
from .readers import Readers
from .records import AnyRecord
from .scorers import Result, Scorers
from .scores import Scores
from .sources import Sources


class Recorder(Protocol):
    """Who writes records; each may be called in any thread."""

    def append(self, record: AnyRecord) -> None:
        """Write a record."""

    def append_later(self, make: Callable[[], AnyRecord | None]) -> None:
        """Write what is made in the background."""

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """Write a value of a metric."""

    def problem(self, error: BaseException) -> None:
        """Record that something could not be captured."""

    def where(self) -> tuple[int, str | None]:
        """Return the order and the id of the running cell."""


class Libraries:
    """Listens to libraries as soon as they are imported; what fails here never reaches a cell."""

    def __init__(self, namespace: Mapping[str, Any], root: Path, recorder: Recorder) -> None:
        self._recorder = recorder
        self._namespace = namespace
        self._scores = Scores(namespace, recorder.where, recorder.metric, recorder.append)
        self._sources = Sources(root, recorder.append_later)
        self._scorers = Scorers(self._scored)
        self._readers = Readers(self._read, self._queried)
        self._boosting = Boosting(recorder.metric)
        watched = {
            "sklearn.": self._scorers.imported,
            **self._readers.imports,
            **self._boosting.imports,
        }
        self._imports = ImportWatch(watched, recorder.problem)

    def start(self) -> None:
        self._imports.start()

    def stop(self) -> None:
        self._imports.stop()
        self._scorers.stop()
        self._readers.stop()
        self._boosting.stop()

    def begin(self, order: int) -> None:
        """Take in that a cell begins."""
        self._sources.begin(order)

    def know(self, names: CellNames) -> None:
        """Take in what a cell has bound that was not listened to."""
        self._scores.ended(names.bound, names.predictions)

    def end(self, names: CellNames) -> None:
        """Take in what a cell that has ended bound and read."""
        self._scores.ended(names.bound, names.predictions)
        self._guarded(self._sources.collect, names, self._namespace)

    def _scored(self, result: Result) -> None:
        self._guarded(self._scores.told, result)

    def _read(self, path: str) -> None:
        self._guarded(self._sources.file, path)

    def _queried(self, connection: Any, query: str, result: Any) -> None:
        self._guarded(self._sources.query, connection, query, result)

    def _guarded(self, tell: Callable[..., None], *arguments: Any) -> None:
        try:
            tell(*arguments)
        except Exception as problem:
            self._recorder.problem(problem)
