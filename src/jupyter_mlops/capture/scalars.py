"""Parameters and metrics: what the cells tagged so have assigned."""

from __future__ import annotations

import json
import numbers
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..notebook.tags import METRICS, PARAMETERS
from .cells import INJECTED
from .names import CellNames
from .records import Metric, Parameter
from .redaction import redact_value

_LONGEST = 6000
_PLAIN = (str, int, float, bool, type(None), list, tuple, dict)


def text(value: Any) -> str:
    """Return a parameter's value as text: strings as they are, containers as JSON."""
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, list | tuple | dict):
        try:
            return json.dumps(value)[:_LONGEST]
        except (TypeError, ValueError):
            pass
    return str(value)[:_LONGEST]


class Scalars:
    """Collects parameters and metrics, and counts the values of each metric."""

    def __init__(self) -> None:
        self.parameters: dict[str, str] = {}
        self.metrics: dict[str, float] = {}
        self.references: frozenset[str] = frozenset()
        """Names of parameters that are given by reference, which is recorded in their place."""
        self._steps: dict[str, int] = {}

    def collect(
        self, order: int, tags: tuple[str, ...], names: CellNames, namespace: Mapping[str, Any]
    ) -> Iterator[Parameter | Metric]:
        """Yield what a finished cell with these tags has assigned."""
        given = set(tags)
        if given & PARAMETERS or INJECTED in given:
            yield from self._parameters(order, names, namespace)
        if given & METRICS:
            yield from self._metrics(order, names, namespace)

    def _parameters(
        self, order: int, names: CellNames, namespace: Mapping[str, Any]
    ) -> Iterator[Parameter]:
        for name in names.bound:
            if name not in namespace or not isinstance(namespace[name], _PLAIN):
                continue
            if name in self.references:
                continue
            value = redact_value(name, text(namespace[name]))
            if self.parameters.get(name) != value:
                self.parameters[name] = value
                yield Parameter(time=time.time(), order=order, name=name, value=value)

    def _metrics(
        self, order: int, names: CellNames, namespace: Mapping[str, Any]
    ) -> Iterator[Metric]:
        for name in names.bound:
            value = number(namespace.get(name))
            if value is None:
                continue
            yield self.metric(order, name, value)

    def metric(self, order: int, name: str, value: float, step: int | None = None) -> Metric:
        """Return the record of a metric's next value; steps that are given move the count on."""
        if step is None:
            step = self._steps.get(name, -1) + 1
        self._steps[name] = step
        self.metrics[name] = value
        return Metric(time=time.time(), order=order, name=name, value=value, step=step)


def number(value: Any) -> float | None:
    """Return a real number, a truth value or a zero-dimensional array of one as a float."""
    if isinstance(value, numbers.Real):
        return float(value)
    kind = type(value)
    # numpy.bool is no numbers.Real
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
        try:
            return float(value)
        except (TypeError, ValueError):
            return None
    return None
