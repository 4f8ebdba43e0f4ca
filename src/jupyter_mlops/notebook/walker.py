"""From the syntax tree of a cell to its operations on names, with Python's rules of scope."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from . import mutation
from .ipython_syntax import PEEK, SHELL, WILD
from .operations import (
    CONSTANT,
    FRESH,
    Bind,
    Call,
    Change,
    Definition,
    Delete,
    Fork,
    Import,
    Operation,
    Outside,
    Read,
    Result,
    Return,
    Settle,
    Value,
    Wild,
)
from .scopes import (
    class_names,
    declared_elsewhere,
    local_names,
    parameter_defaults,
    parameter_names,
)
from .star_imports import star_names

_DEEPEST_LOOP = 3
_KEYED = ("get", "pop", "setdefault", "insert")
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


@dataclass(slots=True)
class _Scope:
    kind: Literal["function", "class", "comprehension", "handler"]
    names: dict[str, str]
    globals: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Paths:
    """What is bound where the walk has come to, on all ways and on some."""

    bound: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    ended: bool = False

    def copy(self) -> _Paths:
        return _Paths(set(self.bound), set(self.maybe), self.ended)


def operations(
    tree: ast.Module, text: Callable[[ast.stmt], str | None], folder: str | None
) -> tuple[Operation, ...]:
    """Return what a cell does; ``text`` gives the source of a statement, where it is plain."""
    walker = _Walker([], itertools.count(1), folder, text)
    walker.body(tree.body, top=True)
    return tuple(walker.operations)


class _Walker:
    def __init__(
        self,
        scopes: list[_Scope],
        numbers: Iterator[int],
        folder: str | None,
        text: Callable[[ast.stmt], str | None],
    ) -> None:
        self.operations: list[Operation] = []
        self.own: set[str] = set()
        self._scopes = scopes
        self._numbers = numbers
        self._folder = folder
        self._text = text
        self._paths = _Paths()
        self._sure = True
        self._certain = True
        self._loops = 0
        self._deferred = any(scope.kind == "function" for scope in scopes)

    # --- statements -------------------------------------------------------------------------

    def body(self, statements: Sequence[ast.stmt], *, top: bool = False) -> None:
        for index, node in enumerate(statements):
            if isinstance(node, ast.Expr):
                # The last expression of a cell is shown: its result is used.
                self._expression(node.value, used=top and index == len(statements) - 1)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node, self._text(node) if top else None)
            else:
                self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, value)
            case ast.AugAssign():
                self._augmented(node)
            case ast.AnnAssign():
                self._peek(node.annotation)
                if node.value is not None:
                    self._assign([node.target], node.value)
            case ast.Delete(targets=targets):
                for target in targets:
                    self._delete(target)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function_statement(node)
            case ast.ClassDef():
                self._class(node)
            case ast.If(test=test, body=body, orelse=orelse):
                self.value(test)
                self._branches([lambda: self.body(body), lambda: self.body(orelse)])
            case ast.For() | ast.AsyncFor():
                self._for(node)
            case ast.While(test=test, body=body, orelse=orelse):
                self.value(test)
                self._while(test, body, orelse)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.With() | ast.AsyncWith():
                self._with(node)
            case ast.Match():
                self._match(node)
            case ast.Return(value=value):
                self.operations.append(Return(self.value(value) if value else CONSTANT))
                self._paths.ended = True
            case ast.Raise():
                for child in (node.exc, node.cause):
                    if child is not None:
                        self.value(child)
                self._paths.ended = True
            case ast.Assert(test=test, msg=message):
                self.value(test)
                if message is not None:
                    self._branches([lambda: self.value(message)], exhaustive=False)
            case ast.Break() | ast.Continue():
                self._paths.ended = True
            case ast.Global() | ast.Nonlocal() | ast.Pass():
                pass
            case _:
                self._type_alias(node)

    def _assign(self, targets: Sequence[ast.expr], value: ast.expr) -> None:
        pair = targets[0] if len(targets) == 1 else None
        if (
            isinstance(pair, ast.Tuple | ast.List)
            and isinstance(value, ast.Tuple | ast.List)
            and len(pair.elts) == len(value.elts)
            and not any(isinstance(e, ast.Starred) for e in (*pair.elts, *value.elts))
        ):
            values = [self._hold(self.value(element), value.lineno) for element in value.elts]
            for target, each in zip(pair.elts, values, strict=True):
                self._store(target, each)
            return
        given = self.value(value)
        for target in targets:
            self._store(target, given)

    def _store(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self._bind(self._target(name), target.lineno, value)
            case ast.Starred(value=inner):
                self._store(inner, value.container())
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                items = self._hold(value.element(), target.lineno)
                for element in elements:
                    self._store(element, items)
            case ast.Attribute(value=inner):
                self._change(self.value(inner), target.lineno, added=value)
            case ast.Subscript(value=inner, slice=index):
                owner = self.value(inner)
                self.value(index)
                if _is_namespace(inner):
                    self.operations.append(Wild(target.lineno))
                self._change(owner, target.lineno, added=value)

    def _hold(self, value: Value, line: int) -> Value:
        """Keep a value under a name of its own, as the names that it is made of may be rebound."""
        if not value.parts:
            return value
        name = self._unique("item")
        self.operations.append(Bind(name, line, self._sure, value))
        return Value(frozenset({(name, False)}), fresh=False)

    def _augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            before = self._load(node.target.id, node.lineno)
            added = self.value(node.value)
            self._change(before, node.lineno, added=added.element())
            name = self._target(node.target.id)
            self._bind(name, node.lineno, before | added.element())
            return
        added = self.value(node.value)
        self._store(node.target, added)

    def _delete(self, target: ast.expr) -> None:
        match target:
            case ast.Name(id=given):
                self._load(given, target.lineno)
                name = self._target(given)
                self._paths.bound.discard(name)
                self._paths.maybe.discard(name)
                self.operations.append(Delete(name, target.lineno, self._sure))
            case ast.Attribute(value=inner):
                self._change(self.value(inner), target.lineno)
            case ast.Subscript(value=inner, slice=index):
                owner = self.value(inner)
                self.value(index)
                self._change(owner, target.lineno)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for element in elements:
                    self._delete(element)

    def _import(self, node: ast.Import | ast.ImportFrom, text: str | None) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                dotted = "." in alias.name and alias.asname is None
                name = alias.asname or alias.name.partition(".")[0]
                found = Import(alias.name, None, dotted, text)
                if dotted and name not in self._paths.bound:
                    # The modules that earlier imports put into it are still there.
                    self.operations.append(Read(self._target(name), node.lineno, "soft"))
                self._bind(self._target(name), node.lineno, CONSTANT, found)
            return
        module = "." * node.level + (node.module or "")
        if module == "__future__":
            return
        for alias in node.names:
            if alias.name != "*":
                found = Import(module, alias.name, False, text)
                self._bind(self._target(alias.asname or alias.name), node.lineno, CONSTANT, found)
                continue
            names = star_names(module, self._folder)
            if names is None:
                self.operations.append(Wild(node.lineno))
            for name in sorted(names or ()):
                self._bind(name, node.lineno, CONSTANT, Import(module, name, False, text))

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        items = self.value(node.iter).element()

        def once() -> None:
            self._store(node.target, items)
            self.body(node.body)

        self._loop(once, node.orelse)

    def _while(self, test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        def once() -> None:
            self.body(body)
            self.value(test)

        self._loop(once, orelse)

    def _loop(self, once: Callable[[], object], orelse: Sequence[ast.stmt]) -> None:
        # Twice, so that what one turn leaves is met by the next.
        twice = not self._deferred and self._loops < _DEEPEST_LOOP
        self._loops += 1
        for _ in range(2 if twice else 1):
            self._branches([once], exhaustive=False, chosen=False)
        self._loops -= 1
        self._branches([lambda: self.body(orelse)], exhaustive=False, chosen=False)
        self._paths.ended = False

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        if not node.handlers:
            self.body(node.body)
            self.body(node.finalbody)
            return
        start = self._paths.copy()
        touched: set[str] = set()

        def body() -> None:
            self.body(node.body)
            touched.update(self._paths.bound | self._paths.maybe)
            self.body(node.orelse)

        def handle(handler: ast.ExceptHandler) -> None:
            self._paths.maybe |= touched - start.bound
            if handler.type is not None:
                self.value(handler.type)
            if handler.name is None:
                self.body(handler.body)
                return
            # The name lives in the handler only.
            local = self._unique(handler.name)
            self._scopes.append(_Scope("handler", {handler.name: local}))
            self._bind(local, handler.lineno, FRESH)
            self.body(handler.body)
            self._scopes.pop()

        self._branches([body, *(partial(handle, each) for each in node.handlers)])
        ended, self._paths.ended = self._paths.ended, False
        self.body(node.finalbody)
        self._paths.ended |= ended

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        suppresses = False
        for item in node.items:
            value = self.value(item.context_expr)
            suppresses |= _suppresses(item.context_expr)
            if item.optional_vars is not None:
                self._store(item.optional_vars, value)
        if suppresses:
            self._branches([lambda: self.body(node.body)], exhaustive=False, chosen=False)
        else:
            self.body(node.body)

    def _match(self, node: ast.Match) -> None:
        subject = self.value(node.subject).element()

        def case(each: ast.match_case) -> None:
            self._pattern(each.pattern, subject)
            if each.guard is not None:
                self.value(each.guard)
            self.body(each.body)

        last = node.cases[-1]
        total = last.guard is None and _is_irrefutable(last.pattern)
        self._branches([partial(case, each) for each in node.cases], exhaustive=total)

    def _pattern(self, pattern: ast.pattern, subject: Value) -> None:
        for child in ast.walk(pattern):
            match child:
                case ast.MatchValue(value=value):
                    self.value(value)
                case ast.MatchClass(cls=cls):
                    self.value(cls)
                case ast.MatchMapping(keys=keys, rest=rest):
                    for key in keys:
                        self.value(key)
                    if rest is not None:
                        self._bind(self._target(rest), child.lineno, subject)
                case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    self._bind(self._target(name), child.lineno, subject)

    def _type_alias(self, node: ast.stmt) -> None:
        # `type X = ...`, of Python 3.12: its value is evaluated when it is asked for.
        name = getattr(node, "name", None)
        value = getattr(node, "value", None)
        if isinstance(name, ast.Name) and isinstance(value, ast.expr):
            parameters = {_type_parameter(each): "" for each in getattr(node, "type_params", ())}
            definition = self._deferred_code(name.id, node.lineno, value, parameters)
            self._bind(self._target(name.id), node.lineno, _code(definition))

    # --- paths ------------------------------------------------------------------------------

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
        self._paths = _Paths(bound, some - bound, ended=not open_ways)
        if sure and (new := bound - start.bound):
            self.operations.append(Settle(tuple(sorted(new))))

    # --- names ------------------------------------------------------------------------------

    def _unique(self, name: str) -> str:
        unique = f"{name}@{next(self._numbers)}"
        self.own.add(unique)
        return unique

    def _lookup(self, name: str, *, past: _Scope | None = None) -> str:
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
    def _innermost(self) -> _Scope | None:
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

    # --- expressions ------------------------------------------------------------------------

    def _expression(self, node: ast.expr, *, used: bool) -> None:
        inner = node.value if isinstance(node, ast.Await) else node
        if isinstance(inner, ast.Call):
            self._call(inner, used=used)
        else:
            self.value(node)

    def value(self, node: ast.expr) -> Value:
        """Walk an expression; return what it may refer to."""
        match node:
            case ast.Constant():
                return CONSTANT
            case ast.Name(id=name):
                return self._load(name, node.lineno)
            case ast.Attribute(value=inner):
                return self.value(inner).element()
            case ast.Subscript(value=inner, slice=index):
                owner = self.value(inner)
                self.value(index)
                return owner.element()
            case ast.Call():
                return self._call(node, used=True)
            case ast.NamedExpr(target=target, value=inner):
                value = self.value(inner)
                self._bind(self._target(target.id), node.lineno, value)
                return value
            case ast.Lambda():
                return self._lambda(node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value(test)
                return self._alternatives([body, orelse])
            case ast.BoolOp(values=values):
                first = self.value(values[0])
                return first | self._alternatives(values[1:], exhaustive=False)
            case ast.BinOp(left=left, op=operator, right=right):
                both = self.value(left) | self.value(right)
                # Lists, dicts and sets that are joined keep their items.
                joins = isinstance(operator, ast.Add | ast.BitOr | ast.Mult)
                return both.container() if joins else FRESH
            case ast.Compare() | ast.UnaryOp() | ast.JoinedStr() | ast.FormattedValue():
                self._children(node)
                return FRESH
            case ast.Yield(value=inner) | ast.YieldFrom(value=inner) if inner is not None:
                self.operations.append(Return(self.value(inner).container()))
                return FRESH
            case ast.Starred(value=inner):
                return self.value(inner).element()
            case ast.Await(value=inner):
                return self.value(inner)
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                return self._children(node).container()
            case _:
                return self._children(node)

    def _children(self, node: ast.expr) -> Value:
        value = FRESH
        if isinstance(node, ast.Compare):
            self.value(node.left)
            self.value(node.comparators[0])
            for later in node.comparators[1:]:
                self._alternatives([later], exhaustive=False)
            return value
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                value |= self.value(child)
        return value

    def _alternatives(self, nodes: Sequence[ast.expr], *, exhaustive: bool = True) -> Value:
        found: list[Value] = []

        def walk(node: ast.expr) -> None:
            found.append(self.value(node))

        self._branches([partial(walk, node) for node in nodes], exhaustive=exhaustive)
        value = found[0]
        for each in found[1:]:
            value |= each
        return value

    def _comprehension(self, node: _Comprehension) -> Value:
        first = self.value(node.generators[0].iter).element()
        results: list[Value] = []

        def inside() -> None:
            items = first
            for index, generator in enumerate(node.generators):
                if index:
                    items = self.value(generator.iter).element()
                self._bind_comprehension(generator.target, scope, items)
                for condition in generator.ifs:
                    self.value(condition)
            shown = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            results.extend(self.value(each).container() for each in shown)

        scope = _Scope("comprehension", {})
        self._scopes.append(scope)
        self._branches([inside], exhaustive=False, chosen=False)
        self._scopes.pop()
        value = FRESH
        for each in results:
            value |= each
        return value

    def _bind_comprehension(self, target: ast.expr, scope: _Scope, items: Value) -> None:
        for child in ast.walk(target):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                scope.names[child.id] = self._unique(child.id)
                self._bind(scope.names[child.id], child.lineno, items)

    # --- calls ------------------------------------------------------------------------------

    def _call(self, node: ast.Call, *, used: bool) -> Value:
        function = node.func
        line = node.lineno
        if isinstance(function, ast.Name) and function.id in (PEEK, SHELL, WILD):
            return self._ipython(node, function.id)
        name: str | None = None
        method: str | None = None
        if isinstance(function, ast.Name):
            name = self._lookup(function.id)
            receiver = self._load(function.id, line)
        elif isinstance(function, ast.Attribute):
            method = function.attr
            receiver = self.value(function.value)
        else:
            receiver = self.value(function)
        arguments = self._arguments(node)
        given = CONSTANT
        # A key is not what is put in, and not what comes back.
        for _, value in arguments[1:] if method in _KEYED else arguments:
            given |= value
        self._effects(node, method or name or "", receiver, arguments, given, used)
        self.operations.append(Call(name, method, receiver, arguments, line))
        return _result(name, method, receiver, given)

    def _arguments(self, node: ast.Call) -> tuple[tuple[int | str | None, Value], ...]:
        found: list[tuple[int | str | None, Value]] = []
        spread = False
        for index, argument in enumerate(node.args):
            spread |= isinstance(argument, ast.Starred)
            found.append((None if spread else index, self.value(argument)))
        found += [(keyword.arg, self.value(keyword.value)) for keyword in node.keywords]
        return tuple(found)

    def _effects(
        self,
        node: ast.Call,
        called: str,
        receiver: Value,
        arguments: tuple[tuple[int | str | None, Value], ...],
        given: Value,
        used: bool,
    ) -> None:
        line = node.lineno
        if called in mutation.WRITES_OUTSIDE or _opens_for_writing(node, called):
            self.operations.append(Outside("writes", line))
        elif called in mutation.READS_OUTSIDE:
            self.operations.append(Outside("reads", line))
        if isinstance(node.func, ast.Name) and called in ("exec", "execfile"):
            self.operations.append(Wild(line))
        if called in mutation.ARGUMENT_CHANGERS and arguments:
            self._change(arguments[0][1], line, deep=True, added=given)
        for keyword, value in arguments:
            if keyword == "out":
                self._change(value, line)
        if not isinstance(node.func, ast.Attribute):
            return
        if _is_namespace(node.func.value) and called in ("update", "setdefault", "__setitem__"):
            self.operations.append(Wild(line))
        in_place = any(k.arg == "inplace" and not _is_false(k.value) for k in node.keywords)
        if called in mutation.CONTAINER_METHODS:
            self._change(receiver, line, added=given)
        elif (
            in_place
            or called in mutation.MUTATING_METHODS
            or (not used and called not in mutation.PURE_METHODS)
        ):
            self._change(receiver, line, deep=True, added=given, kept="self")

    def _ipython(self, node: ast.Call, name: str) -> Value:
        for argument in node.args:
            self._peek(argument)
        if name in (SHELL, WILD):
            self.operations.append(Outside("writes", node.lineno))
        if name == WILD:
            self.operations.append(Wild(node.lineno))
        return FRESH

    # --- code that runs later ---------------------------------------------------------------

    def _function_statement(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        value = FRESH
        for decorator in node.decorator_list:
            value |= self._decorated(decorator)
        definition, defaults = self._function(node, node.name, node.body)
        decorated = value | defaults.container() | _code(definition)
        for decorator in node.decorator_list:
            # A decorator may keep the function: in a registry, in an application.
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(called, ast.Attribute):
                self._change(self.value(called.value), decorator.lineno, added=decorated)
            elif isinstance(decorator, ast.Name):
                name = self._lookup(decorator.id)
                self.operations.append(Call(name, None, value, ((0, decorated),), decorator.lineno))
        self._bind(self._target(node.name), node.lineno, decorated)

    def _decorated(self, decorator: ast.expr) -> Value:
        value = self.value(decorator)
        if isinstance(decorator, ast.Name):
            return value | Value(frozenset({(Result(self._lookup(decorator.id)), False)}))
        return value

    def _lambda(self, node: ast.Lambda) -> Value:
        definition, defaults = self._function(node, "<lambda>", node.body)
        return _code(definition) | defaults.container()

    def _function(
        self, node: _Function, name: str, body: list[ast.stmt] | ast.expr
    ) -> tuple[Definition, Value]:
        arguments = node.args
        defaults = FRESH
        changeable: set[str] = set()
        for parameter, default in parameter_defaults(arguments):
            value = self.value(default)
            defaults |= value
            if value.fresh or value.parts:
                changeable.add(parameter)
        annotated = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        annotated += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
        notes = [each.annotation for each in annotated]
        notes.append(getattr(node, "returns", None))
        for note in notes:
            if note is not None:
                self._peek(note)
        outside = declared_elsewhere(body)
        names = {each: self._unique(each) for each in local_names(node, body) - outside.all}
        definition = self._code_of(name, node.lineno, names, outside.globals, body)
        positional = parameter_names(arguments)
        rest = [each.arg for each in (arguments.vararg, arguments.kwarg) if each is not None]
        return (
            Definition(
                name,
                "function",
                node.lineno,
                {each: names[each] for each in positional},
                tuple(names[each] for each in rest),
                frozenset(names[each] for each in changeable),
                definition.operations,
                definition.own,
            ),
            defaults,
        )

    def _deferred_code(
        self, name: str, line: int, value: ast.expr, names: dict[str, str]
    ) -> Definition:
        return self._code_of(
            name, line, {each: self._unique(each) for each in names}, frozenset(), value
        )

    def _code_of(
        self,
        name: str,
        line: int,
        names: dict[str, str],
        globals_: frozenset[str],
        body: list[ast.stmt] | ast.expr,
    ) -> Definition:
        before = frozenset(names.values())
        scope = _Scope("function", dict(names), globals_)
        inner = _Walker([*self._scopes, scope], self._numbers, self._folder, lambda _: None)
        if isinstance(body, list):
            inner.body(body)
        else:
            inner.operations.append(Return(inner.value(body)))
        inner.own |= before
        definition = Definition(
            name,
            "function",
            line,
            operations=tuple(inner.operations),
            own=frozenset(inner.own),
        )
        if self._deferred:
            self.own |= inner.own
            # A function inside a function is run with it, as far as its effects are concerned.
            self.operations += [
                each for each in definition.operations if not isinstance(each, Return)
            ]
        return definition

    def _class(self, node: ast.ClassDef) -> None:
        value = FRESH
        for decorator in node.decorator_list:
            value |= self._decorated(decorator)
        for base in (*node.bases, *(keyword.value for keyword in node.keywords)):
            value |= self.value(base).container()
        outside = declared_elsewhere(node.body)
        names = {each: self._unique(each) for each in class_names(node) - outside.all}
        self._scopes.append(_Scope("class", names, outside.globals))
        start = len(self.operations)
        self.body(node.body)
        self._scopes.pop()
        methods: dict[str, Definition] = {}
        held = FRESH
        for operation in self.operations[start:]:
            if isinstance(operation, Bind):
                held |= operation.value.container()
                for source, _ in operation.value.own:
                    if isinstance(source, Definition):
                        methods[source.name] = source
        definition = Definition(
            node.name,
            "class",
            node.lineno,
            operations=tuple(
                each
                for method in methods.values()
                for each in method.operations
                if not isinstance(each, Return)
            ),
            own=frozenset().union(*(method.own for method in methods.values()), names.values()),
            methods=methods,
        )
        made = value | held | _code(definition)
        self._bind(self._target(node.name), node.lineno, made)


def _code(definition: Definition) -> Value:
    return Value(frozenset({(definition, False)}))


def _result(name: str | None, method: str | None, receiver: Value, given: Value) -> Value:
    if method is not None:
        if method in mutation.FRESH_METHODS and not (method == "copy" and given.parts):
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


def _opens_for_writing(node: ast.Call, called: str) -> bool:
    if called != "open":
        return False
    mode: ast.expr | None = next((k.value for k in node.keywords if k.arg == "mode"), None)
    position = 1 if isinstance(node.func, ast.Name) else 0
    if mode is None and len(node.args) > position:
        mode = node.args[position]
    if mode is None:
        return False
    is_text = isinstance(mode, ast.Constant) and isinstance(mode.value, str)
    return not (is_text and not set(ast.literal_eval(mode)) & set("wax+"))


def _suppresses(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("suppress", "raises")


def _is_namespace(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("globals", "locals", "vars")
        and not node.args
    )


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _is_irrefutable(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return any(_is_irrefutable(each) for each in pattern.patterns)
    return isinstance(pattern, ast.MatchAs) and (
        pattern.pattern is None or _is_irrefutable(pattern.pattern)
    )


def _type_parameter(node: object) -> str:
    return str(getattr(node, "name", ""))
