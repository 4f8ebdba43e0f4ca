"""What functions do when they run, in whatever order their statements do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .operations import (
    Bind,
    Call,
    Change,
    Definition,
    Delete,
    Outside,
    Part,
    Read,
    Result,
    Return,
    Source,
    Value,
    Wild,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a function does when it runs, seen from outside."""

    reads: dict[str, int]
    writes: dict[str, int]
    changes: frozenset[str | Result]
    deletes: frozenset[str]
    parameters: frozenset[str]
    """Unique names of the parameters whose arguments it changes."""
    closure: bool
    """It changes something that only it and its siblings can see."""
    returns: frozenset[Source]
    outside: tuple[Outside, ...]
    wild: bool


NOTHING_YET = Summary({}, {}, frozenset(), frozenset(), frozenset(), False, frozenset(), (), False)


def summarise(
    definition: Definition, changed_by_call: Callable[[Call, Locals], set[Source]]
) -> Summary:
    """Say what a function does; ``changed_by_call`` knows what the functions do that it calls."""
    local = Locals(definition)
    for operation in definition.operations:
        if isinstance(operation, Call):
            local.link_changed(changed_by_call(operation, local), operation)
    reads: dict[str, int] = {}
    writes: dict[str, int] = {}
    deletes: set[str] = set()
    changed: set[Source] = set()
    returned: set[Source] = set()
    outside: list[Outside] = []
    wild = False
    closure = False
    for operation in definition.operations:
        match operation:
            case Read(name=name, line=line) if "@" not in name:
                reads.setdefault(name, line)
            case Bind(name=name, line=line):
                if "@" not in name:
                    writes.setdefault(name, line)
                elif name not in definition.own:
                    closure = True
            case Change(value=value, deep=deep):
                changed |= local.origins(value, deep=deep)
            case Delete(name=name) if "@" not in name:
                deletes.add(name)
            case Call():
                changed |= changed_by_call(operation, local)
            case Return(value=value):
                returned |= local.origins(value)
            case Outside():
                outside.append(operation)
            case Wild():
                wild = True
    names = {each for each in changed if isinstance(each, str)}
    parameters = {*definition.parameters.values(), *definition.rest}
    return Summary(
        reads=reads,
        writes=writes,
        changes=frozenset(
            each
            for each in changed
            if (isinstance(each, str) and "@" not in each)
            or (isinstance(each, Result) and "@" not in each.function)
        ),
        deletes=frozenset(deletes),
        parameters=frozenset(names & parameters),
        closure=closure
        or any("@" in name and name not in definition.own for name in names)
        or not names.isdisjoint(definition.defaulted),
        returns=frozenset(returned),
        outside=tuple(outside),
        wild=wild,
    )


def match_arguments(
    definition: Definition, receiver: Value | None, call: Call
) -> list[tuple[str, list[Value]]]:
    """Return the values that a call gives to each parameter, by the parameter's unique name."""
    names = list(definition.parameters.values())
    found: dict[str, list[Value]] = {}
    if receiver is not None and names:
        found[names[0]] = [receiver]
        names = names[1:]
    for key, value in call.arguments:
        if isinstance(key, int) and key < len(names):
            targets = [names[key]]
        elif isinstance(key, str) and key in definition.parameters:
            targets = [definition.parameters[key]]
        elif key is None:
            targets = [*names, *definition.rest]
        else:
            targets = list(definition.rest)
        for target in targets:
            found.setdefault(target, []).append(value)
    return list(found.items())


class Locals:
    """Where the locals of a function get their objects from, in whatever order it runs."""

    def __init__(self, definition: Definition) -> None:
        self._values: dict[str, list[Value]] = {}
        for operation in definition.operations:
            match operation:
                case Bind(name=name, value=value) if "@" in name:
                    self._link(name, value)
                case Change(value=value, added=added):
                    for source, _ in value.parts:
                        if isinstance(source, str) and "@" in source:
                            self._link(source, added.container())
                case Call(function=str(name)) if "@" in name:
                    self._link_call(name, operation)

    def _link(self, name: str, value: Value) -> None:
        if value.parts:
            self._values.setdefault(name, []).append(value)

    def _link_call(self, name: str, call: Call) -> None:
        for source in self.origins(Value(frozenset({(name, True)}))):
            if isinstance(source, Definition):
                for parameter in (*source.parameters.values(), *source.rest):
                    for _, value in call.arguments:
                        self._link(parameter, value)

    def link_changed(self, changed: set[Source], call: Call) -> None:
        """Take it that what a call changes may hold its other arguments afterwards."""
        for source in changed:
            if isinstance(source, str) and "@" in source:
                for _, value in call.arguments:
                    self._link(source, value.container())

    def origins(self, value: Value, *, deep: bool = True) -> set[Source]:
        """Return the globals, parameters, results and code that a value may come from.

        ``deep``: with what it holds; else only what it may be itself.
        """
        seen: set[Part] = set()
        pending = [(source, inner or deep) for source, inner in value.own]
        if deep:
            pending += [(source, True) for source, _ in value.held]
        while pending:
            part = pending.pop()
            if part in seen:
                continue
            seen.add(part)
            source, inner = part
            # A parameter stays one, whatever else is bound to its name.
            for each in self._values.get(source, ()) if isinstance(source, str) else ():
                pending += [(s, inner or below) for s, below in each.own]
                if inner:
                    pending += [(s, True) for s, _ in each.held]
        return {source for source, _ in seen}
