"""Ghost state: what cells were given that running all cells in order would not give them.

A name may exist only through a cell that was deleted, edited, executed in another order or more
than once. Each name has a version: the statements that made it what it is. Cells are followed in
the order of the notebook, and as they were really executed; where a cell was last executed with
another version than the order of the notebook gives it, that is a ghost. A notebook that was
merely edited since is none: what was executed from above a cell is compared, no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import Place
from .document import Notebook
from .effects import ALWAYS_THERE
from .kernel_state import Executed, KernelState
from .leavings import Leaving, Version, apply
from .past import Execution, Past, counted, executed_by, first_gap
from .tags import SKIP, TEST

__all__ = ["Executed", "Ghost", "KernelState", "find_ghosts"]

_IN_ORDER = "restart the kernel and run all cells in order"


@dataclass(frozen=True, slots=True)
class Ghost:
    """A name that a cell reads and that running the notebook in order would not give it so."""

    name: str
    message: str
    fix: str
    place: Place

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "message": self.message,
            "fix": self.fix,
            "place": self.place.to_dict(),
        }


def find_ghosts(notebook: Notebook, kernel: KernelState | None = None) -> tuple[Ghost, ...]:
    """Return the ghosts that the live kernel or the saved execution counts prove, by cell.

    Where the kernel has executed none of the notebook's cells, the counts are looked at.
    """
    past = Past(notebook)
    executions = executed_by(past, kernel) if kernel is not None else []
    if any(each.cell is not None for each in executions):
        assert kernel is not None
        found = _Search(past, executions, frozenset(kernel.names), known_from=0).ghosts()
    else:
        executions = counted(past)
        found = _Search(past, executions, frozenset(), known_from=first_gap(executions)).ghosts()
    first: dict[str, Ghost] = {}
    for ghost in found:
        first.setdefault(ghost.name, ghost)
    return tuple(first.values())


@dataclass(slots=True)
class _Search:
    """Compares how cells were executed with the order of the notebook.

    Executions whose order is below ``known_from`` may not be all there were: the counts that a
    notebook keeps are those of each cell's last execution.
    """

    past: Past
    executions: Sequence[Execution]
    names: frozenset[str]
    known_from: int
    last: dict[int, int] = field(default_factory=dict)

    def ghosts(self) -> Iterator[Ghost]:
        self.last = {e.cell: i for i, e in enumerate(self.executions) if e.cell is not None}
        for number, cell in enumerate(self.past.cells):
            if (SKIP | TEST) & set(cell.tags):
                continue
            effects = self.past.flow.cells[number].effects
            undefined = set(self.past.flow.undefined(number))
            for name, line in effects.reads.items():
                if not name.isidentifier():
                    continue  # the state of random numbers: what a run draws is no ghost
                if name in undefined:
                    words = self._undefined(number, name)
                elif name in ALWAYS_THERE or number not in self.last:
                    continue
                else:
                    words = self._different(number, name)
                if words is not None:
                    yield Ghost(name, *words, self.past.notebook.place(cell, line))

    def _undefined(self, number: int, name: str) -> tuple[str, str] | None:
        """Tell of a name that no cell above makes, where a cell was executed with it."""
        here = self.past.position(number)
        at = self.last.get(number)
        before = self.executions[:at] if at is not None else []
        maker = next((e for e in reversed(before) if _leaves(e, name)), None)
        if maker is not None and maker.cell is not None:
            return self._below(number, name, maker.cell)
        below = [n for n in range(len(self.past.cells)) if self.past.leaves(n, name)]
        if maker is None and name not in self.names and (at is None or below):
            return None
        if below and maker is None:
            return self._below(number, name, below[0])
        where = "is in the kernel" if name in self.names else f"is read by cell {here}"
        return (
            f"`{name}` {where}, but no cell makes it: the one that did was deleted or edited.",
            f"write above cell {here} what makes `{name}`, then {_IN_ORDER}.",
        )

    def _below(self, number: int, name: str, maker: int) -> tuple[str, str]:
        here, there = self.past.position(number), self.past.position(maker)
        if here == there:
            return (
                f"Cell {here} reads `{name}` that it had made itself when it was executed before.",
                f"make `{name}` in a cell above, then {_IN_ORDER}.",
            )
        return (
            f"Cell {here} was executed after cell {there}, which made `{name}` and stands below.",
            f"move cell {there} above cell {here}, then {_IN_ORDER}.",
        )

    def _different(self, number: int, name: str) -> tuple[str, str] | None:
        """Tell of a name that was something else when a cell was last executed."""
        at = self.last[number]
        before = self.executions[:at]
        if self._may_have_run_before(number, name, at):
            return None
        versions: dict[str, Version] = {}
        for each in before:
            apply(versions, [e for e in each.leavings if e.name == name])
        found = versions.get(name)
        if found is None:
            return self._too_early(number, name, at)
        effects = self.past.flow.cells[number].effects
        binds = name in effects.writes and name not in effects.hard
        if binds and self.past.version(name, number) is None:
            return None  # the cell binds the name itself, unless a loop in it never begins
        # What a cell does to a name over and over again is no other version for itself.
        own = {e.text for e in self.past.leavings[number] if e.name == name and e.how == "changes"}
        found = _without(found, own)
        for cells in (None, self._at_hand(before)):
            if found == _without(self.past.version(name, number, cells) or (), own):
                return None
        return self._why(number, name, found, before)

    def _at_hand(self, before: Sequence[Execution]) -> set[int]:
        """Return the cells that were executed, without those that were edited since ``before``."""
        ids = {each.cell_id for each in before}
        done = {each.cell for each in before}
        return {n for n in self.last if n in done or self.past.cells[n].id not in ids}

    def _too_early(self, number: int, name: str, at: int) -> tuple[str, str] | None:
        """Tell of a cell that the counts prove to have run before the one that makes a name."""
        maker = next(self.past.flow.makers(number, name), None)
        if self.known_from == 0 or maker is None or self.last.get(maker, -1) < at:
            return None
        here, there = self.past.position(number), self.past.position(maker)
        return (
            f"Cell {here} was executed before cell {there}, which makes `{name}`.",
            f"{_IN_ORDER}.",
        )

    def _why(
        self, number: int, name: str, found: Version, before: Sequence[Execution]
    ) -> tuple[str, str] | None:
        here = self.past.position(number)
        made_by = [e for e in before if any(each.text in found for each in _of(e, name))]
        gone = [text for text in found if (name, text) not in self.past.texts]
        if gone:
            lost = next(e for e in reversed(made_by) if {x.text for x in _of(e, name)} & set(gone))
            if self._is_edited(number, name, lost, before):
                return None
            return (
                f"A cell that was deleted or edited had made or changed `{name}` before cell "
                f"{here} was executed.",
                f"write above cell {here} what it did to `{name}`, or {_IN_ORDER} to see the "
                "results without it; a notebook with unsaved changes has to be saved first.",
            )
        below = [e.cell for e in made_by if e.cell is not None and e.cell > number]
        if below:
            there = self.past.position(below[-1])
            return (
                f"Cell {here} was executed after cell {there}, which stands below and made or "
                f"changed `{name}`.",
                f"{_IN_ORDER}, or move cell {there} above cell {here}.",
            )
        done = {e.cell for e in before}
        late = [
            n
            for n in range(number)
            if n in self.last and n not in done and self.past.leaves(n, name)
        ]
        if late:
            there = self.past.position(late[-1])
            return (
                f"Cell {here} was executed before cell {there}, which makes or changes `{name}`.",
                f"{_IN_ORDER}.",
            )
        often = Counter(found)
        for each in made_by:
            times = max((often[x.text] for x in _of(each, name)), default=1)
            if each.cell is not None and times > 1:
                there = self.past.position(each.cell)
                return (
                    f"Cell {there} was executed {times} times before cell {here} read `{name}`, "
                    "and changes it each time.",
                    f"{_IN_ORDER}, or let cell {there} give its result a name of its own.",
                )
        maker = made_by[-1].cell if made_by else None
        if maker == number:
            return (
                f"Cell {here} was executed more than once, and changes `{name}` each time.",
                f"{_IN_ORDER}, or let cell {here} give its result a name of its own.",
            )
        again = f"cell {self.past.position(maker)}" if maker is not None else "a cell above"
        return (
            f"Before cell {here} was executed, the cells above it ran in another order: "
            f"{again} was the last one that made or changed `{name}`.",
            f"{_IN_ORDER}, or put the cells in the order that you mean.",
        )

    def _is_edited(
        self, number: int, name: str, lost: Execution, before: Sequence[Execution]
    ) -> bool:
        """Tell whether a source that is gone is only an earlier state of a cell above."""
        for each, cell in enumerate(self.past.cells):
            if cell.id == lost.cell_id:
                return self.past.leaves(each, name)
        if lost.cell_id:
            return False
        maker = next(self.past.flow.makers(number, name), None)
        earlier = {e.cell for e in before if e.order < lost.order}
        return maker is not None and maker not in earlier

    def _may_have_run_before(self, number: int, name: str, at: int) -> bool:
        """Tell whether a cell above was executed later, and may have been before as well."""
        order = self.executions[at].order
        return order >= self.known_from > 0 and any(
            self.past.leaves(earlier, name) and self.last.get(earlier, -1) > at
            for earlier in range(number)
        )


def _leaves(execution: Execution, name: str) -> bool:
    return bool(_of(execution, name))


def _of(execution: Execution, name: str) -> list[Leaving]:
    return [each for each in execution.leavings if each.name == name]


def _without(version: Version, texts: set[str]) -> Version:
    return tuple(text for text in version if text not in texts)
