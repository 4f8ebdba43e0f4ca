"""Which names a function or class body binds itself, by Python's rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_Body = Sequence[ast.stmt] | ast.expr
_CLOSED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Declared:
    """Names that ``global`` and ``nonlocal`` statements hand to a scope further out."""

    globals: frozenset[str]
    nonlocals: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.globals | self.nonlocals


def declared_elsewhere(body: _Body) -> Declared:
    """Return the names that a body declares ``global`` or ``nonlocal``."""
    outer: set[str] = set()
    enclosing: set[str] = set()
    for node in _own_nodes(body):
        if isinstance(node, ast.Global):
            outer.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            enclosing.update(node.names)
    return Declared(frozenset(outer), frozenset(enclosing))


def parameter_names(arguments: ast.arguments) -> tuple[str, ...]:
    """Return parameters that take one argument each, positional ones first."""
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return tuple(each.arg for each in named)


def parameter_defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    """Yield each parameter that has a default, with that."""
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    for parameter, default in zip(with_default, arguments.defaults, strict=True):
        yield parameter.arg, default
    for parameter, keyword in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if keyword is not None:
            yield parameter.arg, keyword


def local_names(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, body: _Body
) -> frozenset[str]:
    """Return the names that are local to a function, its ``global`` ones still among them."""
    arguments = node.args
    names = {*parameter_names(arguments), *_bound(body)}
    names |= {each.arg for each in (arguments.vararg, arguments.kwarg) if each is not None}
    names |= {each.name for each in getattr(node, "type_params", ())}
    return frozenset(names)


def class_names(node: ast.ClassDef) -> frozenset[str]:
    """Return the names that a class body binds."""
    parameters = (each.name for each in getattr(node, "type_params", ()))
    return frozenset((*_bound(node.body), *parameters))


def bound_names(body: _Body) -> frozenset[str]:
    """Return the names that a body binds in its own scope."""
    return frozenset(_bound(body))


def _bound(body: _Body) -> Iterator[str]:
    for node in _own_nodes(body):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Import(names=names):
                yield from (each.asname or each.name.partition(".")[0] for each in names)
            case ast.ImportFrom(names=names):
                yield from (each.asname or each.name for each in names)
            case ast.ExceptHandler(name=str(name)):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(rest)):
                yield rest


def _own_nodes(body: _Body) -> Iterator[ast.AST]:
    """Yield the nodes of a scope without those of scopes inside it.

    An assignment expression in a comprehension belongs to the scope around it.
    """
    pending: list[tuple[ast.AST, bool]] = (
        [(body, False)] if isinstance(body, ast.expr) else [(node, False) for node in body]
    )
    while pending:
        node, inside = pending.pop()
        if isinstance(node, ast.NamedExpr):
            yield node.target
            pending.append((node.value, inside))
            continue
        if not (inside and isinstance(node, ast.Name)):
            yield node
        if isinstance(node, _CLOSED):
            continue
        inside = inside or isinstance(node, _COMPREHENSIONS)
        pending.extend((child, inside) for child in ast.iter_child_nodes(node))
