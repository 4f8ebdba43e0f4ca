"""From the syntax tree of a cell to its operations on names, with Python's rules of scope."""

from __future__ import annotations

import ast
import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from .calls import is_namespace, suppresses
from .expressions import Expressions, code_value
from .frame import NOWHERE, Scope
from .implicit import BINARY, ITERATES, OF_ARGUMENTS, SHOWS
from .meanings import CONVENTIONAL, meanings
from .operations import (
    CONSTANT,
    FRESH,
    Bind,
    Call,
    Definition,
    Delete,
    Import,
    Operation,
    Read,
    Result,
    Return,
    Value,
    Wild,
)
from .scopes import bound_names, class_names, declared_elsewhere
from .siblings import sibling
from .star_imports import star_names
from .surroundings import Surroundings

_DEEPEST_LOOP = 3
_DEEPEST_TRY = 3


def operations(
    tree: ast.Module,
    text: Callable[[ast.stmt], str | None],
    folder: str | None,
    around: Surroundings = NOWHERE,
) -> tuple[Operation, ...]:
    """Return what a cell does; ``text`` gives the source of a statement, where it is plain."""
    walker = _Walker([], itertools.count(1), folder, text, around)
    walker.body(tree.body, top=True)
    return tuple(walker.operations)


class _Walker(Expressions):
    # --- statements -------------------------------------------------------------------------

    def body(self, statements: Sequence[ast.stmt], *, top: bool = False) -> None:
        for index, node in enumerate(statements):
            if isinstance(node, ast.Expr):
                # The last expression of a cell is shown: its result is used.
                shown = top and index == len(statements) - 1
                value = self._expression(node.value, used=shown)
                if shown:
                    self._unasked(SHOWS, value, node.lineno)
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
                self.test(test)
                self._branches([lambda: self.body(body), lambda: self.body(orelse)])
            case ast.For() | ast.AsyncFor():
                self._for(node)
            case ast.While(test=test, body=body, orelse=orelse):
                self.test(test)
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
                self.test(test)
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
                self._unasked(ITERATES, value, target.lineno)
                items = self._hold(value.element(), target.lineno)
                for element in elements:
                    self._store(element, items)
            case ast.Attribute(value=inner, attr=name):
                owner = self.value(inner)
                self._unasked((name, "__setattr__", "__set__"), owner, target.lineno, value)
                self._change(owner, target.lineno, added=value)
            case ast.Subscript(value=inner, slice=index):
                entry = self._entry(inner, index)
                if entry is not None:
                    self._bind(entry, target.lineno, value)
                    return
                owner = self.value(inner)
                self.value(index)
                if is_namespace(inner):
                    self.operations.append(Wild(target.lineno))
                self._unasked(("__setitem__",), owner, target.lineno, value)
                self._change(owner, target.lineno, added=value)

    def _augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            before = self._load(node.target.id, node.lineno)
            added = self.value(node.value)
            method = BINARY[type(node.op)]
            words = (f"__i{method}__", f"__{method}__")
            hooked = self._unasked(words, before, node.lineno, added)
            hooked |= self._unasked((f"__r{method}__",), added, node.lineno, before)
            self._change(before, node.lineno, added=added.element())
            name = self._target(node.target.id)
            after = before | added.element()
            self._bind(name, node.lineno, after | before.element() | added if hooked else after)
            return
        added = self.value(node.value)
        self._store(node.target, added)

    def _delete(self, target: ast.expr) -> None:
        match target:
            case ast.Name(id=given):
                self._load(given, target.lineno)
                self._drop(self._target(given), target.lineno)
            case ast.Attribute(value=inner, attr=name):
                owner = self.value(inner)
                self._unasked((name, "__delattr__"), owner, target.lineno)
                self._change(owner, target.lineno)
            case ast.Subscript(value=inner, slice=index):
                entry = self._entry(inner, index)
                if entry is not None:
                    self._read(entry, target.lineno)
                    self._drop(entry, target.lineno)
                    return
                owner = self.value(inner)
                self.value(index)
                self._unasked(("__delitem__",), owner, target.lineno)
                self._change(owner, target.lineno)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for element in elements:
                    self._delete(element)

    def _drop(self, name: str, line: int) -> None:
        self._paths.bound.discard(name)
        self._paths.maybe.discard(name)
        self.operations.append(Delete(name, line, self._sure))

    def _run_text(self, statements: list[ast.stmt]) -> None:
        if self._innermost is None:
            self.body(statements)
            return
        # What it binds inside a function is gone behind it.
        names = {each: self._unique(each) for each in bound_names(statements)}
        self._code_of(
            "<text>", statements[0].lineno if statements else 0, names, frozenset(), statements
        )

    def _import(self, node: ast.Import | ast.ImportFrom, text: str | None) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                dotted = "." in alias.name and alias.asname is None
                name = alias.asname or alias.name.partition(".")[0]
                found = Import(alias.name, None, dotted, text)
                if dotted and name not in self._paths.bound:
                    # The modules that earlier imports put into it are still there.
                    self.operations.append(Read(self._target(name), node.lineno, "soft"))
                code = None if dotted else self._beside(alias.name)
                value = CONSTANT if code is None else _constant(code)
                self._bind(self._target(name), node.lineno, value, found)
            return
        module = "." * node.level + (node.module or "")
        code = self._beside(module)
        values = {n: _constant(each) for n, each in code.methods.items()} if code else {}
        for alias in node.names:
            if alias.name != "*":
                found = Import(module, alias.name, False, text)
                value = values.get(alias.name, CONSTANT)
                self._bind(self._target(alias.asname or alias.name), node.lineno, value, found)
                continue
            names = star_names(module, self._folder)
            if names is None:
                self.operations.append(Wild(node.lineno))
            for name in sorted(names or ()):
                value = values.get(name, CONSTANT)
                self._bind(name, node.lineno, value, Import(module, name, False, text))

    def _beside(self, module: str) -> Definition | None:
        """Return the code of a module beside the notebook, and take its functions as known."""
        path = sibling(module, self._folder)
        reading = self._around.reading
        if path is None or module in reading or (self._deferred and not reading):
            return None
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            return None
        code = _module(module, path, changed, replace(self._around, folder=self._folder))
        if code is not None:
            self.operations += code.operations
        return code

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        pairs = self._items(node.iter, node.target)

        def once() -> None:
            for target, value in pairs:
                self._store(target, value)
            self.body(node.body)

        self._loop(once, node.orelse)

    def _while(self, test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        def once() -> None:
            self.body(body)
            self.test(test)

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

        def begun(statements: Sequence[ast.stmt]) -> None:
            # The body may have ended behind each of its statements, with what that had left.
            if statements:
                self.body(statements[:1])
                self._branches([lambda: begun(statements[1:])], exhaustive=False, chosen=False)

        def handle(handler: ast.ExceptHandler) -> None:
            if self._tries < _DEEPEST_TRY:
                self._tries += 1
                self._branches([lambda: begun(node.body)], exhaustive=False, chosen=False)
                self._tries -= 1
                self._paths.ended = False
            self._paths.maybe |= touched - start.bound
            if handler.type is not None:
                self.value(handler.type)
            if handler.name is None:
                self.body(handler.body)
                return
            # The name lives in the handler only.
            local = self._unique(handler.name)
            self._scopes.append(Scope("handler", {handler.name: local}))
            self._bind(local, handler.lineno, FRESH)
            self.body(handler.body)
            self._scopes.pop()

        self._branches([body, *(partial(handle, each) for each in node.handlers)])
        ended, self._paths.ended = self._paths.ended, False
        self.body(node.finalbody)
        self._paths.ended |= ended

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        may_end_early = False
        for item in node.items:
            value = self.value(item.context_expr)
            early = self._may_suppress(item.context_expr)
            may_end_early |= early
            self._unasked(("__enter__", "__exit__", "__aenter__", "__aexit__"), value, node.lineno)
            if item.optional_vars is not None:
                self._store(item.optional_vars, value | value.element() if early else value)
        if may_end_early:
            self._branches([lambda: self.body(node.body)], exhaustive=False, chosen=False)
        else:
            self.body(node.body)

    def _may_suppress(self, node: ast.expr) -> bool:
        """Tell whether code after a ``with`` block may run despite an error in the block."""
        if suppresses(node):
            return True
        called = node.func if isinstance(node, ast.Call) else node
        hooked = not self._around.classes.hooks.isdisjoint(("__exit__", "__aexit__"))
        if not isinstance(called, ast.Name):
            return hooked
        known = self._around.names.get(called.id, "")
        return hooked or (isinstance(node, ast.Call) and known.startswith("<notebook>"))

    def _match(self, node: ast.Match) -> None:
        given = self.value(node.subject)
        self._unasked(OF_ARGUMENTS, given, node.lineno)
        subject = given.element()

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
            self._bind(self._target(name.id), node.lineno, code_value(definition))

    def _function_statement(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        value = FRESH
        for decorator in node.decorator_list:
            value |= self._decorated(decorator)
        definition, defaults = self._function(node, node.name, node.body)
        decorated = value | defaults.container() | code_value(definition)
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

    def _class(self, node: ast.ClassDef) -> None:
        value = FRESH
        for decorator in node.decorator_list:
            value |= self._decorated(decorator)
        for base in (*node.bases, *(keyword.value for keyword in node.keywords)):
            value |= self.value(base).container()
        outside = declared_elsewhere(node.body)
        names = {each: self._unique(each) for each in class_names(node) - outside.all}
        self._scopes.append(Scope("class", names, outside.globals, node.name))
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
            remembers=node.name in self._around.classes.stateful,
        )
        made = value | held | code_value(definition)
        self._bind(self._target(node.name), node.lineno, made)


@lru_cache(maxsize=64)
def _module(name: str, path: Path, changed: int, around: Surroundings) -> Definition | None:
    """Read a module as code that may run, of which nothing runs by itself."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    known = {**CONVENTIONAL, **meanings(tree)}
    around = replace(around, names=known, reading=around.reading | {name})
    names = {each: f"{name}@{each}" for each in bound_names(tree.body)}
    scope = Scope("module", names)
    # Numbers that no cell comes to.
    walker = _Walker([scope], itertools.count(1_000_000), around.folder, lambda _: None, around)
    walker.body(tree.body)
    own = frozenset(names.values())
    binds: list[Operation] = []
    methods: dict[str, Definition] = {}
    for operation in walker.operations:
        if not isinstance(operation, Bind):
            continue
        module, _, each = operation.name.partition("@")
        codes = [source for source, _ in operation.value.own if isinstance(source, Definition)]
        for code in codes if not each.isdigit() else ():
            beside = _as_beside(code, own)
            found = Import(module, each, False, None)
            binds.append(Bind(operation.name, 0, False, _constant(beside), found))
            if module == name:
                methods[each] = beside
    every = own | {bind.name for bind in binds if isinstance(bind, Bind)}
    return Definition(
        name, "module", 0, operations=tuple(binds), own=every, methods=methods, beside=True
    )


def _as_beside(code: Definition, names: frozenset[str]) -> Definition:
    # What a module keeps for itself is not seen by the notebook.
    methods = {each: _as_beside(method, names) for each, method in code.methods.items()}
    return replace(code, own=code.own | names, methods=methods, beside=True)


def _constant(code: Definition) -> Value:
    return replace(code_value(code), fresh=False)


def _is_irrefutable(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return any(_is_irrefutable(each) for each in pattern.patterns)
    return isinstance(pattern, ast.MatchAs) and (
        pattern.pattern is None or _is_irrefutable(pattern.pattern)
    )


def _type_parameter(node: object) -> str:
    return str(getattr(node, "name", ""))
