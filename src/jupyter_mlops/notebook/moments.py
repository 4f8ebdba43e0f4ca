"""Dates, times and paths as parameters: as the parameters cell makes them, and as text."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

TYPES: dict[str, type] = {
    "date": dt.date,
    "datetime": dt.datetime,
    "time": dt.time,
    "path": PurePath,
}
_BY_NAME = {"date": "date", "datetime": "datetime", "time": "time", "Path": "path"}
_EXAMPLES = {
    "date": "2013-01-31",
    "datetime": "2013-01-31T12:30",
    "time": "12:30",
    "path": "data/flights.csv",
}


def kind_of_name(words: str) -> str | None:
    """Return the kind that ``date``, ``datetime.date`` or ``pathlib.Path`` names, if any."""
    return _BY_NAME.get(words.rpartition(".")[2])


def kind_of(value: object) -> str | None:
    """Return the kind of a value; a datetime is no date."""
    found = (kind for kind in ("datetime", "date", "time", "path") if _is(value, kind))
    return next(found, None)


def read_call(node: ast.expr) -> tuple[Any, str] | None:
    """Return the value of ``date(2013, 1, 31)``, and what was called; None for other calls.

    Read are calls with literals, ``date.fromisoformat("2013-01-31")`` and ``Path("a") / "b"``.
    """
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _joined(node)
    if not isinstance(node, ast.Call) or (node.keywords and isinstance(node.func, ast.Call)):
        return None
    maker = ast.unparse(node.func)
    from_text = maker.endswith(".fromisoformat")
    kind = kind_of_name(maker.removesuffix(".fromisoformat"))
    if kind is None:
        return None
    try:
        values = [ast.literal_eval(each) for each in node.args]
        named = {word.arg or "": ast.literal_eval(word.value) for word in node.keywords}
        if from_text:
            return read_text(kind, *values), maker.removesuffix(".fromisoformat")
        return (Path if kind == "path" else TYPES[kind])(*values, **named), maker
    except (ValueError, TypeError):
        return None


def _joined(node: ast.BinOp) -> tuple[Any, str] | None:
    left = read_call(node.left)
    right = node.right
    if left is None or not isinstance(left[0], PurePath) or not isinstance(right, ast.Constant):
        return None
    return (left[0] / right.value, left[1]) if isinstance(right.value, str) else None


def read_text(kind: str, text: str) -> Any:
    """Return the value that a text says; raises `ValueError`."""
    match kind:
        case "date":
            return dt.date.fromisoformat(text.strip())
        case "datetime":
            return dt.datetime.fromisoformat(text.strip())
        case "time":
            return dt.time.fromisoformat(text.strip())
        case _:
            if not text or "\0" in text:
                raise ValueError("an empty path")
            return Path(text)


def take(kind: str, value: object) -> Any:
    """Return ``value`` as that kind, from text, or from what YAML makes of it.

    Raises `ValueError` for anything else.
    """
    if isinstance(value, str):
        return read_text(kind, value)
    if kind == "datetime" and _is(value, "date"):
        return dt.datetime.combine(value, dt.time())  # type: ignore[arg-type]
    if not _is(value, kind):
        raise ValueError(f"no {kind}")
    return value


def example(kind: str) -> str:
    """Return a text of that kind, for hints."""
    return _EXAMPLES[kind]


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: dates, times and paths as text, also within others.

    Tuples and sets are lists; a set's order is that of its values, or of their texts.
    """
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return plain(in_order(value))
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def in_order(values: Iterable[Any]) -> list[Any]:
    """Return the values of a set in an order that is the same every time."""
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)


def source(value: object, maker: str = "") -> str | None:
    """Return Python that makes a date, a time or a path; None for other values.

    ``maker`` is what to call; without it the expression needs no import of its own.
    """
    kind = kind_of(value)
    if kind == "path":
        return f"{maker or _imported('pathlib', 'Path')}({str(value)!r})"
    if kind is None:
        return None
    text = value.isoformat()  # type: ignore[attr-defined]
    if kind == "date" and isinstance(value, dt.date):
        return f"{maker or _imported('datetime', kind)}({value.year}, {value.month}, {value.day})"
    return f"{maker or _imported('datetime', kind)}.fromisoformat({text!r})"


def _imported(module: str, name: str) -> str:
    return f"__import__({module!r}).{name}"


def _is(value: object, kind: str) -> bool:
    if kind == "date" and isinstance(value, dt.datetime):
        return False
    return isinstance(value, TYPES[kind])
