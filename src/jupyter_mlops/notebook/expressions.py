"""From expressions to operations on names: what is read, called, and kept for later."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import partial

from .._random_state import NAMES
from .calls import ITERATORS, Arguments, effects_of_call, result_of_call
from .frame import Scope
from .implicit import BINARY, COMPARISONS, ITERATES, OF_ARGUMENTS, OF_BUILTINS, PRINTS, TESTS
from .ipython_syntax import PEEK, SHELL, WILD
from .meanings import dotted
from .mutation import CONTAINER_METHODS
from .names_in_text import NamesInText
from .operations import (
    CONSTANT,
    FRESH,
    ITERATOR,
    Call,
    ClassOf,
    Definition,
    Outside,
    Read,
    Result,
    Return,
    Value,
    Wild,
)
from .randomness import FITTING, Generator, draw_of, seed_of
from .scopes import declared_elsewhere, local_names, parameter_defaults, parameter_names
from .siblings import sibling

_REMEMBERS = re.compile(r"cache|memo|once|singleton", re.IGNORECASE)
_OWN = ("self@", "cls@")
_KEYED = ("get", "pop", "setdefault", "insert")
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


class Expressions(NamesInText):
    """Walks expressions, and the bodies of functions in a walk of their own."""

    def _expression(self, node: ast.expr, *, used: bool) -> Value:
        inner = node.value if isinstance(node, ast.Await) else node
        if isinstance(inner, ast.Call):
            return self._call(inner, used=used)
        return self.value(node)

    def value(self, node: ast.expr) -> Value:
        """Walk an expression; return what it may refer to."""
        match node:
            case ast.Constant():
                return CONSTANT
            case ast.Name(id=name):
                if name == "open":
                    # Called elsewhere, under another name.
                    self.operations.append(Outside("writes", node.lineno))
                return self._load(name, node.lineno)
            case ast.Attribute(value=inner, attr=name):
                return self._attribute(inner, name, node.lineno)
            case ast.Subscript(value=inner, slice=index):
                entry = self._entry(inner, index)
                if entry is not None:
                    return self._read(entry, node.lineno)
                owner = self.value(inner)
                key = self.value(index)
                self._unasked(("__getitem__", "__missing__"), owner, node.lineno, key)
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
                self.test(test)
                return self._alternatives([body, orelse])
            case ast.BoolOp(values=values):
                first = self.test(values[0])
                return first | self._alternatives(values[1:], exhaustive=False)
            case ast.BinOp(left=left, op=operator, right=right):
                one, other = self.value(left), self.value(right)
                both = one | other
                name = BINARY[type(operator)]
                mine = self._unasked((f"__{name}__",), one, node.lineno, other)
                theirs = self._unasked((f"__r{name}__",), other, node.lineno, one)
                # Lists, dicts and sets that are joined keep their items.
                joins = isinstance(operator, ast.Add | ast.BitOr | ast.Mult)
                made = both.container() if joins else FRESH
                return made | both | both.element() if mine or theirs else made
            case ast.Compare():
                self._compare(node)
                return FRESH
            case ast.UnaryOp(operand=inner):
                value = self.value(inner)
                words = ("__neg__", "__pos__", "__invert__", *TESTS)
                hooked = self._unasked(words, value, node.lineno)
                return FRESH | value | value.element() if hooked else FRESH
            case ast.JoinedStr():
                self._children(node)
                return FRESH
            case ast.FormattedValue():
                value = self._children(node)
                self._unasked(PRINTS, value, node.lineno)
                return FRESH
            case ast.Yield(value=inner) | ast.YieldFrom(value=inner) if inner is not None:
                self.operations.append(Return(self.value(inner).container()))
                return FRESH
            case ast.Starred(value=inner):
                return self.iterated(inner)
            case ast.Await(value=inner):
                return self.value(inner)
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                return self._children(node).container()
            case _:
                return self._children(node)

    def _children(self, node: ast.expr) -> Value:
        value = FRESH
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                value |= self.value(child)
        return value

    def _compare(self, node: ast.Compare) -> None:
        if self._asked_for(node):
            return
        first, second = self.value(node.left), self.value(node.comparators[0])
        both = first | second
        for later in node.comparators[1:]:
            both |= self._alternatives([later], exhaustive=False)
        self._unasked(COMPARISONS, both, node.lineno, both)

    def _attribute(self, inner: ast.expr, name: str, line: int) -> Value:
        owner = self.value(inner)
        classes = self._around.classes
        self._unasked((name, "__getattr__", "__getattribute__"), owner, line)
        value = owner.element()
        if name in classes.methods or name in CONTAINER_METHODS:
            value |= self._lambda(_bound_method(inner, name, line))
        if name in CONTAINER_METHODS:
            # Handed to what will call it.
            self._change(owner, line)
        if name == "__class__":
            return value | self._class_of(inner, owner, tuple(classes.derived), line)
        if name in classes.shared:
            found = self._class_of(inner, owner, classes.shared[name], line)
            return value | found.element()
        return value

    def _class_of(self, node: ast.expr, owner: Value, names: tuple[str, ...], line: int) -> Value:
        """Return the notebook's classes of these names that an object may be of."""
        lexical = self._class_around
        if lexical and isinstance(node, ast.Name) and node.id in ("self", "cls"):
            known = self._around.classes.derived
            names = tuple(n for n in names if n in known.get(lexical, ()) or lexical in known[n])
        if not names:
            return CONSTANT
        if self._deferred:
            for name in names:
                self.operations.append(Read(name, line, "soft"))
            return Value(frozenset((name, False) for name in names), fresh=False)
        owners = frozenset(source for source, _ in owner.parts if isinstance(source, str))
        return Value(frozenset({(ClassOf(names, owners), False)}), fresh=False)

    @property
    def _class_around(self) -> str:
        return next((s.title for s in reversed(self._scopes) if s.kind == "class"), "")

    def _unasked(self, methods: Sequence[str], receiver: Value, line: int, *given: Value) -> bool:
        """Call those methods that the notebook's classes may have, and Python calls by itself."""
        hooks = self._around.classes.hooks
        if not hooks:
            return False
        mine = all(not deep and str(source).startswith(_OWN) for source, deep in receiver.own)
        if self._class_around and mine and receiver.own and not receiver.held:
            hooks = self._around.classes.of_family(self._class_around)
        found = [name for name in methods if name in hooks]
        for name in found if receiver.parts else ():
            arguments = tuple(enumerate(given))
            self.operations.append(Call(None, name, receiver, arguments, line))
        return bool(found)

    def test(self, node: ast.expr) -> Value:
        """Walk an expression of which the truth is asked."""
        value = self.value(node)
        self._unasked(TESTS, value, node.lineno)
        return value

    def iterated(self, node: ast.expr) -> Value:
        """Walk an expression that is gone through; return what its items may be."""
        value = self.value(node)
        self._unasked(ITERATES, value, node.lineno)
        return value.element()

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
        first = self._items(node.generators[0].iter, node.generators[0].target)
        results: list[Value] = []

        def inside() -> None:
            pairs = first
            for index, generator in enumerate(node.generators):
                if index:
                    pairs = self._items(generator.iter, generator.target)
                for target, value in pairs:
                    self._bind_comprehension(target, scope, value)
                for condition in generator.ifs:
                    self.test(condition)
            shown = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            results.extend(self.value(each).container() for each in shown)

        scope = Scope("comprehension", {})
        self._scopes.append(scope)
        self._branches([inside], exhaustive=False, chosen=False)
        self._scopes.pop()
        value = FRESH
        for each in results:
            value |= each
        return value

    def _items(self, node: ast.expr, target: ast.expr) -> list[tuple[ast.expr, Value]]:
        """Walk what a loop goes over; return the parts of its target with what each may be."""
        if isinstance(target, ast.Tuple | ast.List):
            starred = any(isinstance(each, ast.Starred) for each in target.elts)
            columns = None if starred else self._columns(node, len(target.elts))
            if columns is not None:
                return list(zip(target.elts, columns, strict=True))
        return [(target, self.iterated(node))]

    def _columns(self, node: ast.expr, width: int) -> list[Value] | None:
        """Walk what gives tuples; return what may stand in each place, where that can be told."""
        columns: list[Value]
        match node:
            case ast.Call(func=ast.Name(id="zip", lineno=line), args=args) if len(args) == width:
                if any(isinstance(each, ast.Starred) for each in args):
                    return None
                self._load("zip", line)
                columns = [self.iterated(each) for each in args]
            case ast.Call(func=ast.Name(id="enumerate", lineno=line), args=[first, *_]):
                if width != 2:
                    return None
                self._load("enumerate", line)
                columns = [CONSTANT, self.iterated(first)]
            case ast.Call(func=ast.Attribute(value=inner, attr="items"), args=[]) if width == 2:
                columns = [CONSTANT, self.value(inner).element()]
            case ast.Tuple(elts=rows) | ast.List(elts=rows) if rows:
                cells = [row.elts for row in rows if isinstance(row, ast.Tuple | ast.List)]
                flat = [each for row in cells for each in row]
                if len(cells) < len(rows) or any(len(row) != width for row in cells):
                    return None
                if any(isinstance(each, ast.Starred) for each in flat):
                    return None
                columns = [CONSTANT] * width
                for row in cells:
                    columns = [
                        known | self.value(each) for known, each in zip(columns, row, strict=True)
                    ]
            case _:
                return None
        return [self._hold(each, node.lineno) for each in columns]

    def _bind_comprehension(self, target: ast.expr, scope: Scope, items: Value) -> None:
        for child in ast.walk(target):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                scope.names[child.id] = self._unique(child.id)
                self._bind(scope.names[child.id], child.lineno, items)

    def _call(self, node: ast.Call, *, used: bool) -> Value:
        function = node.func
        line = node.lineno
        if isinstance(function, ast.Name) and function.id in (PEEK, SHELL, WILD):
            return self._ipython(node, function.id)
        found = self._text_call(node)
        if found is not None:
            return found
        bound = _partial(node)
        if bound is not None:
            self.value(function)
            self.value(node.args[0])  # what a lambda would only look up when it is called
            return self._lambda(bound)
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
        called = method or name or ""
        self._read_in_text(node, called)
        path = self._path(function)
        effects = effects_of_call(node, called, receiver, arguments, given, used=used, path=path)
        self.operations += effects
        if self._around.seeded:
            self._random(node, called)
        self.operations.append(Call(name, method, receiver, arguments, line))
        if name in ITERATORS or path.startswith("itertools."):
            return given.container() | code_value(ITERATOR)
        own = method is not None and (
            method in self._around.classes.methods or any(k.arg == "copy" for k in node.keywords)
        )
        result = result_of_call(name, "" if own else method, receiver, given, path)
        if name == "sum" and (len(node.args) > 1 or node.keywords or self._around.classes.hooks):
            result |= given.element()
        if name == "type" and len(node.args) > 1:
            result |= given | given.container()
        if self._around.classes.hooks:
            if method is None and self._unasked(("__call__",), receiver, line, given):
                result |= receiver.element()
            words = OF_BUILTINS.get(called, OF_ARGUMENTS) if not path else OF_ARGUMENTS
            self._unasked(words, given, line)
        if name == "type" and len(node.args) == 1 and self._around.classes.derived:
            classes = tuple(self._around.classes.derived)
            result |= self._class_of(node.args[0], given, classes, line)
        if method is not None and self._around.classes.derived:
            sources = [source for source, _ in receiver.own if isinstance(source, str)]
            result |= Value(
                frozenset((Result(each, method), False) for each in sources), fresh=False
            )
        return result

    def _path(self, function: ast.expr) -> str:
        """Return the full name of a function that was imported from where no source is read."""
        root = function
        while isinstance(root, ast.Attribute):
            root = root.value
        names = self._around.names
        if not isinstance(root, ast.Name) or self._lookup(root.id) != root.id:
            return ""
        path = dotted(function, names) if root.id in names else ""
        if path.startswith("<") or "(" in path:
            return ""
        module = path.partition(".")[0]
        return "" if sibling(module, self._folder) is not None else path

    def _random(self, node: ast.Call, called: str) -> None:
        """Take the state of a shared generator as a variable: seeding binds it, drawing changes it.

        Where the notebook seeds none of them, nothing is to be kept: each run draws other numbers.
        """
        around = self._around
        seed = seed_of(node, around.names)
        for generator in seed.generators if seed is not None else ():
            if generator in NAMES:
                self._bind(NAMES[generator], node.lineno, FRESH)
        drawn: set[Generator] = set()
        draw = draw_of(node, around.names)
        if draw is not None and not draw.later:
            drawn.add(draw.generator)
        if called in FITTING:
            drawn |= around.fitting
        for generator in sorted(drawn & around.seeded):
            if generator in NAMES:
                state = self._read(NAMES[generator], node.lineno)
                self._change(state, node.lineno)

    def _arguments(self, node: ast.Call) -> Arguments:
        found: list[tuple[int | str | None, Value]] = []
        spread = False
        for index, argument in enumerate(node.args):
            spread |= isinstance(argument, ast.Starred)
            found.append((None if spread else index, self.value(argument)))
        found += [(keyword.arg, self.value(keyword.value)) for keyword in node.keywords]
        return tuple(found)

    def _ipython(self, node: ast.Call, name: str) -> Value:
        for argument in node.args:
            self._peek(argument)
        if name in (SHELL, WILD):
            self.operations.append(Outside("writes", node.lineno))
        if name == WILD:
            self.operations.append(Wild(node.lineno))
        return FRESH

    def _lambda(self, node: ast.Lambda) -> Value:
        definition, defaults = self._function(node, "<lambda>", node.body)
        return code_value(definition) | defaults.container()

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
        captured = {
            (each.name, False)
            for each in definition.operations
            if isinstance(each, Read) and "@" in each.name and each.name not in definition.own
        }
        defaults |= Value(frozenset(captured), fresh=False)
        decorators = getattr(node, "decorator_list", [])
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
                remembers=any(_REMEMBERS.search(ast.unparse(each)) for each in decorators),
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
        scope = Scope("function", dict(names), globals_)
        inner = type(self)(
            [*self._scopes, scope], self._numbers, self._folder, lambda _: None, self._around
        )
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


