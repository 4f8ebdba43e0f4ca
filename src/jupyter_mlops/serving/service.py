"""From the bytes of a request to a logged answer, the same for every protocol."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import MlopsError
from .contract import Batch, InvalidRows, Unfit
from .limits import Limits
from .metrics import Metrics
from .prediction_log import PredictionLog
from .predictor import Predictor


@dataclass(frozen=True, slots=True)
class Answer:
    """What was predicted, already logged."""

    predictions: list[Any]
    warnings: list[dict[str, Any]]


class Service:
    """One release that answers on one endpoint. ``log`` None keeps no log."""

    def __init__(
        self,
        predictor: Predictor,
        endpoint: str,
        log: PredictionLog | None,
        limits: Limits | None = None,
    ) -> None:
        self.predictor = predictor
        self.contract = predictor.contract
        self.endpoint = endpoint
        self.log = log
        self.limits = limits or Limits()
        self.metrics = Metrics(endpoint, predictor.ref)

    def answer_rows(self, rows: Sequence[Any], request_id: str) -> Answer:
        """Answer rows.

        Raises
        ------
        MlopsError
            ``request.too-large``, ``contract.invalid``, ``serving.predict-failed``, or why the
            log cannot be written: an answer that is not logged is not given.
        """
        self._check_size(len(rows))
        return self._answer(self._read(lambda: self.contract.read(rows)), rows, request_id)

    def answer_columns(self, columns: Mapping[str, Sequence[Any]], request_id: str) -> Answer:
        """Answer columns of equal length, which are all that the contract has; raises alike."""
        names = self.contract.names
        self._check_size(len(columns[names[0]]))
        batch = self._read(lambda: self.contract.read_columns(columns))
        values = zip(*(columns[name] for name in names), strict=True)
        rows = [dict(zip(names, row, strict=True)) for row in values]
        return self._answer(batch, rows, request_id)

    def _answer(self, batch: Batch, rows: Sequence[Any], request_id: str) -> Answer:
        start = time.perf_counter()
        predictions = self.predictor.answer(batch.frame)
        self.metrics.model_seconds.observe(time.perf_counter() - start)
        if self.log is not None:
            self.log.append(self.predictor.ref, request_id, rows, predictions)
        self.metrics.predictions.add(by=len(predictions))
        for surprise in batch.surprises:
            self.metrics.surprises.add(surprise.column, surprise.kind, by=surprise.count)
        return Answer(predictions, [surprise.to_dict() for surprise in batch.surprises])

    def _read(self, read: Any) -> Batch:
        try:
            batch: Batch = read()
        except InvalidRows as error:
            self._count(error.errors)
            raise
        return batch

    def _count(self, errors: Sequence[Unfit]) -> None:
        known = set(self.contract.names)
        for error in errors:
            self.metrics.invalid.add(error.column if error.column in known else "?")

    def _check_size(self, rows: int) -> None:
        if rows > self.limits.rows:
            raise MlopsError(
                "request.too-large",
                f"The request has {rows} rows; {self.limits.rows} are taken at a time.",
                hint="send the rows in several requests.",
            )
