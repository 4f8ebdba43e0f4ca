"""Filters of runs: plain expressions such as ``accuracy > 0.9 and max_depth >= 4``."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..errors import MlopsError
from .run_values import Name, Names
from .runs import RunSummary

_TOKENS = re.compile(
    r"""(?P<text>'[^']*'|"[^"]*")|(?P<quoted>`[^`]*`)|(?P<equal>(?<![<>=!])=(?!=))"""
    r"""|(?P<unlike><>)|(?P<word>\b(?:AND|OR|NOT|IN|IS)\b)"""
)
_QUOTED = "quoted_name_"
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
}
_EQUALITY = (operator.eq, operator.ne)
_COMPUTE: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_NO = frozenset({"", "0", "False", "false", "None"})

Term = Callable[[RunSummary], Any]
"""What a part of the expression gives for a run; None where the run does not say."""


class RunFilter:
    """An expression over metrics, parameters, tags and facts of runs.

    Names may stand bare (``depth``), with their kind (``params.depth``) or in backticks. Numbers
    are compared as numbers wherever both sides are, also those of parameters, which MLflow keeps
    as text. A run that has no value for a name is neither taken by a comparison nor by its
    opposite; ``name == None`` asks for it.

    Raises `MlopsError` ``runs.filter`` where the text is no such expression.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._quoted: list[str] = []
        self._source = _TOKENS.sub(self._plain, text).strip()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a text such as "\\d"
                self._tree = ast.parse(self._source, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            where = f" near column {error.offset}" if isinstance(error, SyntaxError) else ""
            raise _wrong(f"The filter `{text}` cannot be read{where}.") from None
        self._names = Names()
        self._check(self._tree)

    def bind(self, names: Names) -> Callable[[RunSummary], bool]:
        """Return the filter as a function; raises `MlopsError` ``runs.name``."""
        self._names = names
        term = self._term(self._tree)
        return lambda run: bool(_truth(term(run)))

    def least(self) -> list[tuple[str, str, float]]:
        """Return comparisons of bare names with numbers that must hold whatever else does.

        Each is (name, operator, number), for a store that can sort out most runs by itself.
        """
        both = isinstance(self._tree, ast.BoolOp) and isinstance(self._tree.op, ast.And)
        parts = self._tree.values if both else [self._tree]  # type: ignore[attr-defined]
        words = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
        found = []
        for part in parts:
            if not isinstance(part, ast.Compare) or len(part.ops) != 1:
                continue
            word, right = words.get(type(part.ops[0])), part.comparators[0]
            name = self._word(part.left)
            if word and name and isinstance(right, ast.Constant) and _is_number(right.value):
                found.append((name, word, float(right.value)))  # type: ignore[arg-type]
        return found

    def names(self, names: Names) -> list[Name]:
        """Return what the expression asks for, in its order."""
        words = (self._known(node, names) for node in ast.walk(self._tree))
        found = (names.find(word) for word in words if word)
        return list(dict.fromkeys(name for name in found if name is not None))

    def _plain(self, token: re.Match[str]) -> str:
        match token.lastgroup:
            case "quoted":
                self._quoted.append(token[0][1:-1])
                return f"{_QUOTED}{len(self._quoted) - 1}"
            case "equal":
                return "=="
            case "unlike":
                return "!="
            case "word":
                return token[0].lower()
        return token[0]

    def _word(self, node: ast.AST) -> str | None:
        """Return the name that a node spells, dots included."""
        if isinstance(node, ast.Name):
            if node.id.startswith(_QUOTED):
                return self._quoted[int(node.id.removeprefix(_QUOTED))]
            return node.id
        if isinstance(node, ast.Attribute):
            before = self._word(node.value)
            return f"{before}.{node.attr}" if before else None
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            before = self._word(node.value)
            return f"{before}.{node.slice.value!s}" if before else None
        return None

    def _known(self, node: ast.AST, names: Names) -> str | None:
        """As `_word`; also a name such as ``accuracy-2``, which reads like a computation."""
        word = self._word(node)
        if word is None and isinstance(node, ast.BinOp):
            written = ast.get_source_segment(self._source, node)
            if written and names.find(written) is not None:
                return written
        return word

    def _check(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if not isinstance(node, _ALLOWED):
                written = ast.get_source_segment(self._source, node) or self._source
                raise _wrong(f"The filter `{self.text}` cannot use `{written}`.")

    def _term(self, node: ast.AST) -> Term:
        word = self._known(node, self._names)
        if word is not None:
            name = self._names.get(word)
            return name.value
        match node:
            case ast.BoolOp():
                return _joined(isinstance(node.op, ast.And), [self._term(v) for v in node.values])
            case ast.UnaryOp(op=ast.Not()):
                return _opposite(self._term(node.operand))
            case ast.UnaryOp():
                inner = self._term(node.operand)
                sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
                return lambda run: _scaled(sign, inner(run))
            case ast.BinOp():
                return _computed(_COMPUTE[type(node.op)], *map(self._term, (node.left, node.right)))
            case ast.Compare():
                return self._comparison(node)
            case ast.Constant(value=value):
                return lambda run: value
        raise _wrong(f"The filter `{self.text}` cannot be read.")

    def _comparison(self, node: ast.Compare) -> Term:
        parts = []
        sides = [node.left, *node.comparators]
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                found = self._membership(left, right)
                parts.append(_opposite(found) if isinstance(op, ast.NotIn) else found)
            else:
                nothing = any(
                    isinstance(s, ast.Constant) and s.value is None for s in (left, right)
                )
                terms = self._term(left), self._term(right)
                parts.append(_compared(_COMPARE[type(op)], *terms, nothing))
        return parts[0] if len(parts) == 1 else _joined(True, parts)

    def _membership(self, left: ast.AST, right: ast.AST) -> Term:
        wanted = self._term(left)
        if isinstance(right, ast.Tuple | ast.List | ast.Set):
            same = [_compared(operator.eq, wanted, self._term(v), False) for v in right.elts]
            return _joined(False, same)
        text = self._term(right)

        def within(run: RunSummary) -> Any:
            part, whole = wanted(run), text(run)
            return None if part is None or whole is None else str(part) in str(whole)

        return within


_ALLOWED = (
    ast.BoolOp,
    ast.boolop,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.UAdd,
    ast.BinOp,
    *_COMPUTE,
    ast.Compare,
    *_COMPARE,
    ast.In,
    ast.NotIn,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.expr_context,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.Set,
)


def number(value: Any) -> float | None:
    """Return a value as a number, where it is one or spells one."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _compared(compare: Callable[[Any, Any], bool], left: Term, right: Term, nothing: bool) -> Term:
    equality = compare in _EQUALITY

    def holds(run: RunSummary) -> bool | None:
        one, other = left(run), right(run)
        if nothing and equality:
            return compare(one in (None, "None"), other in (None, "None"))
        if one is None or other is None:
            return None
        numbers = number(one), number(other)
        if None not in numbers:
            return compare(*numbers)
        times = _time(one), _time(other)
        if times[0] is not None and times[1] is not None:
            return compare(*times)
        if equality:
            return compare(_text(one), _text(other))
        # A number is neither above nor below a word.
        words = numbers == (None, None) and not isinstance(one, bool) and isinstance(other, str)
        return compare(_text(one), _text(other)) if words else None

    return holds


