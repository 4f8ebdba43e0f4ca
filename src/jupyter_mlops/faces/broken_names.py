"""Which variables a failed cell leaves without a value that can be relied on."""

from __future__ import annotations

from ..errors import MlopsError
from ..notebook.dataflow import CellFlow, cell_flow
from ..notebook.document import Cell, Notebook

_NOTHING = CellFlow({}, {}, {}, {}, {}, frozenset())


class BrokenNames:
    """Follows the names that cells make, so that a cell which needs a broken one is not run."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._flows: dict[str, CellFlow] = {}
        self._broken: dict[str, str] = {}
        self._needs: dict[str, frozenset[str]] = {}
        """What the functions that were defined need when they are called."""

    def reason(self, cell: Cell) -> str:
        """Return why a cell cannot run; empty where it can."""
        flow = self._flow(cell)
        waiting = [*flow.reads, *flow.mutates]
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self._broken:
                return f"`{name}` comes from {self._broken[name]}"
            waiting += self._needs.get(name, ())
        return ""

    def add(self, cell: Cell, *, failed: bool) -> None:
        """Take what a cell makes or changes for broken."""
        flow = self._flow(cell)
        how = "failed" if failed else "was skipped"
        for name in (*flow.writes, *flow.mutates, *flow.definitions):
            self._broken[name] = f"cell {cell.position}, which {how}"

    def mend(self, cell: Cell) -> None:
        """Take what a cell has made anew for whole."""
        flow = self._flow(cell)
        for name in flow.writes:
            self._broken.pop(name, None)
            self._needs.pop(name, None)
        self._needs.update(flow.definitions)

    def _flow(self, cell: Cell) -> CellFlow:
        if cell.id not in self._flows:
            try:
                self._flows[cell.id] = cell_flow(cell, self._notebook)
            except MlopsError:  # it will fail, and say where
                self._flows[cell.id] = _NOTHING
        return self._flows[cell.id]
