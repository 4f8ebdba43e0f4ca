"""Observed dataflow: what each cell did to the user's variables, told after it has run.

In an interactive run nobody may wait: a cell is given a fraction of a millisecond. Bindings are
always seen; content is glanced at as far as the time goes, and what was not looked at whole is told
as unknown. In a run that a promotion ordered, `fingerprint` looks at all of every variable.

The state before a cell is that after the one before. Values are known by identity and token: none
is kept alive.
"""

from __future__ import annotations

import ast
import json
import os
import time
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import MlopsError
from ..notebook.observed import ObservedCell, ObservedFlow, source_digest
from .glance import Glance, glance
from .names import CellNames
from .sharing import Group, all_groups, quick_groups
from .variables import Variables, is_fixed

if TYPE_CHECKING:
    from .evaluated import Evaluated

_SECONDS = 0.0002
"""What an interactive cell is given for looking at contents."""
_AT_LEAST = 12
"""So many variables are looked at in any case: those that the cell names come first."""
_SLOW = 0.1
_SECONDS_FOR_SLOW = 30.0
"""Fingerprints slower than the one are taken of what a cell cannot reach by name for so long."""


class _Known(NamedTuple):
    """A variable as it was after the last cell; no glance where nobody could look."""

    identity: int
    seen: Glance | None


class _Seen(NamedTuple):
    """What has become of the variables; ``changeable`` are those whose values can change."""

    binds: set[str]
    changes: set[str]
    unknown: set[str]
    changeable: dict[str, Any]


class FlowObserver:
    """Observes an interactive kernel, within its budget."""

    full = False

    def __init__(self, hidden: Mapping[str, Any]) -> None:
        self._variables = Variables(hidden)
        self._known: dict[str, _Known] | None = None

    def before(self, namespace: dict[str, Any]) -> None:
        """Take in what there is before the first cell that is observed."""
        if self._known is None:
            self._known = {}
            self._look(self._variables.of(namespace), set())

    def after(
        self, cell: str, source: str, names: CellNames, namespace: dict[str, Any]
    ) -> ObservedCell:
        """Return what the cell that has just run did."""
        before = self._known or {}
        values = self._variables.of(namespace)
        reads, reach = self._named(source, names, namespace)
        seen = self._look(values, reach)
        deletes = before.keys() - values.keys()
        groups = self._shared(seen)
        return ObservedCell(
            cell,
            source_digest(source),
            reads=tuple(sorted(reads & before.keys())),
            binds=tuple(sorted(seen.binds)),
            changes=tuple(sorted(seen.changes)),
            deletes=tuple(sorted(deletes)),
            aliases=tuple(tuple(sorted(found)) for found, _ in groups),
            holders=tuple(tuple(sorted(holders)) for _, holders in groups),
            unknown=tuple(sorted(seen.unknown)),
            full=self.full,
        )

    def _named(
        self, source: str, names: CellNames, namespace: dict[str, Any]
    ) -> tuple[set[str], set[str]]:
        """Return the names that the cell read, and those that it can reach by name."""
        named = names.lent | names.changed
        return named, named

    def _look(self, values: dict[str, Any], reach: set[str]) -> _Seen:
        """Compare all variables with what is known of them, and remember what they are now."""
        known = self._known or {}
        seen = _Seen(set(), set(), set(), {})
        now: dict[str, _Known] = {}
        for name, value in values.items():
            identity = id(value)
            old = known.get(name)
            same = old is not None and old.identity == identity
            if not same:
                seen.binds.add(name)
            if not is_fixed(value):
                seen.changeable[name] = value
            else:
                now[name] = old if same and old is not None else _Known(identity, None)
        first = sorted(seen.changeable, key=lambda n: n not in reach and n not in seen.binds)
        for name, look in self._looks(first, values, reach):
            old = known.get(name)
            now[name] = _Known(id(values[name]), look)
            if name in seen.binds or old is None:
                continue
            if look is None or old.seen is None:
                seen.unknown.add(name)
            elif look.token != old.seen.token:
                seen.changes.add(name)
            elif not (look.whole and old.seen.whole):
                seen.unknown.add(name)
        self._known = now
        return seen

    def _looks(
        self, names: Iterable[str], values: Mapping[str, Any], reach: set[str]
    ) -> Iterator[tuple[str, Glance | None]]:
        end = time.perf_counter() + _SECONDS
        for number, name in enumerate(names):
            in_time = number < _AT_LEAST or time.perf_counter() < end
            yield name, glance(values[name]) if in_time else None

    def _shared(self, seen: _Seen) -> list[Group]:
        news = seen.binds | seen.changes
        if not news:
            return []
        return sorted(set(quick_groups(seen.changeable, news)), key=_sorted)


