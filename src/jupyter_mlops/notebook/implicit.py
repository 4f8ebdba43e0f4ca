"""The methods that Python calls by itself, by what makes it call them."""

from __future__ import annotations

import ast

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.MatMult: "matmul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.BitOr: "or",
    ast.BitXor: "xor",
    ast.BitAnd: "and",
}
"""Operators by the name of their method, without underscores."""

TESTS = ("__bool__", "__len__")
ITERATES = ("__iter__", "__next__", "__getitem__", "__len__", "__aiter__", "__anext__")
ORDERS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
COMPARISONS = (*ORDERS, *TESTS, *ITERATES, "__contains__", "__hash__")
OF_ARGUMENTS = (
    *COMPARISONS,
    *("__str__", "__repr__", "__format__", "__call__", "__getattr__", "__getattribute__"),
    *("__int__", "__float__", "__index__", "__complex__", "__bytes__", "__abs__", "__round__"),
    *("__array__", "__copy__", "__deepcopy__", "__reversed__", "__enter__", "__exit__"),
)
"""What a function that is not the notebook's may call on what it is given."""
PRINTS = ("__repr__", "__str__", "__format__")
SHOWS = (*PRINTS, "__getattr__", "_repr_html_", "_repr_mimebundle_", "_ipython_display_")
_NUMBERS = ("__int__", "__float__", "__index__", "__abs__", "__round__", "__complex__", *TESTS)
_LOOKS_UP = ("__getattr__", "__getattribute__")
_SORTS = (*ITERATES, *ORDERS, *TESTS, "__hash__", "__contains__")

OF_BUILTINS: dict[str, tuple[str, ...]] = {
    name: methods
    for names, methods in (
        ("str repr print format ascii", PRINTS),
        ("len bool", TESTS),
        ("int float abs round complex range hex", _NUMBERS),
        ("isinstance issubclass type id callable", ()),
        ("hasattr getattr", _LOOKS_UP),
        ("list tuple iter next enumerate zip all any", _SORTS),
        ("set dict frozenset sorted min max reversed", _SORTS),
        ("append appendleft insert copy clear reverse", ()),
        ("extend update add setdefault discard index count", _SORTS),
    )
    for name in names.split()
}
"""The same for what is known, by its name."""
