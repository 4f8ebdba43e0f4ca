"""What running a cell once more does to a name: sets it anew, changes it, or counts on.

Only what the code shows beyond doubt is told here: a change that may happen somewhere in a
library is left out. `ghosts` must not find ghosts where there are none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .dataflow import CellCode
from .effects import Effects
from .namespace import Namespace
from .walker import operations

How = Literal["sets", "changes", "counts", "deletes"]
_COUNTS = frozenset({"append", "appendleft", "extend", "insert", "pop", "popleft", "reverse"})
_CHANGES = frozenset({"add", "clear", "discard", "remove", "setdefault", "sort", "update"})
_JOINS = frozenset({"append", "concat", "concatenate", "hstack", "vstack"})
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What one statement leaves of a name.

    ``sets``: whatever was there before, it is this now. ``changes``: once or many times is the
    same. ``counts``: each time leaves something else, as ``x += 1`` does. ``text`` is the
    statement, the same wherever it stands.
    """

    name: str
    how: How
    text: str


Version = tuple[str, ...]
"""The statements that made a name what it is, the last one last."""


def leavings(code: CellCode, folder: str | None = None) -> list[Leaving]:
    """Return what a cell leaves, statement by statement."""
    found: list[Leaving] = []
    for node in code.tree.body:
        effects = Namespace().run(operations(ast.Module([node], []), lambda _: None, folder))
        found += _leavings(node, effects)
    return found


def apply(versions: dict[str, Version], found: list[Leaving]) -> None:
    """Follow a cell once: make the names what they are after it."""
    for each in found:
        before = versions.get(each.name, ())
        match each.how:
            case "sets":
                versions[each.name] = (each.text,)
            case "counts":
                versions[each.name] = (*before, each.text)
            case "changes" if each.text not in before:
                versions[each.name] = (*before, each.text)
            case "deletes":
                versions.pop(each.name, None)


def _leavings(node: ast.stmt, effects: Effects) -> Iterator[Leaving]:
    text = ast.dump(node)
    counted = set(_counted(node)) - set(_bound(node))
    for name, fate in effects.fates.items():
        if name in effects.imports:
            # `import a.b as c` and `from a import b as c` are the same.
            paths = [f"{i.module}.{i.attribute or ''}".rstrip(".") for i in effects.imports[name]]
            yield Leaving(name, "sets", f"import {' '.join(paths)}")
        elif fate == "deleted":
            yield Leaving(name, "deletes", text)
        elif fate in ("sure", "maybe") and name in effects.writes:
            if name in counted:
                yield Leaving(name, "counts", text)
            elif name not in effects.reads:
                # Perhaps only on one branch: taken to be bound, as doubts are no ghosts.
                yield Leaving(name, "sets", text)
            else:
                yield Leaving(name, "changes", text)
        elif name in counted:
            yield Leaving(name, "counts", text)
    for name in dict.fromkeys(_changed(node)):
        if name not in effects.writes and name not in counted:
            yield Leaving(name, "changes", text)


def _counted(node: ast.stmt) -> Iterator[str]:
    """Yield names that are another thing each time that a statement is carried out."""
    for each in _here(node):
        match each:
            case ast.AugAssign(target=target):
                yield _root(target)
            case ast.Assign(targets=[target], value=value) if _goes_on(target, value):
                yield _root(target)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                if method in _COUNTS:
                    yield name
            case ast.Call(func=ast.Name(id="next"), args=[ast.Name(id=name), *_]):
                yield name


def _bound(node: ast.stmt) -> Iterator[str]:
    """Yield names that a statement binds to something new, such as the target of a loop."""
    on = {
        id(target)
        for each in _here(node)
        for target in _targets(each)
        if isinstance(each, ast.AugAssign)
        or (isinstance(each, ast.Assign) and _goes_on(target, each.value))
    }
    for each in _here(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store) and id(each) not in on:
            yield each.id


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.AugAssign):
        return [node.target]
    return node.targets if isinstance(node, ast.Assign) else []


def _goes_on(target: ast.expr, value: ast.expr) -> bool:
    """Tell whether a value is reckoned from what the target was: ``x = x + 1``, ``x = x[1:]``."""
    same = ast.unparse(target)
    pending = [value]
    while pending:
        each = pending.pop()
        match each:
            case ast.BinOp(left=left, right=right):
                if same in (ast.unparse(left), ast.unparse(right)):
                    return True
                pending += [left, right]
            case ast.UnaryOp(operand=operand, op=ast.USub() | ast.Invert()):
                if ast.unparse(operand) == same:
                    return True
            case ast.Subscript(value=inner, slice=ast.Slice()) if ast.unparse(inner) == same:
                return True
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.List(elts=parts), *_]):
                if name in _JOINS and same in map(ast.unparse, parts):
                    return True
    return False


def _changed(node: ast.stmt) -> Iterator[str]:
    """Yield names whose object a statement changes in place."""
    for each in _here(node):
        match each:
            case (
                ast.Attribute(ctx=ast.Store() | ast.Del())
                | ast.Subscript(ctx=ast.Store() | ast.Del())
            ):
                yield _root(each)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                inplace = any(
                    k.arg == "inplace" and isinstance(k.value, ast.Constant) and k.value.value
                    for k in each.keywords
                )
                if inplace or method in _CHANGES:
                    yield name


def _here(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what belongs to a statement, without the bodies of functions and classes."""
    if isinstance(node, _SCOPES):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _here(child)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
