"""Metrics: what scikit-learn's metric functions and scorers gave, as MLflow's autologging has it.

The key is ``accuracy_score_X_test``: the function, and the data that the predictions were made
from; ``Ridge_score_X_test`` for a ``score`` method; ``cross_val_score_X`` and
``cross_val_score_std_X`` for mean and deviation over folds. A second call of the same function
elsewhere is ``accuracy_score-2_X_test``; the same call again, in a loop or after an edit of another
cell, is the next step of its metric.
"""

from __future__ import annotations

import ast
import inspect
import time
from collections.abc import Callable, Mapping
from types import CodeType, FrameType
from typing import Any

from .calls import Calls, base_name, names_in, predicted_from
from .records import Call
from .redaction import redact
from .scorers import Result, numbers_of

UNKNOWN = "unknown_dataset"
_LONGEST_ARGUMENT = 80
_MOST_SITES = 1000

_Site = tuple[str | None, str, str]


class Scores:
    """Names and records results.

    Parameters
    ----------
    namespace
        The notebook's variables.
    cell
        Returns the id of the running cell.
    metric
        Records one value of a metric.
    append
        Records how a metric came to its value.
    """

    def __init__(
        self,
        namespace: Mapping[str, Any],
        cell: Callable[[], tuple[int, str | None]],
        metric: Callable[[str, float], None],
        append: Callable[[Call], None],
    ) -> None:
        self._namespace = namespace
        self._cell = cell
        self._metric = metric
        self._append = append
        self._calls = Calls()
        self._predictions: dict[str, str] = {}
        """By the name of predictions: the name of the data that they were made from."""
        self._sites: dict[str, dict[_Site, str]] = {}
        self._commands: dict[str, str] = {}
        self._known: dict[tuple[int, CodeType, int, str], tuple[str | None, str, str]] = {}
        """What was found of a place in the running cell."""
        self._last = 0

    def ended(self, bound: Mapping[str, None], predictions: Mapping[str, str]) -> None:
        """Take in which names a cell has bound, and which of them to predictions."""
        for name in bound:
            self._predictions.pop(name, None)
        self._predictions.update(predictions)

    def told(self, result: Result) -> None:
        """Record a result."""
        numbers = list(numbers_of(result))
        if not numbers:
            return
        order, cell = self._cell()
        frame = result.frame
        place = order, frame.f_code, frame.f_lasti, result.name
        known = self._known.get(place)
        if known is None:
            call = self._calls.at(frame)
            given = _given(result, call)
            command, data = _command(result, given), self._data(result, given)
            known = self._key(result.name, (cell, command, data)), command, data
            if frame.f_code.co_name == "<module>":
                # In a loop at the top everything but the value stays; a function may be given more.
                self._known = (
                    {**self._known, place: known} if order == self._last else {place: known}
                )
                self._last = order
        key, command, data = known
        if key is None:
            return
        for more, value in numbers:
            name = f"{key.replace(result.name, result.name + more, 1)}_{data}"
            self._metric(name, value)
            if self._commands.get(name) != command:
                self._commands[name] = command
                self._append(Call(time=time.time(), order=order, metric=name, command=command))

    def _key(self, name: str, site: _Site) -> str | None:
        sites = self._sites.setdefault(name, {})
        if site not in sites:
            if len(sites) >= _MOST_SITES:
                return None
            sites[site] = name if not sites else f"{name}-{len(sites) + 1}"
        return sites[site]

    def _data(self, result: Result, given: list[tuple[str, Any, ast.expr | None]]) -> str:
        if result.owner is not None or result.name.startswith("cross_val"):
            for name, value, node in given:
                if name == "X":
                    return self._name(result.frame, value, node) or UNKNOWN
            return UNKNOWN
        for _, value, node in given:
            found = self._predicted(result.frame, value, node)
            if found is not None:
                return found
        return UNKNOWN

    def _predicted(self, frame: FrameType, value: Any, node: ast.expr | None) -> str | None:
        """Return the name of the data that an argument was predicted from, if it was."""
        if node is None:
            return self._prediction_of(value)
        data = predicted_from(node)
        if data is not None:
            return self._name(frame, None, data)
        at_top = frame.f_code.co_name == "<module>"
        for name in names_in(node):
            source = self._calls.assigned(frame, name)
            data = predicted_from(source) if source is not None else None
            if data is not None:
                return self._name(frame, None, data)
            if source is None:
                bound = frame.f_locals.get(name)
                found = self._predictions.get(name) if at_top else self._prediction_of(bound)
                if found is not None:
                    return found
        return None

    def _prediction_of(self, value: Any) -> str | None:
        if value is None:
            return None
        for name, data in self._predictions.items():
            if self._namespace.get(name) is value:
                return data
        return None

    def _name(self, frame: FrameType, value: Any, node: ast.expr | None) -> str | None:
        """Return the notebook's name of data: a function may call it by one of its own."""
        name = base_name(node) if node is not None else None
        if frame.f_code.co_name == "<module>" and name is not None:
            return name
        if name is not None:
            value = frame.f_locals.get(name, value)
        for outer, each in dict(self._namespace).items():
            if each is value and value is not None and not outer.startswith("_"):
                return outer
        return name


def _given(result: Result, call: ast.Call | None) -> list[tuple[str, Any, ast.expr | None]]:
    """Return the arguments by the names of their parameters, with their expressions if known."""
    try:
        names = list(inspect.signature(result.function).parameters)
    except (TypeError, ValueError):
        names = []
    if result.owner is not None:
        names = names[1:]
    names += [f"argument {n}" for n in range(len(names) + 1, len(result.arguments) + 1)]
    nodes: list[ast.expr] = []
    words: dict[str | None, ast.expr] = {}
    if call is not None and not any(isinstance(node, ast.Starred) for node in call.args):
        nodes = call.args if len(call.args) == len(result.arguments) else []
        words = {word.arg: word.value for word in call.keywords}
    found: list[tuple[str, Any, ast.expr | None]] = [
        (names[n], value, nodes[n] if nodes else None) for n, value in enumerate(result.arguments)
    ]
    return found + [(name, value, words.get(name)) for name, value in result.words.items()]


def _command(result: Result, given: list[tuple[str, Any, ast.expr | None]]) -> str:
    function = result.function.__name__
    if result.owner is not None:
        function = f"{type(result.owner).__name__}.{function}"
    arguments = ", ".join(f"{name}={_text(value, node)}" for name, value, node in given)
    return redact(f"{function}({arguments})")


def _text(value: Any, node: ast.expr | None) -> str:
    if value is None or isinstance(value, str | int | float):
        return repr(value)[:_LONGEST_ARGUMENT]
    if node is None:
        return f"<{type(value).__name__}>"
    return ast.unparse(node)[:_LONGEST_ARGUMENT]
