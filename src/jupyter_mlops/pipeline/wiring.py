"""Who provides what: the values that each step needs, traced back to the cells that left them.

A need is traced from the cell that reads a name to the last cell before it, in the order of the
notebook, that left something in that name. A cell that only changed the name, or bound it on one
branch, needs what was there before: tracing goes on in its own step. So a step gets exactly the
names that it or a later step depends on.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import MlopsError, Place
from ..notebook.dataflow import CellCode, cell_code
from ..notebook.document import Cell, Notebook
from ..notebook.effects import ALWAYS_THERE, Effects, Fate
from ..notebook.namespace import Namespace
from ..notebook.observed import ObservedCell, ObservedFlow
from .grouping import Role
from .joined import NOTHING, Added, join

_HISTORY = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|_[iod]h|In|Out")


@dataclass(slots=True)
class Entry:
    """A cell that takes part, with what it does and what is known when it starts."""

    index: int
    role: Role
    effects: Effects
    before: Namespace
    seen: ObservedCell | None = None
    added: Added = NOTHING
    """What the cell was seen to do, and which effects are known from that alone."""

    @property
    def cell(self) -> Cell:
        return self.role.cell

    @property
    def code(self) -> CellCode:
        return self.role.code


@dataclass(frozen=True, slots=True)
class Origin:
    """The cell that left something in a name, and what it did to it."""

    entry: Entry
    fate: Fate


@dataclass(slots=True)
class Wires:
    """What one step is given and gives."""

    name: str
    entries: list[Entry]
    prelude: set[int] = field(default_factory=set)
    imports: dict[int, set[str]] = field(default_factory=dict)
    """Cells of other steps whose import statements this step repeats, and for which names."""
    settings: dict[int, list[str]] = field(default_factory=dict)
    """Statements of cells of other steps that set up the process, and that this step repeats."""
    inputs: dict[str, str] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)


def follow(roles: Sequence[Role], observed: ObservedFlow | None = None) -> list[Entry]:
    """Follow the cells in the order of the notebook, joined with what they were seen to do."""
    namespace = Namespace()
    entries: list[Entry] = []
    for role in roles:
        if role.kind != "excluded":
            before = namespace.copy()
            effects = namespace.run(role.code.operations)
            seen = observed.of(role.cell) if observed is not None else None
            added = join(effects, namespace, seen, role.code) if seen is not None else NOTHING
            entries.append(Entry(len(entries), role, effects, before, seen, added))
    return entries


class Wiring:
    """Traces needs. Create it, call `trace`, and perhaps `need` for more; read ``steps``."""

    def __init__(self, notebook: Notebook, entries: list[Entry]) -> None:
        self.notebook = notebook
        self.entries = entries
        self.steps: dict[str, Wires] = {}
        self._history: dict[str, list[int]] = {}
        self._wild = [entry.index for entry in entries if entry.effects.wild is not None]
        self._traced: set[tuple[str, str, int]] = set()
        for entry in entries:
            for name in entry.effects.fates:
                self._history.setdefault(name, []).append(entry.index)
            if entry.role.kind == "step":
                wires = self.steps.setdefault(entry.role.step, Wires(entry.role.step, []))
                wires.entries.append(entry)

    def trace(self, everywhere: Sequence[Entry] = ()) -> None:
        """Trace what all cells of all steps read; raises ``pipeline.undefined-name``.

        ``everywhere`` are cells that every step runs before its own.
        """
        for wires in self.steps.values():
            for entry in wires.entries:
                self._trace_cell(wires, entry)
            for entry in everywhere:
                if entry.index < wires.entries[-1].index:
                    self._include(wires, entry)

    def origin(self, name: str, index: int) -> Origin | None:
        """Return where a name comes from that is read at the start of cell ``index``."""
        history = self._history.get(name, [])
        position = bisect_left(history, index)
        if position:
            entry = self.entries[history[position - 1]]
            return Origin(entry, entry.effects.fates[name])
        position = bisect_left(self._wild, index)
        if position and name not in ALWAYS_THERE:
            return Origin(self.entries[self._wild[position - 1]], "sure")
        return None

    def history(self, name: str, index: int) -> Iterator[Entry]:
        """Yield the cells before ``index`` that left something in a name, the last one first."""
        found = self._history.get(name, [])
        for position in reversed(found[: bisect_left(found, index)]):
            yield self.entries[position]

    def need(self, wires: Wires, name: str, index: int) -> None:
        """Provide a step with a name as it is at the start of cell ``index``, if it is at all."""
        origin = self.origin(name, index)
        if origin is None or origin.fate == "deleted":
            return
        entry, fate = origin.entry, origin.fate
        key = (wires.name, name, entry.index)
        if key in self._traced:
            return
        self._traced.add(key)
        kind = entry.role.kind
        if kind == "parameters":
            wires.parameters.add(name)
        elif kind == "prelude":
            self._include(wires, entry)
        elif entry.role.step != wires.name:
            if self._imports(wires, name, origin):
                if fate == "extended":
                    self.need(wires, name, entry.index)
                return
            wires.inputs[name] = entry.role.step
            self.steps[entry.role.step].outputs.add(name)
            wires = self.steps[entry.role.step]
        if fate != "sure":
            self.need(wires, name, entry.index)

    def _trace_cell(self, wires: Wires, entry: Entry) -> None:
        for name, line in entry.effects.reads.items():
            if name in entry.effects.hard:
                self._check_defined(entry, name, line)
            self.need(wires, name, entry.index)

    def _include(self, wires: Wires, entry: Entry) -> None:
        if entry.index not in wires.prelude:
            wires.prelude.add(entry.index)
            self._trace_cell(wires, entry)

    def _imports(self, wires: Wires, name: str, origin: Origin) -> bool:
        """Repeat the import statements that made a name, where nothing else did."""
        imports = origin.entry.effects.imports.get(name, ())
        if not imports or any(each.statement is None for each in imports):
            return False
        wires.imports.setdefault(origin.entry.index, set()).add(name)
        return True

    # --- names that nothing defines ---------------------------------------------------------

    def undefined(self, entry: Entry) -> Iterator[MlopsError]:
        """Yield an error for each name that a cell needs and nothing before it defines."""
        for name, line in entry.effects.reads.items():
            if name in entry.effects.hard:
                error = self._undefined(entry, name, line)
                if error is not None:
                    yield error

    def _check_defined(self, entry: Entry, name: str, line: int) -> None:
        error = self._undefined(entry, name, line)
        if error is not None:
            raise error

    def _undefined(self, entry: Entry, name: str, line: int) -> MlopsError | None:
        origin = self.origin(name, entry.index)
        if origin is not None and origin.fate != "deleted":
            return None
        if origin is None and _HISTORY.fullmatch(name):
            return MlopsError(
                "pipeline.hidden-output",
                f"`{name}` is the session's history of outputs, which a step does not have.",
                hint="give the value a name in the cell that makes it, and use that.",
                place=self.notebook.place(entry.cell, line),
            )
        if origin is None and name in ALWAYS_THERE:
            return None
        wild = entry.effects.wild
        if wild is not None and wild <= line:
            return None
        words, hint = self._why_undefined(entry, name, origin)
        return MlopsError(
            "pipeline.undefined-name",
            f"`{name}` is used before any cell defines it{words}.",
            hint=hint,
            place=self.notebook.place(entry.cell, line),
        )

    def _why_undefined(self, entry: Entry, name: str, origin: Origin | None) -> tuple[str, str]:
        if origin is not None:
            position = origin.entry.cell.position
            return (
                f" again: cell {position} deletes it",
                f"remove `del {name}` from cell {position}, or define `{name}` anew.",
            )
        for excluded, word in self._excluded():
            if name in excluded.effects.writes:
                position = excluded.cell.position
                return (
                    f": only cell {position} does, which is skipped (tag `{word}`)",
                    f"remove the tag `{word}` from cell {position}, or tag cell "
                    f"{entry.cell.position} `skip` too.",
                )
        for later in self.entries[entry.index + 1 :]:
            if name in later.effects.writes:
                position = later.cell.position
                return (
                    f": cell {position} does, which comes later",
                    f"move cell {position} above cell {entry.cell.position}.",
                )
        if name in entry.effects.writes:
            return "", f"line {entry.effects.writes[name]} of the cell defines it too late."
        return "", _did_you_mean(name, self._known(entry.index))

    def _excluded(self) -> Iterator[tuple[Entry, str]]:
        included = {entry.cell.position for entry in self.entries}
        for cell in self.notebook.code_cells:
            if cell.position in included:
                continue
            word = next((tag for tag in cell.tags if tag in ("skip", "test")), "skip")
            try:
                code = cell_code(cell, self.notebook)
            except MlopsError:
                continue
            effects = Namespace().run(code.operations)
            yield Entry(-1, Role(code, "excluded"), effects, Namespace()), word

    def _known(self, index: int) -> list[str]:
        return [name for name, found in self._history.items() if found[0] < index]


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"define `{name}` in a cell above, or restart the kernel and run all cells to see it."


def place_of_change(notebook: Notebook, entry: Entry, name: str) -> Place:
    """Return where a cell binds or changes a name."""
    effects = entry.effects
    line = effects.mutates.get(name) or effects.writes.get(name) or effects.deletes.get(name)
    return notebook.place(entry.cell, line)
