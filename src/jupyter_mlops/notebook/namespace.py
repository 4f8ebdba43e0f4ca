"""The names of a notebook, followed through its cells, with aliases and functions.

A name that is read brings in the globals of the code that it may hold, and a change through one
name is a change of every name that may share the object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from .._random_state import STATES
from .effects import ALWAYS_THERE, Effects
from .functions import NOTHING_YET, Locals, Summary, match_arguments, summarise
from .operations import (
    EVERYTHING,
    Bind,
    Call,
    Change,
    ClassOf,
    Definition,
    Delete,
    Fork,
    Operation,
    Outside,
    Read,
    Result,
    Return,
    Settle,
    Source,
    Value,
    Wild,
)


@dataclass(frozen=True, slots=True)
class _Reach:
    """What a name may refer to.

    ``own``: objects it may be; ``held``: objects that can be changed through it; ``kept``:
    objects whose change changes it, but not the other way round; ``code``: what may run through
    it.
    """

    own: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()
    code: frozenset[Definition] = frozenset()

    def __or__(self, other: _Reach) -> _Reach:
        return _Reach(
            self.own | other.own,
            self.held | other.held,
            self.kept | other.kept,
            self.code | other.code,
        )

    @property
    def all(self) -> frozenset[int]:
        return self.own | self.held | self.kept


_NOTHING = _Reach()


class Namespace:
    """The names of a notebook, followed through its cells."""

    def __init__(self) -> None:
        self._names: dict[str, _Reach] = {}
        self._next = 0
        self._forks: list[tuple[dict[str, _Reach], list[dict[str, _Reach]]]] = []
        self._summaries: dict[Definition, Summary] = {}
        self._methods: dict[str, set[Definition]] = {}
        self._effects = Effects()
        self._ran: set[tuple[Definition, str]] = set()

    def copy(self) -> Namespace:
        """Return a namespace of its own that knows the same."""
        other = Namespace()
        other._names = dict(self._names)
        other._next = self._next
        other._methods = {name: set(found) for name, found in self._methods.items()}
        return other

    def run(self, code: Iterable[Operation]) -> Effects:
        """Follow one cell; return what it does to the names there are."""
        self._effects = Effects()
        self._ran = set()
        self._summaries = {}
        for operation in code:
            match operation:
                case Read():
                    self._read(operation)
                case Bind():
                    self._bind(operation)
                case Fork(kind=kind):
                    self._fork(kind)
                case Settle(names=names):
                    for name in names:
                        if "@" not in name:
                            self._effects.fates[name] = "sure"
                case Change():
                    self._change(operation)
                case Delete():
                    self._delete(operation)
                case Call():
                    self._call(operation)
                case Outside():
                    self._note_outside(operation, operation.line)
                case Wild(line=line):
                    self._effects.wild = self._effects.wild or line
                case Return():
                    pass
        return self._effects

    def shares(self, one: str, other: str) -> bool:
        """Tell whether a change of one name may be a change of the other."""
        first, second = self._names.get(one, _NOTHING), self._names.get(other, _NOTHING)
        return bool((first.own | first.held) & second.all or (second.own | second.held) & first.all)

    def forget(self, name: str) -> None:
        """Take a name to be a module, or something else that never changes."""
        self._names[name] = _NOTHING

    def bind(self, name: str) -> None:
        """Take it that a name was bound to something that nothing else shares."""
        self._names[name] = _Reach(own=frozenset({self._symbol()}))

    def share(self, own: Iterable[str], holders: Iterable[str]) -> None:
        """Take it that the names ``own`` are one object, which ``holders`` hold."""
        symbol = frozenset({self._symbol()})
        for name in own:
            self._names[name] = self._names.get(name, _NOTHING) | _Reach(own=symbol)
        for name in holders:
            self._names[name] = self._names.get(name, _NOTHING) | _Reach(held=symbol)

    def receive(self, other: Namespace, names: Iterable[str]) -> None:
        """Take over names as copies of the other's values, which share among themselves."""
        copies: dict[int, int] = {}

        def copied(symbols: frozenset[int]) -> frozenset[int]:
            for symbol in sorted(symbols):
                if symbol not in copies:
                    copies[symbol] = self._symbol()
            return frozenset(copies[symbol] for symbol in symbols)

        for name in names:
            found = other._names.get(name, _NOTHING)
            self._names[name] = _Reach(
                copied(found.own), copied(found.held), copied(found.kept), found.code
            )
            for definition in found.code:
                for method in definition.methods:
                    self._methods.setdefault(method, set()).add(definition)

    def needs(self, name: str) -> frozenset[str]:
        """Return the global names that code reached through ``name`` needs, through and through."""
        found: set[str] = set()
        seen: set[Definition] = set()
        pending = [name]
        while pending:
            for definition in self._names.get(pending.pop(), _NOTHING).code - seen:
                seen.add(definition)
                new = set(self._summary(definition).reads) - found
                found |= new
                pending += sorted(new)
        return frozenset(found - ALWAYS_THERE) | frozenset(n for n in found if n in self._names)

    def classes(self, name: str) -> frozenset[str]:
        """Return the names of the notebook's classes of which ``name`` may hold instances."""
        code = self._names.get(name, _NOTHING).code
        return frozenset(each.name for each in code if each.kind == "class" and not each.beside)

    def defines(self, name: str) -> bool:
        """Tell whether ``name`` is a function or class that a cell defines by ``def`` or such."""
        code = self._names.get(name, _NOTHING).code
        return any(each.name == name and not each.beside for each in code)

    # --- single operations ------------------------------------------------------------------

    def _read(self, read: Read) -> None:
        name = read.name
        if read.need != "none":
            # A function that the cell has called before may have bound it.
            bound = self._effects.fates.get(name) in ("sure", "maybe")
            self._need(name, read.line, hard=read.need == "hard" and not bound)
        self._run_code(name, read.line)

    def _need(self, name: str, line: int, *, hard: bool) -> None:
        if "@" in name:
            return
        if name == EVERYTHING:
            for each in [*self._names]:
                if self._effects.fates.get(each) != "sure" and each != EVERYTHING:
                    self._need(each, line, hard=False)
            return
        self._effects.reads.setdefault(name, line)
        # A generator has some state before any cell seeds it.
        if hard and name not in STATES:
            self._effects.hard.add(name)

    def _need_if_there(self, name: str, line: int) -> None:
        if self._effects.fates.get(name) != "sure":
            self._need(name, line, hard=False)

    def _bind(self, bind: Bind) -> None:
        reach = self._resolve(bind.value)
        if bind.value.fresh:
            reach |= _Reach(own=frozenset({self._symbol()}))
        previous = self._names.get(bind.name, _NOTHING)
        self._names[bind.name] = reach
        for definition in reach.code:
            for method in definition.methods:
                self._methods.setdefault(method, set()).add(definition)
        if reach.code or previous.code:
            self._summaries = {}
        if "@" not in bind.name:
            self._note_write(bind)

    def _fork(self, kind: Literal["fork", "next", "join"]) -> None:
        if kind == "fork":
            self._forks.append((dict(self._names), []))
            return
        start, ends = self._forks[-1]
        ends.append(self._names)
        if kind == "next":
            self._names = dict(start)
            return
        self._forks.pop()
        joined, *rest = ends
        for end in rest:
            for name, reach in end.items():
                known = joined.get(name)
                if known is not reach:
                    joined[name] = reach if known is None else known | reach
        self._names = joined

    def _note_write(self, bind: Bind) -> None:
        effects, name = self._effects, bind.name
        effects.writes.setdefault(name, bind.line)
        before = effects.fates.get(name)
        if bind.imported is not None and bind.imported.extends:
            effects.imports[name] = (*effects.imports.get(name, ()), bind.imported)
            if before != "sure":
                effects.fates[name] = "extended" if bind.sure else "maybe"
            return
        effects.imports.pop(name, None)
        if bind.imported is not None and bind.sure:
            effects.imports[name] = (bind.imported,)
        if bind.sure:
            effects.fates[name] = "sure"
        elif before != "sure":
            effects.fates[name] = "maybe"

    def _change(self, change: Change) -> None:
        reach = self._resolve(change.value)
        symbols = reach.own | reach.held if change.deep else reach.own
        self._changed(symbols, change.line)
        added = self._resolve(change.added)
        if added != _NOTHING:
            self._add(symbols, added, change.kept)

    def _changed(self, symbols: frozenset[int], line: int) -> None:
        effects = self._effects
        for name, reach in self._names.items():
            if "@" not in name and not symbols.isdisjoint(reach.all):
                effects.mutates.setdefault(name, line)
                effects.fates.setdefault(name, "changed")

    def _add(self, symbols: frozenset[int], added: _Reach, kept: Literal["items", "self"]) -> None:
        if kept == "items":
            more = _Reach(held=added.own | added.held, kept=added.kept, code=added.code)
        else:
            more = _Reach(kept=added.all, code=added.code)
        for name, reach in self._names.items():
            if not symbols.isdisjoint(reach.own | reach.held):
                self._names[name] = reach | more

    def _delete(self, delete: Delete) -> None:
        effects, name = self._effects, delete.name
        self._names.pop(name, None)
        if "@" in name:
            return
        effects.deletes.setdefault(name, delete.line)
        effects.imports.pop(name, None)
        effects.fates[name] = "deleted" if delete.sure else "maybe"

    def _call(self, call: Call) -> None:
        for value in (call.receiver, *(value for _, value in call.arguments)):
            self._run_nameless(value, call.line)
        self._change_through_arguments(call)
        for definition, receiver in self._callees(call):
            if definition.beside:
                for name in self._run_definition(definition, "", call.line):
                    self._run_code(name, call.line)
            summary = self._summary(definition)
            given = match_arguments(definition, receiver, call)
            for parameter, values in given:
                if parameter in summary.parameters:
                    others = [v for name, each in given if name != parameter for v in each]
                    self._change_arguments(values, others, call.line)
            for source in summary.changes:
                target = self._reach_of(source)
                for _, values in given:
                    for value in values:
                        self._add(target.own, self._resolve(value), "items")

    def _change_through_arguments(self, call: Call) -> None:
        """Take it that a function that is handed over is called with the other arguments."""
        values = [call.receiver, *(value for _, value in call.arguments)]
        for index, value in enumerate(values[1:], start=1):
            if any(self._changes_parameters(each) for each in self._resolve(value).code):
                others = [*values[:index], *values[index + 1 :]]
                self._change_arguments(others, others, call.line)

    def _change_arguments(self, changed: list[Value], given: list[Value], line: int) -> None:
        """Change arguments of a function, which may put the others into them."""
        for value in changed:
            reach = self._resolve(value)
            self._changed(reach.own | reach.held, line)
            for other in given:
                added = self._resolve(other)
                if other is not value and added != _NOTHING:
                    self._add(reach.own | reach.held, added, "items")

    def _changes_parameters(self, definition: Definition) -> bool:
        return definition.kind == "function" and bool(self._summary(definition).parameters)

    def _callees(self, call: Call) -> Iterator[tuple[Definition, Value | None]]:
        """Yield the functions that may be called, with the object where they are methods."""
        if call.function is not None:
            for definition in self._reach_of(call.function).code:
                if definition.kind == "function":
                    yield definition, None
                elif "__init__" in definition.methods:
                    yield definition.methods["__init__"], Value(fresh=True)
            return
        if call.method is None:
            return
        for definition in self._resolve(call.receiver).code:
            found = definition.methods.get(call.method)
            if found is None:
                continue
            if definition.kind != "module":
                yield found, call.receiver
            elif found.kind == "function":
                yield found, None
            elif "__init__" in found.methods:
                yield found.methods["__init__"], Value(fresh=True)

    def _code(self, source: Source) -> frozenset[Definition]:
        if isinstance(source, str) and "@" in source:
            return frozenset()
        return self._reach_of(source).code

    def _note_outside(self, operation: Outside, line: int) -> None:
        if operation.kind == "writes":
            self._effects.writes_outside = self._effects.writes_outside or line
        else:
            self._effects.reads_outside = self._effects.reads_outside or line

    # --- code behind names ------------------------------------------------------------------

    def _run_code(self, name: str, line: int) -> None:
        """Take it that whatever code a name holds is run where the name is read."""
        pending = [name]
        while pending:
            via = pending.pop()
            for definition in sorted(self._reach_of(via).code, key=lambda d: (d.line, d.name)):
                if (definition, via) not in self._ran:
                    self._ran.add((definition, via))
                    pending += self._run_definition(definition, via, line)

    def _run_nameless(self, value: Value, line: int) -> None:
        """Run the lambdas that are called at once, or handed to what calls them."""
        for source, _ in value.parts:
            if isinstance(source, Definition):
                for name in self._run_definition(source, "", line):
                    self._run_code(name, line)

    def _run_definition(self, definition: Definition, via: str, line: int) -> list[str]:
        if definition.kind == "iterator":
            if via:
                self._changed(self._reach_of(via).own, line)
            return []
        summary = self._summary(definition)
        if definition.kind == "class" and definition.remembers and definition.name in self._names:
            self._need_if_there(definition.name, line)
        for name in summary.reads:
            self._need_if_there(name, line)
        for source in summary.changes:
            self._changed(self._reach_of(source).own, line)
        if summary.closure and via:
            reach = self._reach_of(via)
            self._changed(reach.own | reach.held, line)
        for name in summary.writes:
            self._names[name] = self._names.get(name, _NOTHING) | _Reach(
                own=frozenset({self._symbol()})
            )
            self._effects.writes.setdefault(name, line)
            self._effects.imports.pop(name, None)
            if self._effects.fates.get(name) != "sure":
                self._effects.fates[name] = "maybe"
        for name in summary.deletes:
            self._effects.deletes.setdefault(name, line)
            self._effects.fates[name] = "maybe"
        for outside in summary.outside:
            self._note_outside(outside, line)
        if summary.wild:
            self._effects.wild = self._effects.wild or line
        return sorted(summary.reads)

    def _summary(self, definition: Definition) -> Summary:
        found = self._summaries.get(definition)
        if found is None:
            # For a function that calls itself: nothing, until it is known.
            self._summaries[definition] = NOTHING_YET
            found = summarise(definition, self._changed_by_call)
            if definition.beside:
                # The globals of another module are not the notebook's.
                reads = {name: line for name, line in found.reads.items() if name in STATES}
                found = replace(found, reads=reads, writes={}, deletes=frozenset())
            self._summaries[definition] = found
        return found

    def _changed_by_call(self, call: Call, local: Locals) -> set[Source]:
        """Return where the arguments come from that a call inside a function changes."""
        changed: set[Source] = set()
        values = [call.receiver, *(value for _, value in call.arguments)]
        for index, value in enumerate(values[1:], start=1):
            code = {d for source in local.origins(value, deep=False) for d in self._code(source)}
            if any(self._changes_parameters(each) for each in code):
                for other in (*values[:index], *values[index + 1 :]):
                    changed |= local.origins(other)
        callees: list[tuple[Definition, Value | None]] = []
        if call.function is not None and ("@" not in call.function or call.function in self._names):
            callees = list(self._callees(call))
        elif call.method is not None:
            callees = [
                (
                    definition.methods[call.method],
                    None if definition.kind == "module" else call.receiver,
                )
                for definition in self._methods.get(call.method, ())
                if self._may_hold(local.origins(call.receiver), definition)
            ]
        for definition, receiver in callees:
            parameters = self._summary(definition).parameters
            for parameter, values in match_arguments(definition, receiver, call):
                if parameter in parameters:
                    for value in values:
                        changed |= local.origins(value)
        return changed

    def _may_hold(self, sources: set[Source], definition: Definition) -> bool:
        """Tell whether objects from these sources may have the methods of a class or module."""
        for source in sources:
            if isinstance(source, Definition):
                found = source is definition
            elif not isinstance(source, str) or "@" in source or source == EVERYTHING:
                found = True
            else:
                known = self._names.get(source)
                found = known is None or definition in known.code
            if found:
                return True
        return False

    # --- objects ----------------------------------------------------------------------------

    def _symbol(self) -> int:
        self._next += 1
        return self._next

    def _resolve(self, value: Value) -> _Reach:
        own: frozenset[int] = frozenset()
        reach = _NOTHING
        for source, deep in value.own:
            found = self._reach_of(source)
            own |= found.own | found.held if deep else found.own
            reach |= found
        held = reach.held
        for source, _ in value.held:
            found = self._reach_of(source)
            held |= found.own | found.held
            reach |= found
        return _Reach(own, held, reach.kept, reach.code)

    def _reach_of(self, source: Source) -> _Reach:
        if isinstance(source, Definition):
            return _Reach(code=frozenset({source}))
        if isinstance(source, Result):
            return self._result_of(source, frozenset())
        if isinstance(source, ClassOf):
            return self._classes_of(source)
        if source == EVERYTHING:
            everything = _NOTHING
            for name, reach in self._names.items():
                if "@" not in name:
                    everything |= reach
            return everything
        found = self._names.get(source)
        if found is None:
            if source in ALWAYS_THERE:
                return _NOTHING
            found = self._names[source] = _Reach(own=frozenset({self._symbol()}))
        return found

    def _classes_of(self, source: ClassOf) -> _Reach:
        code = {each for owner in source.owners for each in self._reach_of(owner).code}
        names = {each.name for each in code if each.kind == "class"}
        reach = _NOTHING
        for name in sorted(names.intersection(source.names)):
            reach |= self._reach_of(name)
        return reach

    def _result_of(self, result: Result, seen: frozenset[Result]) -> _Reach:
        """Return what a call of a notebook's function may give back, beside its arguments."""
        if result in seen:
            return _NOTHING
        reach = _NOTHING
        function = self._reach_of(result.function)
        for definition in function.code:
            called: Definition | None = definition
            if result.method:
                called = definition.methods.get(result.method)
            elif definition.kind == "class":
                reach |= self._instance(definition, function)
                continue
            if called is None or called.kind == "iterator":
                continue
            if called.remembers:
                reach |= _Reach(own=function.own | function.held)
            for source in self._summary(called).returns:
                if isinstance(source, Result):
                    reach |= self._result_of(source, seen | {result})
                elif isinstance(source, str) and "@" in source:
                    if source in called.defaulted or source not in called.own:
                        # Its default, or what the function was made with.
                        reach |= _Reach(own=function.own | function.held)
                else:
                    found = self._reach_of(source)
                    reach |= _Reach(found.own | found.held, frozenset(), found.kept, found.code)
        return reach

    def _instance(self, definition: Definition, function: _Reach) -> _Reach:
        # With the classes that it is derived from.
        reach = _Reach(code=function.code)
        if "__new__" in definition.methods:
            reach |= _Reach(own=function.own | function.held)
        init = definition.methods.get("__init__")
        if init is not None and init.defaulted:
            reach |= _Reach(held=function.own | function.held)
        if definition.remembers:
            reach |= _Reach(kept=function.own | function.held)
        return reach
