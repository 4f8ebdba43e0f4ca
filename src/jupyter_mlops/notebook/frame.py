"""Where the walk through a cell has come to: scopes, paths, and the operations so far."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .operations import CONSTANT, Bind, Change, Fork, Import, Operation, Read, Settle, Value
from .surroundings import Surroundings

NOWHERE = Surroundings()
"""Around code of which no more is known than itself."""


@dataclass(slots=True)
class Scope:
    kind: Literal["function", "class", "comprehension", "handler", "module"]
    names: dict[str, str]
    globals: frozenset[str] = frozenset()
    title: str = ""


@dataclass(slots=True)
class Paths:
    """What is bound where the walk has come to, on all ways and on some."""

    bound: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    ended: bool = False

    def copy(self) -> Paths:
        return Paths(set(self.bound), set(self.maybe), self.ended)


class Frame:
    """The state of a walk in one scope, and what is common to all that walks do."""

    def __init__(
        self,
        scopes: list[Scope],
        numbers: Iterator[int],
        folder: str | None,
        text: Callable[[ast.stmt], str | None],
        around: Surroundings = NOWHERE,
    ) -> None:
        self.operations: list[Operation] = []
        self.own: set[str] = set()
        self._scopes = scopes
        self._numbers = numbers
        self._folder = folder
        self._text = text
        self._around = around
        self._paths = Paths()
        self._sure = True
        self._certain = True
        self._loops = 0
        self._tries = 0
        self._deferred = any(scope.kind in ("function", "module") for scope in scopes)

    def body(self, statements: Sequence[ast.stmt], *, top: bool = False) -> None:
        """Walk statements; ``top`` are those of the cell itself, whose last result is shown."""
        raise NotImplementedError

    def value(self, node: ast.expr) -> Value:
        """Walk an expression; return what it may refer to."""
        raise NotImplementedError

    def _unique(self, name: str) -> str:
        unique = f"{name}@{next(self._numbers)}"
        self.own.add(unique)
        return unique

    def _lookup(self, name: str, *, past: Scope | None = None) -> str:
        """Return the name as operations call it: itself where it is global."""
        innermost = self._innermost
        for scope in reversed(self._scopes):
            if name in scope.globals:
                return name
            if scope is past or (scope.kind == "class" and scope is not innermost):
                continue
            if name in scope.names:
                return scope.names[name]
        return name

    @property
    def _innermost(self) -> Scope | None:
        return next((each for each in reversed(self._scopes) if each.kind != "handler"), None)

    def _target(self, name: str) -> str:
        """Return where an assignment goes: comprehensions bind in the scope around them."""
        for scope in reversed(self._scopes):
            if scope.kind not in ("comprehension", "handler"):
                if name in scope.globals:
                    return name
                if name in scope.names:
                    return scope.names[name]
                if scope.kind == "class":
                    return name
        return name

    def _bind(self, name: str, line: int, value: Value, imported: Import | None = None) -> None:
        if self._deferred and self._sure and "@" in name:
            name = self._renamed(name)
        self.operations.append(Bind(name, line, self._sure, value, imported))
        self._paths.bound.add(name)
        self._paths.maybe.discard(name)

    def _renamed(self, name: str) -> str:
        """Begin a new life of a function's local, so that what it was before is let go."""
        scope = next((s for s in reversed(self._scopes) if s.kind == "function"), None)
        if scope is None or name not in scope.names.values():
            return name
        given = name.partition("@")[0]
        scope.names[given] = self._unique(given)
        return scope.names[given]

    def _load(self, given: str, line: int) -> Value:
        name = self._lookup(given)
        innermost = self._innermost
        if (
            innermost is not None
            and innermost.kind == "class"
            and name == innermost.names.get(given)
            and name not in self._paths.bound
        ):
            # A class body sees the name around it until it binds its own.
            outer = self._lookup(given, past=innermost)
            return self._read(name, line) | self._read(outer, line)
        return self._read(name, line)

    def _read(self, name: str, line: int) -> Value:
        need: Literal["hard", "soft", "none"] = "hard"
        if name in self._paths.bound or "@" in name:
            need = "none"
        elif name in self._paths.maybe or self._deferred or not self._certain:
            need = "soft"
        self.operations.append(Read(name, line, need))
        return Value(frozenset({(name, False)}), fresh=False)

    def _change(
        self,
        value: Value,
        line: int,
        *,
        deep: bool = False,
        added: Value = CONSTANT,
        kept: Literal["items", "self"] = "items",
    ) -> None:
        if value.parts:
            self.operations.append(Change(value, line, deep, added, kept))

    def _peek(self, node: ast.expr) -> None:
        """Note names that are read where they exist."""
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load):
                name = self._lookup(child.id)
                need: Literal["soft", "none"] = (
                    "none" if name in self._paths.bound or "@" in name else "soft"
                )
                self.operations.append(Read(name, child.lineno, need))

    def _hold(self, value: Value, line: int) -> Value:
        """Keep a value under a name of its own, as the names that it is made of may be rebound."""
        if not value.parts:
            return value
        name = self._unique("item")
        self.operations.append(Bind(name, line, self._sure, value))
        return Value(frozenset({(name, False)}), fresh=False)

    def _branches(
        self,
        bodies: Sequence[Callable[[], object]],
        *,
        exhaustive: bool = True,
        chosen: bool = True,
    ) -> None:
        """Walk alternatives from the same start; what all of them bind is bound afterwards.

        ``chosen``: a condition decides between them, so that what one of them reads need not
        exist; a loop's body is not chosen in this sense.
        """
        start, sure, certain = self._paths, self._sure, self._certain
        self._sure = False
        self._certain = certain and not chosen
        ways = [] if exhaustive else [start.copy()]
        self.operations.append(Fork("fork"))
        for number, body in enumerate(bodies):
            if number or not exhaustive:
                self.operations.append(Fork("next"))
            self._paths = start.copy()
            body()
            ways.append(self._paths)
        self.operations.append(Fork("join"))
        self._sure, self._certain = sure, certain
        open_ways = [way for way in ways if not way.ended]
        bound = set.intersection(*(way.bound for way in open_ways or ways))
        some = set.union(*(way.bound | way.maybe for way in ways))
        self._paths = Paths(bound, some - bound, ended=not open_ways)
        if sure and (new := bound - start.bound):
            self.operations.append(Settle(tuple(sorted(new))))