def _joined(every: bool, terms: list[Term]) -> Term:
    """Join terms by and, or by or, as SQL does where some are not known."""

    def holds(run: RunSummary) -> bool | None:
        found = [_truth(term(run)) for term in terms]
        if (not every) in found:
            return not every
        return None if None in found else every

    return holds


def _opposite(term: Term) -> Term:
    def holds(run: RunSummary) -> bool | None:
        found = _truth(term(run))
        return None if found is None else not found

    return holds


def _computed(compute: Callable[[float, float], float], left: Term, right: Term) -> Term:
    def value(run: RunSummary) -> float | None:
        one, other = number(left(run)), number(right(run))
        if one is None or other is None:
            return None
        try:
            return compute(one, other)
        except (ZeroDivisionError, OverflowError):
            return None

    return value


def _scaled(sign: float, value: Any) -> float | None:
    found = number(value)
    return None if found is None else sign * found


def _truth(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    return value not in _NO if isinstance(value, str) else bool(value)


def _text(value: Any) -> str:
    text = str(value)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _time(value: Any) -> float | None:
    if not isinstance(value, str) or len(value) < 10 or value[4] != "-":
        return None
    try:
        return datetime.fromisoformat(value).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong(message: str) -> MlopsError:
    return MlopsError(
        "runs.filter",
        message,
        hint="write for example `accuracy > 0.9 and max_depth >= 4`; names with other characters "
        "than letters, digits and `_` go between backticks.",
    )
