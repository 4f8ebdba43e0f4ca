"""What a call changes and gives back, judged by the name of what is called."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from . import mutation
from .operations import FRESH, Change, Operation, Outside, Result, Value, Wild
from .outside import WRITES, touches

ITERATORS = frozenset({"enumerate", "filter", "iter", "map", "reversed", "zip"})
"""Builtins that make what is used up as one goes through it."""

Arguments = tuple[tuple[int | str | None, Value], ...]


def effects_of_call(
    node: ast.Call,
    called: str,
    receiver: Value,
    arguments: Arguments,
    given: Value,
    *,
    used: bool,
    path: str,
) -> Iterator[Operation]:
    """Yield what a call does beside giving a result.

    ``called`` is the name of the function or method, ``given`` all arguments that it may keep;
    ``used`` tells that its result is used. ``path`` is the full name of an imported function,
    where the source of its module is not known.
    """
    line = node.lineno
    if not used and path and not _is_harmless(path):
        # It was called for what it does, and it was given this to do it to.
        for _, value in arguments:
            yield Change(value, line, True, given)
    if called.endswith("_") and not called.startswith("_") and not path.startswith("_"):
        # PyTorch's mark of a change in place.
        yield Change(arguments[0][1] if arguments and path else receiver, line, True)
    touch = touches(node, called, path)
    if touch is not None:
        yield Outside(touch, line)
    is_changer = called in mutation.ARGUMENT_CHANGERS or (called == "at" and path)
    if is_changer and arguments:
        yield Change(arguments[0][1], line, True, given)
    inputs = mutation.INPUTS_OF_UFUNCS.get(called)
    own = 1 if isinstance(node.func, ast.Attribute) and not path else 0
    for keyword, value in arguments:
        is_behind = inputs is not None and isinstance(keyword, int) and keyword + own >= inputs
        if keyword == "out" or is_behind:
            yield Change(value, line)
    if not isinstance(node.func, ast.Attribute):
        return
    if is_namespace(node.func.value) and called in ("update", "setdefault", "__setitem__"):
        yield Wild(line)
    if arguments and _is_class(node.func.value) and called in mutation.CONTAINER_METHODS:
        yield Change(arguments[0][1], line, False, given)
    in_place = any(k.arg == "inplace" and not _is_false(k.value) for k in node.keywords)
    if called in mutation.CONTAINER_METHODS:
        yield Change(receiver, line, False, given)
    elif (
        in_place
        or called in mutation.MUTATING_METHODS
        or (not used and called not in mutation.PURE_METHODS)
    ):
        yield Change(receiver, line, True, given, "self")


def result_of_call(
    name: str | None, method: str | None, receiver: Value, given: Value, path: str = ""
) -> Value:
    """Return what a call may give back: itself new, or something it was given.

    ``path`` is the full name of an imported function.
    """
    if method is not None:
        holds = (method == "copy" and given.parts) or (method == "split" and path)
        if method in mutation.FRESH_METHODS and not holds:
            return FRESH
        if method[:1].isupper():
            return given.container() | FRESH
        return receiver.element() | given.element()
    if name is None:
        return receiver.element() | given.element()
    if name in mutation.FRESH_FUNCTIONS:
        return FRESH
    made = Value(frozenset({(Result(name), False)}))
    return made | (given.container() if name[:1].isupper() else given.element())


def _is_harmless(path: str) -> bool:
    """Tell whether a function of this full name changes none of its arguments."""
    root = path.partition(".")[0]
    last = path.rpartition(".")[2]
    return (
        root in mutation.HARMLESS_MODULES
        or root in sys.stdlib_module_names
        or last in mutation.PURE_METHODS
        or last in WRITES
    )


def suppresses(node: ast.expr) -> bool:
    """Tell whether a context manager lets the code after its block run despite an error in it."""
    called = node.func if isinstance(node, ast.Call) else node
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("suppress", "raises")


def is_namespace(node: ast.expr) -> bool:
    """Tell whether an expression is the dictionary of global names itself."""
    if isinstance(node, ast.Attribute):
        return node.attr == "user_ns"
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("globals", "locals", "vars")
        and not node.args
    )


def _is_class(node: ast.expr) -> bool:
    """Tell whether an expression looks like a class, whose methods take the object first."""
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in mutation.CONTAINER_CLASSES or name[:1].isupper()


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
