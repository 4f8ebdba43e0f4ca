"""Which cells all points of a sweep share: those before the first one that a parameter touches.

Swept parameters are assigned right before the first cell that may read or bind them. Up to
there every point's run is the same, so it is done once. A cell touches a parameter also through
the functions it calls; a cell that runs code nobody can see touches all of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..errors import MlopsError
from ..notebook.dataflow import cell_code
from ..notebook.document import Cell, Notebook
from ..notebook.namespace import Namespace
from ..notebook.parameters import parameters_cell
from ..rerun.injection import INJECTED

_SEES_ALL = re.compile(
    r"^\s*%(?:who\w*|store|reset\w*|run|load\w*|xdel)\b|__main__|_getframe|currentframe|f_globals",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Level:
    """``cell`` is the number of the cell before which ``names`` are assigned."""

    cell: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is executed, and where points part: ``levels``, in order of their cells.

    Cells count from 0: the code cells, with the injected one behind the parameters cell. There are
    ``size`` of them.
    """

    size: int
    levels: tuple[Level, ...]

    @property
    def shared(self) -> int:
        """How many cells all points share."""
        return self.levels[0].cell if self.levels else self.size

    def unused(self) -> Sequence[str]:
        """Return the swept parameters that no cell touches."""
        last = self.levels[-1] if self.levels else Level(0, ())
        return last.names if last.cell == self.size else ()


def executed_cells(notebook: Notebook) -> list[Cell]:
    """Return the cells that a run executes, but for the one that it injects."""
    return [cell for cell in notebook.code_cells if INJECTED not in cell.tags]


def make_plan(notebook: Notebook, swept: Collection[str]) -> Plan:
    """Follow the names of a notebook through its cells and return where the points part."""
    cells = executed_cells(notebook)
    home = parameters_cell(notebook)
    first = cells.index(home) + 1 if home is not None else 0
    names = Namespace()
    waiting = list(swept)
    found: dict[int, list[str]] = {}
    size = len(cells) + (home is not None)
    for number, cell in enumerate(cells):
        touched = _touched(notebook, cell, names, swept)
        if number < first:
            continue
        for name in [each for each in waiting if each in touched]:
            waiting.remove(name)
            found.setdefault(number + 1, []).append(name)  # behind the injected cell
    if waiting:
        found.setdefault(size, []).extend(waiting)
    return Plan(size, tuple(Level(number, tuple(found[number])) for number in sorted(found)))


def _touched(
    notebook: Notebook, cell: Cell, names: Namespace, swept: Collection[str]
) -> Collection[str]:
    try:
        effects = names.run(cell_code(cell, notebook).operations)
    except MlopsError:
        return swept
    if effects.wild is not None or _SEES_ALL.search(cell.source):
        return swept
    return {*effects.reads, *effects.fates, *effects.deletes}.intersection(swept)
