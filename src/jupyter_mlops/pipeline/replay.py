"""A check on the compiler itself: each step sees what the notebook's cells see.

Both are followed symbolically. Each name has a version: the cell that last left something in it.
The notebook's cells are followed in one namespace; the steps each in their own, with copies of
their inputs, so that an alias holds only within what one step hands on. Where a cell of a step
would read another version than in the notebook, the pipeline would be wrong: it is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import MlopsError
from ..notebook.document import Notebook
from ..notebook.effects import ALWAYS_THERE, Effects
from ..notebook.namespace import Namespace
from ..notebook.operations import Bind
from .joined import rejoin
from .wiring import Entry, Wires, Wiring

_Versions = dict[str, int]


@dataclass(slots=True)
class _State:
    """What a step's process knows: its names, and the cell that each one's value is from."""

    names: Namespace = field(default_factory=Namespace)
    versions: _Versions = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    """Names whose values the step's own cells made."""

    def note(self, entry: Entry, effects: Effects) -> None:
        for name, fate in effects.fates.items():
            if fate == "deleted":
                self.versions.pop(name, None)
                self.made.discard(name)
            elif fate == "sure" or (entry.seen is not None and name in entry.seen.binds):
                self.versions[name] = entry.index
                self.made.add(name)
            else:
                self.versions[name] = entry.index


def check(notebook: Notebook, wiring: Wiring, order: Sequence[str]) -> None:
    """Raise `MlopsError` ``pipeline.entangled`` where a step would not see what the notebook sees.

    ``order`` are all steps, each after those that provide its inputs.
    """
    ends: dict[str, _State] = {}
    for name in order:
        ends[name] = _replay(notebook, wiring, wiring.steps[name], ends)


def _replay(notebook: Notebook, wiring: Wiring, wires: Wires, ends: dict[str, _State]) -> _State:
    state = _State()
    own = {entry.index for entry in wires.entries}
    first = min(own)
    for entry in wiring.entries:
        if entry.role.kind == "parameters":
            state.names.run(entry.code.operations)
            for name in wires.parameters:
                state.versions[name] = entry.index
    for index in sorted({*(i for i in wires.prelude if i < first), *wires.imports}):
        if index in wires.imports:
            _repeat_imports(wiring.entries[index], wires.imports[index], state)
        else:
            _run(notebook, wiring, wires, wiring.entries[index], state)
    _load(wires, ends, state)
    for index in sorted(own | {i for i in wires.prelude if i > first}):
        _run(notebook, wiring, wires, wiring.entries[index], state)
    _check_outputs(notebook, wiring, wires, max(own), state)
    return state


def _check_outputs(
    notebook: Notebook, wiring: Wiring, wires: Wires, last: int, state: _State
) -> None:
    """Refuse outputs that the notebook no longer has where the step's last cell has run."""
    for name in sorted(wires.outputs):
        origin = wiring.origin(name, last + 1)
        found = state.versions.get(name)
        if origin is None or found is None or origin.entry.index == found:
            continue
        raise _entangled(
            notebook, wires, wiring.entries[last], name, None, origin.entry, wiring.entries[found]
        )


def _run(notebook: Notebook, wiring: Wiring, wires: Wires, entry: Entry, state: _State) -> None:
    for name, line in entry.effects.reads.items():
        origin = wiring.origin(name, entry.index)
        expected = None if origin is None or origin.fate == "deleted" else origin.entry
        found = state.versions.get(name)
        if expected is None:
            if origin is not None and name in state.versions:
                left = wiring.entries[state.versions[name]]
                raise _deleted(notebook, wires, entry, name, line, origin.entry, left)
            continue
        if expected.effects.wild is not None and name not in expected.effects.fates:
            continue
        if found != expected.index:
            seen = wiring.entries[found] if found is not None else None
            raise _entangled(notebook, wires, entry, name, line, expected, seen)
    for name, fate in entry.effects.fates.items():
        # Perhaps bound: where it is not, what was there before is still there.
        if fate == "maybe" and name not in entry.effects.reads and name in state.versions:
            origin = wiring.origin(name, entry.index)
            if origin is not None and origin.fate == "deleted":
                left = wiring.entries[state.versions[name]]
                line = entry.effects.writes.get(name, 1)
                raise _deleted(notebook, wires, entry, name, line, origin.entry, left)
    effects = state.names.run(entry.code.operations)
    hidden = rejoin(
        entry,
        effects,
        state.names,
        has=state.versions.__contains__,
        made_here=state.made.__contains__,
    )
    if hidden is not None:
        raise _hidden_change(notebook, wiring, wires, entry, hidden)
    for name, line in entry.effects.reads.items():
        # Changed through an alias that the step's copies would not have, and read in one cell.
        if name in state.versions and name in set(entry.effects.fates) - set(effects.fates):
            seen = wiring.entries[state.versions[name]]
            raise _entangled(notebook, wires, entry, name, line, entry, seen)
    state.note(entry, effects)


