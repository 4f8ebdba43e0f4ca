"""The source of calls that run: which expression a frame is at, and what its names came from."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from itertools import islice
from types import CodeType, FrameType
from typing import Any

PREDICTS = frozenset(
    {"predict", "predict_proba", "predict_log_proba", "decision_function", "transform"}
)
_PASSED_ON = frozenset({"transform", "fit_transform", "asarray", "array", "DataFrame"})
_MOST_KNOWN = 200
_LONGEST = 1_000_000


class Calls:
    """Finds calls in the source of cells and files; each is parsed once, when it is needed."""

    def __init__(self) -> None:
        self._trees: dict[str, ast.Module | None] = {}
        self._found: dict[tuple[CodeType, int], ast.Call | None] = {}
        self._values: dict[tuple[CodeType, int, str], ast.expr | None] = {}

    def at(self, frame: FrameType) -> ast.Call | None:
        """Return the call that a frame is in; None where its source is not known."""
        place = frame.f_code, frame.f_lasti
        if place not in self._found:
            _make_room(self._found)
            self._found[place] = self._look(frame)
        return self._found[place]

    def _look(self, frame: FrameType) -> ast.Call | None:
        positions = islice(frame.f_code.co_positions(), frame.f_lasti // 2, None)
        line, last, column, end = next(positions, (None, None, None, None))
        tree = self._tree(frame.f_code.co_filename)
        if tree is None or line is None:
            return None
        place = line, column, last, end
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and place == (
                node.lineno,
                node.col_offset,
                node.end_lineno,
                node.end_col_offset,
            ):
                return node
        return None

    def assigned(self, frame: FrameType, name: str) -> ast.expr | None:
        """Return what a name was assigned last before the frame's line, in the frame's own code."""
        place = frame.f_code, frame.f_lineno, name
        if place not in self._values:
            _make_room(self._values)
            self._values[place] = self._value(frame, name, frame.f_lineno)
        return self._values[place]

    def _value(self, frame: FrameType, name: str, before: int) -> ast.expr | None:
        tree = self._tree(frame.f_code.co_filename)
        scope: ast.AST | None = tree
        if tree is not None and frame.f_code.co_name != "<module>":
            scope = _function(tree, frame.f_code.co_name, before)
        found: ast.Assign | None = None
        for node in ast.walk(scope) if scope is not None else ():
            if isinstance(node, ast.Assign) and node.lineno < before and name in _targets(node):
                found = node if found is None or node.lineno > found.lineno else found
        return found.value if found is not None else None

    def _tree(self, file: str) -> ast.Module | None:
        if file not in self._trees:
            _make_room(self._trees)
            source = "".join(linecache.getlines(file))
            try:
                self._trees[file] = ast.parse(source) if 0 < len(source) < _LONGEST else None
            except (SyntaxError, ValueError):
                self._trees[file] = None
        return self._trees[file]


def _make_room(known: dict[Any, Any]) -> None:
    while len(known) >= _MOST_KNOWN:
        known.pop(next(iter(known)))


def predicted_from(node: ast.AST) -> ast.expr | None:
    """Return what a call such as ``model.predict(X_test)`` within an expression is given."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and getattr(each.func, "attr", "") in PREDICTS:
            words = [word.value for word in each.keywords if word.arg == "X"]
            given = [*each.args[:1], *words]
            if given:
                return given[0]
    return None


def base_name(node: ast.expr) -> str | None:
    """Return the name of the data in an expression: ``test`` of ``test.drop(columns='y')``."""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Call):
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if node.args and (function in _PASSED_ON or not isinstance(node.func, ast.Attribute)):
                node = node.args[0]
            else:
                node = node.func
        elif isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        else:
            return None
    return node.id


def names_in(node: ast.AST) -> Iterator[str]:
    """Yield the names that an expression reads."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id


def _targets(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _function(tree: ast.Module, name: str, line: int) -> ast.AST | None:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name == name
            and node.lineno <= line <= (node.end_lineno or line)
        ):
            return node
    return None
