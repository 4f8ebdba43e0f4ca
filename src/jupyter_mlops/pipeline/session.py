"""What cells do to the session instead of to names: settings of modules, magics, search paths."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..notebook.ipython_syntax import PEEK, WILD
from ..notebook.mutation import CONTAINER_METHODS
from ..notebook.scopes import bound_names, declared_elsewhere, local_names
from ..notebook.siblings import sibling

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_MAGIC = re.compile(r"(%(?:env|set_env|cd|precision|config|load_ext|pylab))\s+\S.*$")
_SCOPED = frozenset({"catch_warnings", "localcontext", "option_context", "rc_context", "context"})
_SCOPED |= {"errstate", "printoptions", "chdir", "config_context", "axes_style", "plotting_context"}
_PREFIXES = ("set_", "seterr", "enable_", "disable_", "register_", "reset_")
_SETS = frozenset(
    {"autolog", "basicConfig", "chdir", "disable", "enable", "filterwarnings", "ioff", "ion"}
    | {"load_dotenv", "putenv", "rc", "register", "resetwarnings", "set", "setLevel", "setcontext"}
    | {"setlocale", "setrecursionlimit", "simplefilter", "switch_backend", "umask", "unsetenv"}
    | {"use", "addHandler", "addFilter", "setattr", "delattr"}
)
_NO_SETTINGS = frozenset({"set_state", "set_rng_state", "set_tag", "set_tags"})
_GIVE_SETTINGS = frozenset({"getcontext", "getLogger", "get_config"})
"""Functions whose result is a thing of the process."""

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


@dataclass(frozen=True, slots=True)
class Change:
    """Where code changes what a module keeps; ``text`` is the line where that is a magic."""

    module: str
    line: int
    text: str = ""


Package = Callable[[str], str]
"""Tells the package that a name is imported from; nothing for other names."""


def session_changes(
    node: ast.AST, package: Package, functions: Mapping[str, str], source: str = ""
) -> Iterator[Change]:
    """Yield what a statement changes that is kept by modules, or by the process.

    ``functions`` are the notebook's functions that change such things, with the module.
    """
    magic = _MAGIC.match(_line(source, node))
    if magic is not None:
        yield Change(magic[1], getattr(node, "lineno", 1), magic[0])
        return
    for each in _lasting(node):
        match each:
            case (
                ast.Attribute(ctx=ast.Store() | ast.Del())
                | ast.Subscript(ctx=ast.Store() | ast.Del())
            ):
                module = package(_source(each))
            case ast.Call(func=ast.Attribute(value=owner, attr=name)):
                module = package(_source(owner))
                deep = isinstance(owner, ast.Attribute | ast.Call) and name in CONTAINER_METHODS
                known = f"{module}.{name}" in functions
                if not (deep or known or _sets(name)) or name in _NO_SETTINGS:
                    continue
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[owner, *_]):
                module = package(_source(owner))
            case ast.Call(func=ast.Name(id=name)):
                module = functions.get(name, "")
                if not module and _sets(name):
                    module = package(name)
            case _:
                continue
        if module:
            yield Change(module, each.lineno)


def setters(trees: Sequence[ast.Module], names: Mapping[str, str], folder: str) -> dict[str, str]:
    """Return the functions that change what modules keep: the notebook's, and those beside it.

    The latter are called by the module's name and theirs, and by theirs where it is imported.
    """

    def package(name: str) -> str:
        path = names.get(name, "")
        return "" if path.startswith("<") or "(" in path else path.partition(".")[0]

    found: dict[str, str] = {}
    for name, path in names.items():
        module, _, function = path.partition(".")
        place = sibling(module, folder)
        if place is not None:
            for each in _own_setters(place, place.stat().st_mtime_ns):
                found[f"{module}.{each}"] = module
                if each == function:
                    found[name] = module
    functions = [node for tree in trees for node in _defined(tree.body)]
    grows = True
    while grows:
        before = len(found)
        for node in functions:
            for change in [] if node.name in found else _in_body(node, package, found):
                found[node.name] = change.module
        grows = len(found) > before
    return found


def _defined(body: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions that statements define, methods among them."""
    for node in body:
        if isinstance(node, _FUNCTIONS):
            yield node
        for part in ("body", "orelse", "finalbody", "handlers"):
            inner = getattr(node, part, None)
            if isinstance(inner, list):
                yield from _defined(inner)


def _in_body(node: ast.AST, package: Package, found: Mapping[str, str]) -> list[Change]:
    return [c for each in getattr(node, "body", ()) for c in session_changes(each, package, found)]


@lru_cache(maxsize=64)
def _own_setters(path: Path, changed: int) -> frozenset[str]:
    """Return the functions of a module that change its own variables."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    own = bound_names(tree.body)
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, _FUNCTIONS) and _changes_own(node, own)
    )


def _changes_own(node: ast.FunctionDef | ast.AsyncFunctionDef, own: frozenset[str]) -> bool:
    declared = declared_elsewhere(node.body).globals
    kept = own - (local_names(node, node.body) - declared)
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                if name in declared:
                    return True
            case (
                ast.Attribute(ctx=ast.Store() | ast.Del())
                | ast.Subscript(ctx=ast.Store() | ast.Del())
            ):
                if _source(each) in kept:
                    return True
            case ast.Call(func=ast.Attribute(value=owner, attr=name)):
                if name in CONTAINER_METHODS and _source(owner) in kept:
                    return True
    return False


def _lasting(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions of a statement that are carried out with it, and whose effect lasts."""
    if isinstance(node, (*_FUNCTIONS, ast.Lambda)):
        return
    if isinstance(node, ast.With | ast.AsyncWith):
        opened = {_called(item.context_expr) for item in node.items}
        if opened & _SCOPED:
            return
    if isinstance(node, ast.expr):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _lasting(child)


def _sets(name: str) -> bool:
    # Seeds are another matter: the generator's state goes on from step to step.
    return (name in _SETS or name.startswith(_PREFIXES)) and "seed" not in name


def _called(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else node
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _line(source: str, node: ast.AST) -> str:
    lines = source.splitlines()
    number = getattr(node, "lineno", 0)
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _source(node: ast.expr) -> str:
    """Return the name that a chain of attributes, subscripts and calls begins with, or nothing.

    Of the calls only those are passed that give what the process has already.
    """
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Call) and _called(node) not in _GIVE_SETTINGS:
            return ""
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _root(node: ast.expr) -> str:
    """Return the name that a chain of attributes and subscripts begins with, or nothing."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
