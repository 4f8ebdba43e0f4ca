"""Features that hold the target, read off plain code: ``X = df[["a", "y"]]``, ``y = df["y"]``.

Only what is written out is judged: columns that are listed or dropped by name, from a frame that
is not changed in between.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..notebook.dataflow import CellCode
from ..notebook.document import Cell

_CHOOSES_COLUMNS = frozenset({"ColumnTransformer", "make_column_transformer", "DataFrameMapper"})
_FITS = frozenset({"fit", "train_test_split", "cross_val_score", "cross_validate"})


@dataclass(frozen=True, slots=True)
class Leak:
    """The ``features`` of a fit hold the ``column`` that is its target."""

    features: str
    column: str
    cell: Cell
    line: int


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of a frame: those listed, or all but those dropped."""

    frame: str
    listed: frozenset[str] | None
    dropped: frozenset[str] = frozenset()

    def hold(self, column: str) -> bool:
        return column in self.listed if self.listed is not None else column not in self.dropped


def leaks(codes: Sequence[CellCode]) -> Iterator[Leak]:
    """Yield each place where features and a target that they hold are used together."""
    if any(_name(call) in _CHOOSES_COLUMNS for code in codes for call in _calls(code.tree)):
        return
    columns: dict[str, _Columns] = {}
    targets: dict[str, tuple[str, str]] = {}
    lists: dict[str, frozenset[str]] = {}
    for code in codes:
        for node in _top(code.tree.body):
            for call in _calls(node):
                if _name(call) in _FITS:
                    yield from _judge(call, code.cell, columns, targets, lists)
            _follow(node, columns, targets, lists)


def _judge(
    call: ast.Call,
    cell: Cell,
    columns: dict[str, _Columns],
    targets: dict[str, tuple[str, str]],
    lists: dict[str, frozenset[str]],
) -> Iterator[Leak]:
    arguments = call.args[1:] if _name(call).startswith("cross") else call.args
    if len(arguments) != 2:
        return
    x, y = arguments
    features = columns.get(x.id) if isinstance(x, ast.Name) else _columns(x, lists)
    target = targets.get(y.id) if isinstance(y, ast.Name) else _column(y)
    if features is None or target is None:
        return
    frame, column = target
    if features.frame == frame and features.hold(column):
        yield Leak(ast.unparse(x)[:60], column, cell, call.lineno)


def _follow(
    node: ast.stmt,
    columns: dict[str, _Columns],
    targets: dict[str, tuple[str, str]],
    lists: dict[str, frozenset[str]],
) -> None:
    pairs: list[tuple[ast.expr, ast.expr]] = []
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs += zip(target.elts, node.value.elts, strict=False)
            else:
                pairs.append((target, node.value))
    found = [
        (target.id, _columns(value, lists), _column(value), _texts(value))
        for target, value in pairs
        if isinstance(target, ast.Name)
    ]
    for name in _touched(node):
        for known in (columns, targets, lists):
            known.pop(name, None)
        for known_columns in [n for n, c in columns.items() if c.frame == name]:
            del columns[known_columns]
        for known_target in [n for n, t in targets.items() if t[0] == name]:
            del targets[known_target]
    for name, chosen, column, texts in found:
        if chosen is not None and chosen.frame != name:
            columns[name] = chosen
        if column is not None and column[0] != name:
            targets[name] = column
        if texts is not None:
            lists[name] = texts


def _columns(node: ast.expr, lists: dict[str, frozenset[str]]) -> _Columns | None:
    match node:
        case (
            ast.Attribute(value=value, attr="values")
            | ast.Call(func=ast.Attribute(value=value, attr="copy" | "to_numpy"), args=[])
        ):
            return _columns(value, lists)
        case ast.Subscript(value=ast.Name(id=frame), slice=chosen):
            listed = _texts(chosen)
            if listed is None and isinstance(chosen, ast.Name):
                listed = lists.get(chosen.id)
            return _Columns(frame, listed) if listed is not None else None
        case ast.Call(func=ast.Attribute(value=ast.Name(id=frame), attr="drop")):
            dropped = _dropped(node, lists)
            return _Columns(frame, None, dropped) if dropped is not None else None
    return None


def _dropped(call: ast.Call, lists: dict[str, frozenset[str]]) -> frozenset[str] | None:
    """Return the columns that a call of ``drop`` leaves out, None where it is not plain."""
    given = {each.arg: each.value for each in call.keywords}
    axis = given.get("axis", call.args[1] if len(call.args) > 1 else None)
    which = given.get("columns")
    if which is None:
        if not (isinstance(axis, ast.Constant) and axis.value in (1, "columns") and call.args):
            return None
        which = call.args[0]
    if isinstance(which, ast.Constant) and isinstance(which.value, str):
        return frozenset({which.value})
    return lists.get(which.id) if isinstance(which, ast.Name) else _texts(which)


def _column(node: ast.expr) -> tuple[str, str] | None:
    match node:
        case (
            ast.Attribute(value=value, attr="values")
            | ast.Call(func=ast.Attribute(value=value, attr="copy" | "to_numpy" | "astype"))
        ):
            return _column(value)
        case ast.Subscript(value=ast.Name(id=frame), slice=ast.Constant(value=str(column))):
            return frame, column
    return None


def _texts(node: ast.expr) -> frozenset[str] | None:
    if not isinstance(node, ast.List | ast.Tuple):
        return None
    texts = [each.value for each in node.elts if isinstance(each, ast.Constant)]
    if len(texts) != len(node.elts) or not all(isinstance(text, str) for text in texts):
        return None
    return frozenset(text for text in texts if isinstance(text, str))


def _touched(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds or may change."""
    found: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store | ast.Del):
            found.add(each.id)
        elif isinstance(each, ast.Subscript | ast.Attribute) and not isinstance(each.ctx, ast.Load):
            root: ast.expr = each
            while isinstance(root, ast.Subscript | ast.Attribute):
                root = root.value
            found |= {root.id} if isinstance(root, ast.Name) else set()
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            changes = each.func.attr in ("pop", "insert", "append", "remove", "extend") or any(
                word.arg == "inplace" for word in each.keywords
            )
            if changes and isinstance(each.func.value, ast.Name):
                found.add(each.func.value.id)
    return found


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (each for each in ast.walk(node) if isinstance(each, ast.Call))


def _name(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
