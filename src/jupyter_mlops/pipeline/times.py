"""Times that a cell prints: the parts of its printed lines that come from the clock alone.

Each ``print`` is turned into a pattern: its constant texts as they are, what is computed from
nothing but the clock as a time, anything else as it comes. Two lines that fit one pattern and
differ in their times only are the same result.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterable, Iterator, Mapping

from ..notebook.document import Cell
from ..notebook.meanings import dotted, meanings
from . import texts
from .clock import clock_names, is_clock, is_duration

_TIME = (
    r"(?:(?:\d{4}-\d\d-\d\d[ T])?[-+\d.eE:]+"
    r"|(?:datetime\.)?(?:datetime|date|timedelta)\([\w=, ]*\)|Time(?:stamp|delta)\('[^']*'\))"
)
_PLAIN_CALLS = frozenset({"round", "str", "int", "float", "abs", "format"})
_PERCENT = re.compile(r"%(?:%|[-+ #0]*\d*(?:\.\d+)?[a-zA-Z])")

Part = str | ast.expr
"""A constant text, or an expression whose text stands there."""


def printed_times(cells: Iterable[tuple[Cell, ast.AST]]) -> dict[str, tuple[re.Pattern[str], ...]]:
    """Return for each cell's id the patterns of the lines in which it prints times.

    ``cells`` come in the order in which they run: a time may be taken in one and printed in
    another.
    """
    found: dict[str, tuple[re.Pattern[str], ...]] = {}
    for cell, tree, clock in _clocks(cells):
        lines = [parts for node in ast.walk(tree) for parts in line_parts(node)]
        patterns = (_pattern(parts, clock) for parts in (*lines, *_result(tree)))
        found[cell.id] = tuple(pattern for pattern in patterns if pattern is not None)
    return found


def kept_times(cells: Iterable[tuple[Cell, ast.AST]]) -> dict[str, frozenset[str]]:
    """Return for each cell's id the names that are times once it has run; as `printed_times`."""
    return {cell.id: frozenset(clock.times) for cell, _, clock in _clocks(cells)}


def _clocks(cells: Iterable[tuple[Cell, ast.AST]]) -> Iterator[tuple[Cell, ast.AST, _Clock]]:
    names: dict[str, str] = {}
    times: set[str] = set()
    for cell, tree in cells:
        names |= meanings(tree)
        clock = _Clock(clock_names(names), times)
        for node in ast.walk(tree):
            clock.learn(node)
        yield cell, tree, clock
        times = clock.times


def only_times_differ(patterns: Iterable[re.Pattern[str]], one: str, other: str) -> bool:
    """Tell whether two printed texts differ in printed times only."""
    return texts.compare(one, with_times_of(one, other, patterns)).verdict != "different"


def with_times_of(one: str, other: str, patterns: Iterable[re.Pattern[str]]) -> str:
    """Return the other text with the lines of the one where these differ in their times only."""
    patterns = tuple(patterns)
    a, b = one.split("\n"), other.split("\n")
    if not patterns or len(a) != len(b):
        return other
    pairs = zip(a, b, strict=True)
    return "\n".join(x if _same_but_for_times(patterns, x, y) else y for x, y in pairs)


def _same_but_for_times(patterns: Iterable[re.Pattern[str]], one: str, other: str) -> bool:
    for pattern in patterns:
        a, b = pattern.fullmatch(one), pattern.fullmatch(other)
        if a and b:
            pairs = zip(a.groups(), b.groups(), strict=True)
            return all(texts.compare(x, y).verdict != "different" for x, y in pairs)
    return False


