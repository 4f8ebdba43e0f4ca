"""The names that ``from module import *`` binds, found without importing other people's code.

The module's file is located as the import system would and read as a syntax tree: its ``__all__``
where that is a plain list, or all of ``dir()``, or a plain list in the stub beside it, else its
public names. Only modules of the standard library that have no Python source are imported. Where
the names cannot be known the answer is None.
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
    found = _exported(tree, module, is_package, folder, (*seen, module))
    return found if found is not None else _otherwise(module, Path(origin))


def _otherwise(module: str, origin: Path) -> frozenset[str] | None:
    """Return what a module exports by code: as its stub lists it, or as Python has it already."""
    if module in sys.modules and module.partition(".")[0] in sys.stdlib_module_names:
        return _public(vars(sys.modules[module]))
    try:
        stub = ast.parse(origin.with_suffix(".pyi").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in stub.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                listed = _texts(value)
                return frozenset(listed) if listed is not None else None
    return None


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
                is_all = _is_all_public(value)
                listed = {*_public(dict.fromkeys(bound))} if is_all else _texts(value)
                if listed is None or (is_all and not complete):
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
                bound |= _submodule(node, module, is_package)
            case ast.Delete(targets=targets):
                bound -= {each.id for each in targets if isinstance(each, ast.Name)}
            case ast.Import() | ast.ImportFrom():
                bound |= {a.asname or a.name.partition(".")[0] for a in node.names}
                if isinstance(node, ast.ImportFrom):
                    bound |= _submodule(node, module, is_package)
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
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            found += _statements(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With):
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


def _submodule(node: ast.ImportFrom, module: str, is_package: bool) -> set[str]:
    """Return the module that a package holds from now on, because it imports from it."""
    inner = _absolute(node, module, is_package).removeprefix(f"{module}.")
    is_inside = is_package and _absolute(node, module, is_package).startswith(f"{module}.")
    return {inner.partition(".")[0]} if is_inside else set()


def _is_all_public(node: ast.expr) -> bool:
    """Tell whether an expression is ``[s for s in dir() if not s.startswith("_")]``."""
    match node:
        case ast.ListComp(
            elt=ast.Name(id=kept),
            generators=[
                ast.comprehension(
                    target=ast.Name(id=name),
                    iter=ast.Call(func=ast.Name(id="dir"), args=[]),
                    ifs=[
                        ast.UnaryOp(
                            op=ast.Not(),
                            operand=ast.Call(
                                func=ast.Attribute(value=ast.Name(id=asked), attr="startswith"),
                                args=[ast.Constant(value="_")],
                            ),
                        )
                    ],
                )
            ],
        ):
            return kept == name == asked
    return False


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
