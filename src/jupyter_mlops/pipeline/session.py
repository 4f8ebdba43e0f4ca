"""What cells do to the session instead of to names: settings of modules, magics, search paths."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from ..notebook.ipython_syntax import PEEK, WILD

_SETTING_CALLS = frozenset(
    {"append", "chdir", "extend", "filterwarnings", "insert", "putenv", "rc", "register"}
    | {"set_option", "set_style", "set_theme", "setdefault", "simplefilter", "update"}
    | {"use", "set_config", "set_printoptions", "set_output", "basicConfig", "manual_seed"}
)


def is_setting(node: ast.stmt, is_module: Callable[[str], bool]) -> bool:
    """Tell whether a statement only sets up the session: a magic, or a setting of a module."""
    if isinstance(node, ast.Assign):
        return all(
            isinstance(target, ast.Attribute | ast.Subscript) and is_module(_root(target))
            for target in node.targets
        )
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    function = node.value.func
    if isinstance(function, ast.Name):
        return function.id in (PEEK, WILD)
    return isinstance(function, ast.Attribute) and is_module(_root(function))


def module_changes(tree: ast.Module, is_module: Callable[[str], bool]) -> Iterator[tuple[str, int]]:
    """Yield each module that a cell's code changes, with the line: ``os.environ[...] = ...``."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del(), lineno=line):
                root = _root(node)
            case ast.Subscript(ctx=ast.Store() | ast.Del(), lineno=line):
                root = _root(node)
            case ast.Expr(value=ast.Call(func=ast.Attribute() as function), lineno=line):
                root = _root(function) if function.attr in _SETTING_CALLS else ""
            case _:
                continue
        if root and is_module(root):
            yield root, line


def _root(node: ast.expr) -> str:
    """Return the name that a chain of attributes and subscripts begins with, or nothing."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
