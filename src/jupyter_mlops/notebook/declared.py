"""One parameter as its line in the parameters cell declares it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from . import moments
from .limits import Limits, plain_annotation, read_limits
from .reckoned import reckoned
from .secret_names import is_secret_name
from .shapes import PLAIN_TYPES, Shape, read_shape

_NAMES = (ast.Name, ast.Attribute)
_SECRET = re.compile(r"secret\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One assignment of the parameters cell.

    ``type`` is one of int, float, str, bool, list, tuple, set, dict, date, datetime, time, path, or
    any (default None without an annotation, or several types side by side). ``optional`` tells
    that None is allowed. ``help`` is the comment on its line. ``limits`` are the choices or the
    range that annotation or comment state. ``maker`` is what the cell calls to make its value,
    such as ``dt.date``. ``secret`` tells that a value is given by reference only: the name is a
    secret's, or the comment begins so. ``shape`` is the whole type, where the annotation states
    more than ``type`` does. ``computed`` is the code that the cell computes the default with, where
    only running it tells the default, which is None here.
    """

    name: str
    default: Any
    type: str
    optional: bool
    help: str
    line: int
    limits: Limits = field(default_factory=Limits)
    maker: str = ""
    secret: bool = False
    shape: Shape | None = None
    computed: str = ""

    @property
    def words(self) -> str:
        """The type in words: ``list[int]``, ``int or None``."""
        words = self.type if self.shape is None else str(self.shape)
        says_none = self.type == "any" if self.shape is None else self.shape.optional
        return f"{words} or None" if self.optional and not says_none else words

    @property
    def is_text(self) -> bool:
        """Whether it is text that says a date, a time or a path, and is to stay text."""
        return self.type in moments.TYPES and isinstance(self.default, str)


def read_parameter(node: ast.stmt, lines: list[str]) -> Parameter | None:
    """Return the parameter that a statement declares; None where it is no plain assignment."""
    parts = _assigned(node)
    if parts is None:
        return None
    target, annotation, value = parts
    maker = ""
    try:
        default = ast.literal_eval(reckoned(value))
    except (ValueError, ArithmeticError):
        called = moments.read_call(value)
        if called is None:
            return None
        default, maker = called
    kind, optional, shape = _type_of(annotation, default)
    if kind in moments.TYPES and annotation is not None and default is None:
        maker = _maker(node)
    comment = _comment(node, lines)
    limits = read_limits(annotation, comment, default)
    named = is_secret_name(target.id) and (kind == "str" or (kind == "any" and default is None))
    secret = named or (kind in ("str", "any") and _SECRET.match(comment) is not None)
    line = node.lineno
    return Parameter(
        target.id, default, kind, optional, comment, line, limits, maker, secret, shape
    )


def read_computed(node: ast.stmt, lines: list[str]) -> Parameter | None:
    """Return the parameter whose default a statement computes; None where it assigns no name."""
    parts = _assigned(node)
    if parts is None:
        return None
    target, annotation, value = parts
    kind, optional, shape = _type_of(annotation, None)
    if annotation is not None:
        optional = read_shape(annotation).optional
    comment = _comment(node, lines)
    return Parameter(
        target.id,
        None,
        kind,
        optional,
        comment,
        node.lineno,
        read_limits(annotation, comment, None),
        _maker(node) if kind in moments.TYPES else "",
        is_secret_name(target.id) or _SECRET.match(comment) is not None,
        shape,
        computed=ast.unparse(value),
    )


def _assigned(node: ast.stmt) -> tuple[ast.Name, ast.expr | None, ast.expr] | None:
    """Return the name, the annotation and the value of a statement that assigns one name."""
    annotation: ast.expr | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
        annotation = _unquoted(node.annotation)
    else:
        return None
    return (target, annotation, value) if isinstance(target, ast.Name) else None


def _unquoted(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return annotation
    return annotation


def _type_of(annotation: ast.expr | None, default: Any) -> tuple[str, bool, Shape | None]:
    if annotation is None:
        kind = type(default).__name__
        kind = kind if kind in PLAIN_TYPES else moments.kind_of(default) or "any"
        return kind, default is None, None
    shape = read_shape(annotation)
    optional = default is None or shape.optional
    kinds = {_kind(each) for each in shape.alternatives()}
    kind = next(iter(kinds)) if len(kinds) == 1 else "any"
    if kind in moments.TYPES:
        kind = _moment(kind, default)
    if kind == "any" and shape.kind != "union":
        kind = moments.kind_of(default) or "any"
    states_more = len(kinds) > 1 or any(each.parts for each in shape.alternatives())
    return kind, optional, shape if states_more and _fits(shape, default) else None


def _kind(shape: Shape) -> str:
    """Return a parameter's type for one of the types of its annotation."""
    if shape.kind != "one of":
        return shape.kind
    kinds = {type(each).__name__ for each in shape.choices if each is not None}
    kind = kinds.pop() if len(kinds) == 1 else "any"
    return kind if kind in PLAIN_TYPES else "any"


def _fits(shape: Shape, default: Any) -> bool:
    """Tell whether the default is of the type: an annotation that lies refuses nothing."""
    try:
        shape.take(default)
    except ValueError:
        return default is None
    return True


def _moment(kind: str, default: Any) -> str:
    """Return the kind that an annotation names, where the default is such a value."""
    if default is None:
        return kind
    try:
        moments.take(kind, default)
    except ValueError:
        return "any"
    return kind


def _maker(node: ast.stmt) -> str:
    """Return what a value of the annotation is made with; only what the cell itself evaluates."""
    if not isinstance(node, ast.AnnAssign) or isinstance(node.annotation, ast.Constant):
        return ""
    inner = plain_annotation(node.annotation)
    names = [ast.unparse(each) for each in ast.walk(inner) if isinstance(each, _NAMES)]
    found = [name for name in names if moments.kind_of_name(name)]
    return found[0] if found else ""


def _comment(node: ast.stmt, lines: list[str]) -> str:
    last = lines[(node.end_lineno or node.lineno) - 1]
    rest = last.encode()[node.end_col_offset or 0 :].decode(errors="ignore").strip()
    return rest[1:].strip() if rest.startswith("#") else ""