class _Clock:
    """What is known to be a time: expressions over the clock, constants and other times."""

    def __init__(self, names: Mapping[str, str], times: set[str]) -> None:
        self._names = names
        self.times = set(times)
        self._others: set[str] = set()

    def learn(self, node: ast.AST) -> None:
        """Take in what binds names; one binding that is no time settles it for the cell."""
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind(target, self.is_time(value))
            case ast.NamedExpr(target=target, value=value):
                self._bind(target, self.is_time(value))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, self.is_time(value))
            case ast.AugAssign(target=ast.Name(id=name) as target, value=value):
                self._bind(target, name in self.times and self._made_of_clock(value))
            case ast.For(target=target) | ast.AsyncFor(target=target):
                self._bind(target, False)
            case (
                ast.comprehension(target=target) | ast.withitem(optional_vars=ast.expr() as target)
            ):
                self._bind(target, False)
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                self._settle(name, False)

    def _bind(self, target: ast.expr, is_time: bool) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._settle(node.id, is_time and node is target)

    def _settle(self, name: str, is_time: bool) -> None:
        if is_time and name not in self._others:
            self.times.add(name)
        else:
            self.times.discard(name)
            self._others.add(name)

    def is_time(self, node: ast.expr) -> bool:
        """Tell whether an expression is made of the clock and of constants, and of the clock."""
        return self._made_of_clock(node) and any(map(self._reads, ast.walk(node)))

    def _reads(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.times
        return is_duration(node) or (isinstance(node, ast.Call) and is_clock(node, self._names))

    def _made_of_clock(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant) or is_duration(node):
            return True
        if isinstance(node, ast.Name):
            return node.id in self.times
        if isinstance(node, ast.BinOp):
            return self._made_of_clock(node.left) and self._made_of_clock(node.right)
        if isinstance(node, ast.UnaryOp):
            return self._made_of_clock(node.operand)
        if isinstance(node, ast.Attribute):  # of a time delta: `.seconds`
            return self._made_of_clock(node.value)
        if isinstance(node, ast.Call):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            if not all(map(self._made_of_clock, given)):
                return False
            if is_clock(node, self._names) or dotted(node.func, {}) in _PLAIN_CALLS:
                return True
            # a method of a time: `(end - start).total_seconds()`
            return isinstance(node.func, ast.Attribute) and self._made_of_clock(node.func.value)
        return False


def line_parts(node: ast.AST) -> Iterable[list[Part]]:
    """Return what makes up the line that a ``print`` prints."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return
    if node.func.id != "print" or node.keywords:
        return
    parts: list[Part] = []
    for number, argument in enumerate(node.args):
        if isinstance(argument, ast.Starred):
            return
        parts += [" "] * (number > 0) + _parts(argument)
    yield parts


def _result(tree: ast.AST) -> Iterable[list[Part]]:
    """Return the line that the result of a cell makes, where it has one."""
    last = tree.body[-1] if isinstance(tree, ast.Module) and tree.body else None
    if isinstance(last, ast.Expr) and not any(line_parts(last.value)):
        yield [last.value]


def _parts(node: ast.expr) -> list[Part]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        found: list[Part] = []
        for value in node.values:
            found += _parts(value.value if isinstance(value, ast.FormattedValue) else value)
        return found
    match node:
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
            given = right.elts if isinstance(right, ast.Tuple) else [right]
            return _percent(text, given) or [node]
        case ast.BinOp(left=left, op=ast.Add(), right=right) if _has_text(node):
            return [*_parts(left), *_parts(right)]
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format"),
            args=given,
            keywords=[],
        ):
            return _format(text, given) or [node]
    return [node]


def _has_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _has_text(node.left) or _has_text(node.right)
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return is_text or isinstance(node, ast.JoinedStr)


def _percent(text: str, given: list[ast.expr]) -> list[Part]:
    rest, parts, start = list(given), list[Part](), 0
    for match in _PERCENT.finditer(text):
        parts.append(text[start : match.start()])
        start = match.end()
        if match[0] == "%%":
            parts.append("%")
        elif rest:
            parts.append(rest.pop(0))
        else:
            return []
    return [] if rest else [*parts, text[start:]]


def _format(text: str, given: list[ast.expr]) -> list[Part]:
    rest, parts = list(given), list[Part]()
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError:
        return []
    for constant, name, _, _ in fields:
        parts.append(constant)
        if name is None:
            continue
        if name or not rest:
            return []  # numbered and named fields are rare
        parts.append(rest.pop(0))
    return [] if rest else parts


def _pattern(parts: list[Part], clock: _Clock) -> re.Pattern[str] | None:
    """Return the pattern of a line, None where it holds no time."""
    if not any(not isinstance(part, str) and clock.is_time(part) for part in parts):
        return None
    # Printed texts are compared line by line, without what ends a line.
    for end, strip in ((0, str.lstrip), (-1, str.rstrip)):
        if isinstance(part := parts[end], str):
            parts[end] = strip(part, "\n" if end == 0 else None)
    text = "".join(
        re.escape(part)
        if isinstance(part, str)
        # padding belongs to the time as well
        else f" *{_TIME} *"
        if clock.is_time(part)
        else "(.+?)"
        for part in parts
    )
    return re.compile(text)
