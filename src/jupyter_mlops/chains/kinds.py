"""What kind of value an expression makes, where its code shows that beyond doubt."""

from __future__ import annotations

import ast
from collections.abc import Container

TABLE = "table"
_DISPLAYS: dict[type[ast.expr], str] = {
    ast.JoinedStr: "str",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Tuple: "tuple",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Dict: "dict",
    ast.DictComp: "dict",
}
_CALLS = {"len": "int", "sorted": "list", "repr": "str"} | {
    name: name for name in ("int", "float", "bool", "str", "list", "tuple", "set", "dict")
}
_TABLES = frozenset({"DataFrame", "read_csv", "read_excel", "read_parquet", "read_sql"})
_TAKEN_BY: dict[str, frozenset[str]] = {
    "int": frozenset({"int", "float"}),
    "float": frozenset({"float"}),
    "bool": frozenset({"bool"}),
    "list": frozenset({"list", "tuple", "set"}),
    "tuple": frozenset({"list", "tuple", "set"}),
    "set": frozenset({"list", "tuple", "set"}),
    "dict": frozenset({"dict"}),
    TABLE: frozenset({"path"}),
}


def kinds(tree: ast.Module, shadowed: Container[str]) -> dict[str, str]:
    """Return the kinds of the names that a cell's own statements assign, each to one value.

    ``shadowed`` are names that the notebook binds, so that they may not be Python's own.
    """
    found: dict[str, str] = {}
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                kind = _kind(value, shadowed)
            case _:
                continue
        if kind:
            found[name] = kind
        else:
            found.pop(name, None)
    return found


def takes(type_: str, kind: str) -> bool:
    """Tell whether a parameter of that type may be given a value of that kind."""
    if type_ == "any":
        return kind != TABLE
    return kind not in _TAKEN_BY or type_ in _TAKEN_BY[kind]


def _kind(value: ast.expr, shadowed: Container[str]) -> str:
    match value:
        case ast.Constant(value=bool() | int() | float() | str() as constant):
            return type(constant).__name__
        case ast.Call(func=ast.Name(id=name)) if name not in shadowed:
            return _CALLS.get(name, "")
        case ast.Call(func=ast.Attribute(value=ast.Name(id="pd"), attr=name)):
            return TABLE if name in _TABLES else ""
    return _DISPLAYS.get(type(value), "")
