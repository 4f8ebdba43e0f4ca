"""Which values a parameter may have: choices and ranges, from its annotation and its comment.

Read are ``Literal["gini", "entropy"]``, ``Annotated[int, Field(ge=1, le=20)]`` (pydantic's and
annotated-types' words), ``Annotated[int, range(1, 21)]``, and the comments ``# 1..20`` and
``# one of: gini, entropy``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"(?<![\w.])((?:{_NUMBER})?)\s*\.\.\s*((?:{_NUMBER})?)(?![\w.])")
_CHOICES = re.compile(r"\b(?:one of|choices)\s*:\s*([^;()]+)", re.IGNORECASE)
_PLAIN = (str, int, float, bool, type(None))
_LOW = frozenset({"ge", "gt", "Ge", "Gt"})
_HIGH = frozenset({"le", "lt", "Le", "Lt"})
_OPEN = frozenset({"gt", "lt", "Gt", "Lt"})


@dataclass(frozen=True, slots=True)
class Limits:
    """The values that a parameter may have; ``low`` and ``high`` are allowed themselves.

    Unless ``above`` is true: then the value must be greater than ``low``; ``below`` alike.
    """

    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False

    def allow(self, value: Any) -> bool:
        """Tell whether a value is allowed; what cannot be compared with a bound is not."""
        if self.choices and value not in self.choices:
            return False
        if self.low is None and self.high is None:
            return True
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if self.low is not None and not (
            value > self.low or (value == self.low and not self.above)
        ):
            return False
        return self.high is None or value < self.high or (value == self.high and not self.below)

    def __str__(self) -> str:
        if self.choices:
            return f"one of {', '.join(map(repr, self.choices))}"
        words = []
        if self.low is not None:
            words.append(f"{'above' if self.above else 'at least'} {self.low:g}")
        if self.high is not None:
            words.append(f"{'below' if self.below else 'at most'} {self.high:g}")
        return " and ".join(words)

    def __bool__(self) -> bool:
        return bool(self.choices) or self.low is not None or self.high is not None


def read_limits(annotation: ast.expr | None, comment: str, default: Any) -> Limits:
    """Return the limits that annotation and comment state; a comment's must allow the default.

    A comment is prose: ``# 1..20`` beside a default of 30 is taken as words, not as a range.
    """
    limits = _from_annotation(annotation) if annotation is not None else Limits()
    if limits or not comment:
        return limits
    limits = _from_comment(comment, default)
    return limits if default is None or limits.allow(default) else Limits()


def plain_annotation(annotation: ast.expr) -> ast.expr:
    """Return ``int`` for ``Annotated[int, …]``, and other annotations as they are."""
    if isinstance(annotation, ast.Subscript) and _last_name(annotation.value) == "Annotated":
        parts = annotation.slice
        return parts.elts[0] if isinstance(parts, ast.Tuple) and parts.elts else parts
    return annotation


def literal_choices(annotation: ast.expr) -> tuple[Any, ...]:
    """Return what ``Literal[…]`` lists, alone or beside None; empty for other annotations."""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        sides = [each for each in (annotation.left, annotation.right) if not _is_none(each)]
        both = [literal_choices(each) for each in sides]
        return tuple(choice for each in both for choice in each) if all(both) else ()
    if not isinstance(annotation, ast.Subscript):
        return ()
    if (inner := _not_none(annotation)) is not annotation:
        return literal_choices(inner)
    if _last_name(annotation.value) != "Literal":
        return ()
    listed = annotation.slice
    try:
        values = ast.literal_eval(listed)
    except ValueError:
        return ()
    choices = values if isinstance(listed, ast.Tuple) else (values,)
    return choices if all(isinstance(choice, _PLAIN) for choice in choices) else ()


def _from_annotation(annotation: ast.expr) -> Limits:
    annotation = _not_none(annotation)
    inner = plain_annotation(annotation)
    choices = literal_choices(inner)
    if choices or inner is annotation or not isinstance(annotation, ast.Subscript):
        return Limits(choices)
    parts = annotation.slice
    bounds: dict[str, Any] = {}
    for part in parts.elts[1:] if isinstance(parts, ast.Tuple) else ():
        if isinstance(part, ast.Call):
            bounds.update(_bounds(part))
    return Limits(**bounds)


def _bounds(call: ast.Call) -> Iterator[tuple[str, Any]]:
    name = _last_name(call.func)
    values = [_number(argument) for argument in call.args]
    if name == "range" and values and None not in values:
        start, stop = (0, values[0]) if len(values) == 1 else values[:2]
        yield from (("low", start), ("high", stop), ("below", True))
        return
    found = [(word.arg or "", _number(word.value)) for word in call.keywords]
    if values and name in _LOW | _HIGH:
        found.append((name, values[0]))
    for word, value in found:
        if value is None:
            continue
        if word in _LOW:
            yield from (("low", value), ("above", word in _OPEN))
        elif word in _HIGH:
            yield from (("high", value), ("below", word in _OPEN))


def _from_comment(comment: str, default: Any) -> Limits:
    listed = _CHOICES.search(comment)
    if listed is not None:
        words = [word.strip().strip("`'\"") for word in listed[1].rstrip(" .").split(",")]
        choices = tuple(_like(default, word) for word in words if word)
        return Limits(choices)
    found = _RANGE.search(comment)
    if found is None or not any(found.groups()):
        return Limits()
    low, high = (float(text) if text else None for text in found.groups())
    return Limits(low=low, high=high)


def _like(default: Any, word: str) -> Any:
    if isinstance(default, str):
        return word
    try:
        value = ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word
    return value if isinstance(value, _PLAIN) else word


def _not_none(annotation: ast.expr) -> ast.expr:
    """Return ``int`` for ``int | None``, ``Optional[int]`` and ``Union[int, None]``."""
    sides: list[ast.expr] = []
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        sides = [annotation.left, annotation.right]
    elif isinstance(annotation, ast.Subscript):
        name, inside = _last_name(annotation.value), annotation.slice
        if name == "Optional":
            sides = [inside]
        elif name == "Union":
            sides = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    left = [each for each in sides if not _is_none(each)]
    return left[0] if len(left) == 1 else annotation


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _number(node: ast.expr) -> float | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None