class FullFlowObserver(FlowObserver):
    """Observes a run that nobody waits for, whole; keeps the flow in ``file`` as it grows."""

    full = True

    def __init__(
        self, hidden: Mapping[str, Any], file: Path, transform: Callable[[str], str]
    ) -> None:
        super().__init__(hidden)
        self._file = file
        self._transform = transform
        self._cells: list[ObservedCell] = []
        self._groups: set[Group] = set()
        self._slow: set[str] = set()
        self._useless: set[tuple[str, int]] = set()
        self._spent = 0.0
        self._evaluated: Evaluated | None = None

    def before(self, namespace: dict[str, Any]) -> None:
        super().before(namespace)
        if self._evaluated is None:
            from .evaluated import Evaluated

            self._evaluated = Evaluated(namespace)
        self._evaluated.start()

    def after(
        self, cell: str, source: str, names: CellNames, namespace: dict[str, Any]
    ) -> ObservedCell:
        found = super().after(cell, source, names, namespace)
        self._cells.append(found)
        self._write()
        return found

    def _named(
        self, source: str, names: CellNames, namespace: dict[str, Any]
    ) -> tuple[set[str], set[str]]:
        reads = self._evaluated.stop() if self._evaluated is not None else set()
        try:
            tree = ast.parse(self._transform(source))
        except SyntaxError:
            return reads, reads
        reads = reads | set(_loads(tree))
        return reads, _through_functions(reads, namespace)

    def _looks(
        self, names: Iterable[str], values: Mapping[str, Any], reach: set[str]
    ) -> Iterator[tuple[str, Glance | None]]:
        known = self._known or {}
        for name in names:
            value, old = values[name], known.get(name)
            late = self._spent > _SECONDS_FOR_SLOW and name in self._slow and name not in reach
            if late or (name, id(value)) in self._useless:
                yield name, None
                continue
            start = time.perf_counter()
            look = _whole(value)
            if look is not None and old is not None and old.seen not in (None, look):
                # What gives another fingerprint each time tells nothing by it.
                look = look if _whole(value) == look else None
            seconds = time.perf_counter() - start
            if seconds > _SLOW:
                self._spent += seconds
                self._slow.add(name)
                if look is None:
                    self._useless.add((name, id(value)))
            yield name, look

    def _shared(self, seen: _Seen) -> list[Group]:
        groups = all_groups(seen.changeable)
        news = seen.binds | seen.changes
        told = [each for each in groups if each not in self._groups or each[0] & news]
        self._groups = groups
        return sorted(told, key=_sorted)

    def _write(self) -> None:
        part = self._file.with_name(f".{self._file.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(ObservedFlow(tuple(self._cells)).to_dict()), encoding="utf-8")
        os.replace(part, self._file)


def _whole(value: Any) -> Glance | None:
    from ..fingerprints import fingerprint

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Glance(fingerprint(value), True)
        except MlopsError:
            return None


def _loads(node: ast.AST) -> Iterator[str]:
    """Yield the names that code reads when it runs; bodies of functions run later."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    for field, value in ast.iter_fields(node):
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if later and field == "body":
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield from _loads(part)


def _through_functions(names: Iterable[str], namespace: dict[str, Any]) -> set[str]:
    """Return the names, and the globals of the notebook's functions that are among them."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        value = namespace.get(name)
        if isinstance(value, types.FunctionType) and value.__globals__ is namespace:
            pending += _globals_of(value.__code__)
    return found


def _globals_of(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals_of(constant)


def _sorted(group: Group) -> tuple[list[str], list[str]]:
    return sorted(group[0]), sorted(group[1])