def _bound_method(owner: ast.expr, name: str, line: int) -> ast.Lambda:
    """Return ``owner.name``, taken without a call, as the lambda that it is equal to."""
    text = f"lambda *more, bound=None, **named: bound.{name}(*more, **named)"
    made = ast.parse(text, mode="eval").body
    assert isinstance(made, ast.Lambda)
    made.args.kw_defaults = [owner]
    for each in ast.walk(made.body):
        if isinstance(each, ast.expr):
            each.lineno = line
    return made


def _partial(node: ast.Call) -> ast.Lambda | None:
    """Return what ``functools.partial(...)`` makes as the lambda that it is equal to."""
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name != "partial" or not node.args or isinstance(node.args[0], ast.Starred):
        return None
    called, *given = node.args
    if any(isinstance(each, ast.Starred) for each in given) or any(
        keyword.arg is None for keyword in node.keywords
    ):
        return None
    names = [f"bound{number}" for number in range(len(given) + len(node.keywords))]
    loads: list[ast.expr] = [ast.Name(name, ast.Load()) for name in names]
    keywords = [
        ast.keyword(keyword.arg, load)
        for keyword, load in zip(node.keywords, loads[len(given) :], strict=True)
    ]
    rest = ast.Starred(ast.Name("more", ast.Load()), ast.Load())
    call = ast.Call(called, [*loads[: len(given)], rest], keywords)
    arguments = ast.arguments(
        [],
        [],
        ast.arg("more"),
        [ast.arg(name) for name in names],
        [*given, *(keyword.value for keyword in node.keywords)],
        None,
        [],
    )
    made = ast.copy_location(ast.Lambda(arguments, call), node)
    for each in ast.walk(call):
        if isinstance(each, ast.expr) and not hasattr(each, "lineno"):
            ast.copy_location(each, node)
    return made


def code_value(definition: Definition) -> Value:
    """Return a function, class or lambda as a value."""
    return Value(frozenset({(definition, False)}))
