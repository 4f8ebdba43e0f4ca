"""The names that ``from module import *`` binds, found without importing other people's code.

The module's file is located as the import system would and read as a syntax tree: its ``__all__``
where that is a plain list, else its public names. Only modules of the standard library that have
no Python source are imported. Where the names cannot be known the answer is None.
"""

from __future__ import annotations

import ast
import importlib
import sys
import warnings
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path


@lru_cache(maxsize=256)
def star_names(module: str, folder: str | None = None) -> frozenset[str] | None:
    """Return what ``from module import *`` binds; ``folder`` holds the notebook's own modules."""
    return _names(module, folder, ())


def _names(module: str, folder: str | None, seen: tuple[str, ...]) -> frozenset[str] | None:
    if module in seen:
        return frozenset()
    try:
        spec = _locate(module, folder)
    except (ImportError, AttributeError, ValueError):
        spec = None
    origin = spec.origin if spec is not None else None
    if origin is None or not origin.endswith(".py"):
        return _import_standard(module)
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(Path(origin).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    is_package = spec is not None and spec.submodule_search_locations is not None
    return _exported(tree, module, is_package, folder, (*seen, module))


def _import_standard(module: str) -> frozenset[str] | None:
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    try:
        return _public(vars(importlib.import_module(module)))
    except ImportError:
        return None


def _locate(module: str, folder: str | None) -> ModuleSpec | None:
    """Find a module without importing the packages above it."""
    path: list[str] | None = [folder, *sys.path] if folder else None
    name = ""
    spec: ModuleSpec | None = None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        if name in sys.builtin_module_names:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            raise ModuleNotFoundError(name)
        path = list(spec.submodule_search_locations or [])
    return spec


def _exported(
    tree: ast.Module, module: str, is_package: bool, folder: str | None, seen: tuple[str, ...]
) -> frozenset[str] | None:
    listed: set[str] | None = None
    bound: set[str] = set()
    complete = True
    for node in _statements(tree.body):
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                listed = _texts(value)
                if listed is None:
                    return None
            case ast.AugAssign(target=ast.Name(id="__all__"), value=value):
                more = _texts(value)
                if more is None or listed is None:
                    return None
                listed |= more
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                inner = _names(_absolute(node, module, is_package), folder, seen)
                complete = complete and inner is not None
                bound |= inner or set()
            case ast.Import() | ast.ImportFrom():
                bound |= {a.asname or a.name.partition(".")[0] for a in node.names}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound.add(node.name)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="__all__")))):
                return None
            case _:
                bound |= {
                    inner.id
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
                }
    if listed is not None:
        return frozenset(listed)
    return _public(dict.fromkeys(bound)) if complete else None


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements of a module, those in its top-level ``if`` and ``try`` too."""
    found: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With):
            for field in ("body", "orelse", "finalbody"):
                found += _statements(getattr(node, field, []))
            for handler in getattr(node, "handlers", []):
                found += _statements(handler.body)
        else:
            found.append(node)
    return found


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    up = node.level - 1 if is_package else node.level
    base = parts[: len(parts) - up] if up else parts
    return ".".join([*base, *([node.module] if node.module else [])])


def _texts(node: ast.expr) -> set[str] | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return set(value) if all(isinstance(each, str) for each in value) else None


def _public(names: dict[str, object]) -> frozenset[str]:
    listed = names.get("__all__")
    if isinstance(listed, list | tuple):
        return frozenset(listed)
    return frozenset(name for name in names if not name.startswith("_"))
