"""What was executed of a notebook, and in which order, beside the order of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import MlopsError
from .dataflow import CellCode, cell_code
from .document import Cell, Notebook
from .kernel_state import KernelState
from .leavings import Leaving, Version, apply, leavings
from .observed import source_digest
from .readers import Flow


@dataclass(slots=True)
class Execution:
    """A cell was executed, named by its number; None where its source is not there any more."""

    cell: int | None
    leavings: list[Leaving]
    order: int
    cell_id: str = ""


class Past:
    """The cells of the notebook, followed in its order."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.cells = [cell for cell in notebook.code_cells if _is_python(cell)]
        self.flow = Flow(notebook, self.cells)
        self.folder = str(notebook.path.parent)
        self.modules = {name for each in self.flow.cells for name in each.effects.imports}
        self.leavings = [self.of(each.code) for each in self.flow.cells]
        self.texts = {(e.name, e.text) for found in self.leavings for e in found}

    def of(self, code: CellCode) -> list[Leaving]:
        """Return what a cell leaves; the settings of a module are no other module."""
        found = leavings(code, self.folder)
        return [e for e in found if e.how == "sets" or e.name not in self.modules]

    def version(self, name: str, number: int, executed: set[int] | None = None) -> Version | None:
        """Return what a name is when a cell starts, in order; of ``executed`` cells only."""
        versions: dict[str, Version] = {}
        for earlier in range(number):
            if executed is None or earlier in executed:
                apply(versions, [e for e in self.leavings[earlier] if e.name == name])
        return versions.get(name)

    def leaves(self, number: int, name: str) -> bool:
        return any(each.name == name for each in self.leavings[number])

    def position(self, number: int) -> int:
        return self.cells[number].position


def executed_by(past: Past, kernel: KernelState) -> list[Execution]:
    """Return a kernel's executions, each with the cell of the notebook that it was."""
    by_digest: dict[str, list[int]] = {}
    for number, each_cell in enumerate(past.cells):
        by_digest.setdefault(source_digest(each_cell.source), []).append(number)
    found: list[Execution] = []
    for each in kernel.executed:
        same = by_digest.get(each.source_digest, [])
        own = [one for one in same if past.cells[one].id == each.cell_id]
        # Another id, but the same source: cutting and pasting gives new ids.
        cell = next(iter([*own, *same]), None)
        left = past.leavings[cell] if cell is not None else _leavings_of(each.source, past)
        found.append(Execution(cell, left, each.order, each.cell_id))
    return found


def counted(past: Past) -> list[Execution]:
    """Return each cell's last execution, as the notebook's counts tell; none if they cannot."""
    counts = [(c.execution_count, n) for n, c in enumerate(past.cells) if c.execution_count]
    if len({count for count, _ in counts}) < len(counts):
        return []  # of several kernels
    return [Execution(n, past.leavings[n], count) for count, n in sorted(counts)]


def first_gap(executions: Sequence[Execution]) -> int:
    """Return the first count after which some execution is not in the notebook any more."""
    for expected, each in enumerate(executions, 1):
        if each.order != expected:
            return expected
    return len(executions) + 1


def _leavings_of(source: str, past: Past) -> list[Leaving]:
    try:
        return past.of(cell_code(Cell("", 0, "code", source)))
    except MlopsError:
        return []


def _is_python(cell: Cell) -> bool:
    try:
        cell_code(cell)
    except MlopsError:
        return False
    return True
