"""Who reads what each cell leaves, in the order of the notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .dataflow import CellCode, cell_code
from .document import Cell, Notebook
from .effects import ALWAYS_THERE, Effects
from .namespace import Namespace


@dataclass(frozen=True, slots=True)
class Followed:
    """A code cell with what it does to the names that the cells above it left."""

    code: CellCode
    effects: Effects

    @property
    def cell(self) -> Cell:
        return self.code.cell


class Flow:
    """Cells followed from the first to the last; they are named by their number in ``cells``.

    Raises `MlopsError` ``pipeline.syntax``.
    """

    def __init__(self, notebook: Notebook, cells: Sequence[Cell]) -> None:
        namespace = Namespace()
        self.cells = [
            Followed(code, namespace.run(code.operations))
            for code in (cell_code(cell, notebook) for cell in cells)
        ]
        self._history: dict[str, list[int]] = {}
        for number, each in enumerate(self.cells):
            for name in each.effects.fates:
                self._history.setdefault(name, []).append(number)

    def makers(self, number: int, name: str) -> Iterator[int]:
        """Yield the cells whose work a cell finds in a name when it starts, the last one first."""
        for earlier in reversed(self._history.get(name, ())):
            if earlier < number:
                yield earlier
                if self.cells[earlier].effects.fates[name] in ("sure", "deleted"):
                    return

    def readers(self) -> list[dict[str, list[int]]]:
        """Return for each cell the names that it leaves to others, with their readers."""
        found: list[dict[str, list[int]]] = [{} for _ in self.cells]
        for number, each in enumerate(self.cells):
            for name in each.effects.reads:
                for maker in self.makers(number, name):
                    found[maker].setdefault(name, []).append(number)
        return found

    def undefined(self, number: int) -> list[str]:
        """Return the names that a cell needs and no cell above it makes."""
        effects = self.cells[number].effects
        wild = any(each.effects.wild is not None for each in self.cells[:number])
        if wild:
            return []
        return [
            name
            for name in effects.reads
            if name in effects.hard
            and name not in ALWAYS_THERE
            and next(self.makers(number, name), None) is None
        ]
