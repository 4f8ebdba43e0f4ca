"""The whole type that an annotation states: what a list holds, which types stand side by side."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import moments

PLAIN_TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (int, float),
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": (tuple, list),
    "set": (set, frozenset, list, tuple),
    "dict": dict,
}
_MAKERS: dict[str, type] = {"list": list, "tuple": tuple, "set": set}
_OTHER_NAMES = {name.title(): name for name in ("list", "tuple", "set", "dict")} | {
    "Sequence": "list",
    "Mapping": "dict",
}
_NONE = "None"


@dataclass(frozen=True, slots=True)
class Shape:
    """A type: ``kind`` is a parameter's type, ``None``, ``one of`` (choices) or ``union``.

    ``parts`` are the types inside: one for what a list, a set or a tuple of any length holds, two
    for a dict's keys and values, one for each place of a tuple of ``fixed`` length.
    """

    kind: str
    parts: tuple[Shape, ...] = ()
    fixed: bool = False
    choices: tuple[Any, ...] = ()

    def take(self, value: Any) -> Any:
        """Return ``value`` as this type; raises `ValueError` where it is none of it.

        Whole numbers are floats too, lists are tuples and sets, text says dates and paths.
        """
        match self.kind:
            case "any":
                return value
            case "union":
                return self._take_union(value)
            case "one of":
                if any(value == each and type(value) is type(each) for each in self.choices):
                    return value
                raise ValueError
            case "None":
                if value is None:
                    return None
                raise ValueError
        if self.kind in moments.TYPES:
            return moments.take(self.kind, value)
        return self._take_plain(value)

    def _take_plain(self, value: Any) -> Any:
        is_bool = isinstance(value, bool) and self.kind != "bool"
        allowed: Any = PLAIN_TYPES[self.kind]
        if is_bool or not isinstance(value, allowed):
            raise ValueError
        if self.kind == "float":
            return float(value)
        if self.kind == "dict":
            return self._take_dict(value)
        return self._take_items(value) if self.kind in _MAKERS else value

    def _take_items(self, value: Any) -> Any:
        items = list(value)
        if self.fixed:
            taken = [part.take(item) for part, item in zip(self.parts, items, strict=True)]
        else:
            taken = [self.parts[0].take(item) for item in items] if self.parts else items
        try:
            return _MAKERS[self.kind](taken)
        except TypeError as error:  # a set of lists
            raise ValueError from error

    def _take_dict(self, value: Any) -> Any:
        if not self.parts:
            return value
        keys, values = self.parts
        return {keys.take(_key(keys, key)): values.take(each) for key, each in value.items()}

    def _take_union(self, value: Any) -> Any:
        found: list[Any] = []
        for part in self.parts:
            try:
                taken = part.take(value)
            except ValueError:
                continue
            if type(taken) is type(value) and taken == value:
                return taken
            found.append(taken)
        if found:
            return found[0]
        raise ValueError

    def alternatives(self) -> Iterator[Shape]:
        """Yield the types that stand side by side, without None."""
        for part in self.parts if self.kind == "union" else (self,):
            if part.kind != _NONE:
                yield part

    @property
    def optional(self) -> bool:
        """Whether None is one of the types."""
        return self.kind == _NONE or any(
            part.kind == _NONE or None in part.choices
            for part in (self.parts if self.kind == "union" else (self,))
        )

    def __str__(self) -> str:
        if self.kind == "union":
            return " or ".join(map(str, self.parts))
        if self.kind == "one of":
            return f"one of {', '.join(map(repr, self.choices))}"
        inside = ", ".join(map(str, self.parts))
        if inside and self.kind == "tuple" and not self.fixed:
            inside += ", …"
        return f"{self.kind}[{inside}]" if inside else self.kind


def read_shape(annotation: ast.expr) -> Shape:
    """Return the type that an annotation states; ``any`` for what is no parameter's type."""
    if isinstance(annotation, ast.Constant):
        return Shape(_NONE) if annotation.value is None else Shape("any")
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _union(read_shape(annotation.left), read_shape(annotation.right))
    if not isinstance(annotation, ast.Subscript):
        words = ast.unparse(annotation)
        last = words.rpartition(".")[2]
        name = _OTHER_NAMES.get(last, words)
        return Shape(name if name in PLAIN_TYPES else moments.kind_of_name(words) or "any")
    name = ast.unparse(annotation.value).rpartition(".")[2]
    inside = annotation.slice
    listed = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if name == "Literal":
        return _literal(listed)
    if name == "Annotated":
        return read_shape(listed[0])
    if name in ("Union", "Optional"):
        more = [Shape(_NONE)] if name == "Optional" else []
        return _union(*map(read_shape, listed), *more)
    return _container(_OTHER_NAMES.get(name, name), listed)


def _container(name: str, listed: list[ast.expr]) -> Shape:
    if name not in (*_MAKERS, "dict"):
        return Shape("any")
    any_length = isinstance(listed[-1], ast.Constant) and listed[-1].value is ...
    parts = tuple(map(read_shape, listed[:-1] if any_length else listed))
    if name != "tuple" and len(parts) != (2 if name == "dict" else 1):
        return Shape(name)
    return Shape(name, parts, fixed=name == "tuple" and not any_length)


def _literal(listed: list[ast.expr]) -> Shape:
    try:
        return Shape("one of", choices=tuple(map(ast.literal_eval, listed)))
    except ValueError:
        return Shape("any")


def _union(*shapes: Shape) -> Shape:
    parts = [part for each in shapes for part in (each.parts if each.kind == "union" else (each,))]
    return Shape("union", tuple(dict.fromkeys(parts)))


def _key(shape: Shape, key: Any) -> Any:
    """Return a key as JSON could not write it: a number."""
    if isinstance(key, str) and shape.kind in ("int", "float"):
        try:
            return ast.literal_eval(key)
        except (ValueError, SyntaxError):
            return key
    return key