def _repeat_imports(entry: Entry, names: set[str], state: _State) -> None:
    state.names.run(
        operation
        for operation in entry.code.operations
        if isinstance(operation, Bind)
        and operation.imported is not None
        and (operation.name in names or "@" in operation.name)
    )
    for name in names:
        state.versions[name] = entry.index


def _load(wires: Wires, ends: dict[str, _State], state: _State) -> None:
    for provider in dict.fromkeys(wires.inputs.values()):
        names = [name for name, step in wires.inputs.items() if step == provider]
        given = ends[provider]
        state.names.receive(given.names, names)
        for name in names:
            if name in given.versions:
                state.versions[name] = given.versions[name]
                state.made.discard(name)


def _deleted(
    notebook: Notebook,
    wires: Wires,
    entry: Entry,
    name: str,
    line: int,
    deleter: Entry,
    seen: Entry,
) -> MlopsError:
    position = deleter.cell.position
    return MlopsError(
        "pipeline.entangled",
        f"In the notebook, cell {position} has deleted `{name}`; the step `{wires.name}` would "
        f"see what cell {seen.cell.position} made.",
        hint=f"remove `del {name}` from cell {position}, or give it a name of its own.",
        place=notebook.place(entry.cell, line),
    )


def _hidden_change(
    notebook: Notebook, wiring: Wiring, wires: Wires, entry: Entry, name: str
) -> MlopsError:
    origin = wiring.origin(name, entry.index)
    maker = f"cell {origin.entry.cell.position}" if origin is not None else "an earlier cell"
    return MlopsError(
        "pipeline.entangled",
        f"A run showed that cell {entry.cell.position} changes `{name}` without using it: "
        f"something else keeps it in memory, which the step `{wires.name}` would not share.",
        hint=f"give {maker}, the cells between that hand `{name}` on and this cell the same step "
        f"tag, or pass `{name}` to what changes it.",
        place=notebook.place(entry.cell, entry.added.changes[name]),
    )


def _entangled(
    notebook: Notebook,
    wires: Wires,
    entry: Entry,
    name: str,
    line: int | None,
    expected: Entry,
    seen: Entry | None,
) -> MlopsError:
    if expected is entry and seen is not None:
        return MlopsError(
            "pipeline.entangled",
            f"Cell {entry.cell.position} changes `{name}` through something that shares an object "
            f"with it; the step `{wires.name}` is given them as copies, which share nothing.",
            hint=f"give cell {seen.cell.position} (step `{seen.role.step or wires.name}`) and this "
            f"cell the same step tag, or change `{name}` by its own name.",
            place=notebook.place(entry.cell, entry.effects.mutates.get(name, line)),
        )
    other = f"what cell {seen.cell.position} left" if seen is not None else "nothing"
    if name in ALWAYS_THERE and seen is None:
        other = "Python's own"
    step = expected.role.step or wires.name
    return MlopsError(
        "pipeline.entangled",
        f"In the notebook, `{name}` is here what cell {expected.cell.position} left; "
        f"the step `{wires.name}` would see {other}.",
        hint=f"give cell {expected.cell.position} (step `{step}`) and this cell the same step "
        f"tag, or let one of them work on a copy of `{name}` under a name of its own.",
        place=notebook.place(entry.cell, line),
    )
