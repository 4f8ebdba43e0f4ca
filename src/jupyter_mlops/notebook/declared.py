"""One parameter as its line in the parameters cell declares it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from . import moments
from .limits import Limits, literal_choices, plain_annotation, read_limits
from .reckoned import reckoned
from .secret_names import is_secret_name

PLAIN_TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (int, float),
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": (tuple, list),
    "dict": dict,
}
_SECRET = re.compile(r"secret\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One assignment of the parameters cell.

    ``type`` is one of int, float, str, bool, list, tuple, dict, date, datetime, time, path, or any
    (default None without an annotation). ``optional`` tells that None is allowed. ``help`` is the
    comment on its line. ``limits`` are the choices or the range that annotation or comment state.
    ``maker`` is what the cell calls to make its value, such as ``dt.date``. ``secret`` tells that
    a value is given by reference only: the name is a secret's, or the comment begins so.
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

    @property
    def is_text(self) -> bool:
        """Whether it is text that says a date, a time or a path, and is to stay text."""
        return self.type in moments.TYPES and isinstance(self.default, str)


def read_parameter(node: ast.stmt, lines: list[str]) -> Parameter | None:
    """Return the parameter that a statement declares; None where it is no plain assignment."""
    annotation: ast.expr | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
        annotation = _unquoted(node.annotation)
    else:
        return None
    if not isinstance(target, ast.Name):
        return None
    maker = ""
    try:
        default = ast.literal_eval(reckoned(value))
    except (ValueError, ArithmeticError):
        called = moments.read_call(value)
        if called is None:
            return None
        default, maker = called
    kind, optional = _type_of(annotation, default)
    if kind in moments.TYPES and annotation is not None and default is None:
        maker = _maker(node)
    comment = _comment(node, lines)
    limits = read_limits(annotation, comment, default)
    named = is_secret_name(target.id) and (kind == "str" or (kind == "any" and default is None))
    secret = named or (kind in ("str", "any") and _SECRET.match(comment) is not None)
    return Parameter(
        target.id, default, kind, optional, comment, node.lineno, limits, maker, secret
    )


def _unquoted(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return annotation
    return annotation


def _type_of(annotation: ast.expr | None, default: Any) -> tuple[str, bool]:
    optional = default is None
    if annotation is not None:
        plain = plain_annotation(annotation)
        kinds = {type(choice).__name__ for choice in literal_choices(plain)} - {"NoneType"}
        words = ast.unparse(plain)
        if kinds:
            kind = kinds.pop() if len(kinds) == 1 else "any"
            return (kind if kind in PLAIN_TYPES else "any"), optional or "None" in words
        parts = _parts(words)
        optional = optional or "None" in parts
        names = [part.split("[")[0] for part in parts if part != "None"]
        if len(names) == 1:
            name = names[0]
            return (name if name in PLAIN_TYPES else _moment(name, default)), optional
        return "any", optional
    kind = type(default).__name__
    return (kind if kind in PLAIN_TYPES else moments.kind_of(default) or "any"), optional


def _parts(words: str) -> list[str]:
    parts = [part.strip() for part in words.split("|")]
    for start in ("Optional[", "typing.Optional["):
        if len(parts) == 1 and parts[0].startswith(start):
            return [parts[0][len(start) : -1], "None"]
    return parts


def _moment(name: str, default: Any) -> str:
    """Return the kind that an annotation names, where the default is such a value."""
    kind = moments.kind_of_name(name)
    if kind is None:
        return moments.kind_of(default) or "any"
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
    names = _parts(ast.unparse(plain_annotation(node.annotation)))
    found = [name for name in names if moments.kind_of_name(name)]
    return found[0] if found else ""


def _comment(node: ast.stmt, lines: list[str]) -> str:
    last = lines[(node.end_lineno or node.lineno) - 1]
    rest = last.encode()[node.end_col_offset or 0 :].decode(errors="ignore").strip()
    return rest[1:].strip() if rest.startswith("#") else ""
