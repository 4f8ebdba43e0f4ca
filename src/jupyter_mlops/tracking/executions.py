"""The executions of a run's cells, with what each did to the variables."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..errors import MlopsError
from ..notebook.dataflow import CellFlow, cell_flow
from ..notebook.document import Cell
from ..notebook.ipython_syntax import parse_cell
from ..notebook.observed import ObservedCell, ObservedFlow, source_digest

Names = frozenset[str]
_NOTHING: Names = frozenset()
_OK = "ok"


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of a cell.

    ``binds`` are variables that got another object, ``changes`` those whose object may be another
    inside, ``needs`` what the functions of the cell use when they are called. ``observed`` says
    that the kernel was watched; else it is what the code says.
    """

    order: int
    cell: str | None
    position: int | None
    source: str
    outcome: str
    again: int
    out_of_order: bool
    tags: tuple[str, ...]
    reads: Names
    binds: Names
    changes: Names
    needs: Mapping[str, Names]
    observed: bool

    @property
    def place(self) -> str:
        """The cell's name for people."""
        return f"cell {self.position}" if self.position is not None else f"execution {self.order}"

    @property
    def is_imports(self) -> bool:
        """Whether the cell only imports."""
        tree = tree_of(self.source)
        kinds = {type(node) for node in tree.body} if tree is not None else set()
        return bool(kinds) and kinds <= {ast.Import, ast.ImportFrom}

    def to_dict(self) -> dict[str, Any]:
        return {
            "order": self.order,
            "id": self.cell,
            "position": self.position,
            "source": self.source,
            "outcome": self.outcome,
            "again": self.again,
            "out_of_order": self.out_of_order,
            "observed": self.observed,
        }


def executions(cells: Sequence[Mapping[str, Any]], flow: Any) -> list[Execution]:
    """Return the executions that ``cells.json`` and ``flow.json`` of a run tell of, in order."""
    seen = _seen(flow)
    found = []
    for cell in cells:
        watched = seen.get((cell.get("id"), source_digest(cell["source"])))
        observed = watched.popleft() if watched and cell["outcome"] == _OK else None
        found.append(_execution(cell, observed))
    return found


def _seen(flow: Any) -> dict[tuple[str | None, str], deque[ObservedCell]]:
    try:
        cells = ObservedFlow.from_dict(flow).cells if flow else ()
    except msgspec.ValidationError:
        cells = ()
    found: dict[tuple[str | None, str], deque[ObservedCell]] = {}
    for each in cells:
        found.setdefault((each.cell, each.source_digest), deque()).append(each)
    return found


def _execution(cell: Mapping[str, Any], observed: ObservedCell | None) -> Execution:
    static = _static(cell)
    reads, changes = _NOTHING, _NOTHING
    binds = _NOTHING
    needs: dict[str, Names] = {}
    if static is not None:
        reads, needs = frozenset(static.reads), dict(static.definitions)
        binds = frozenset(static.writes) & _certain(cell["source"])
        changes = frozenset(static.mutates) | (frozenset(static.writes) - binds)
    if observed is not None:
        reads |= frozenset(observed.reads)
        # A variable may be bound to the very object that it was bound to before.
        binds |= frozenset(observed.binds)
        # What was looked at and stayed what it was did not change, whatever the code may do.
        changes = frozenset(observed.changes) | (changes & frozenset(observed.unknown))
    elif cell["outcome"] != _OK:
        # It may have stopped before: what stood there before may still count.
        changes, binds = changes | binds, _NOTHING
    return Execution(
        order=cell["order"],
        cell=cell.get("id"),
        position=cell.get("position"),
        source=cell["source"],
        outcome=cell["outcome"],
        again=cell.get("again") or 1,
        out_of_order=bool(cell.get("out_of_order")),
        tags=tuple(cell.get("tags") or ()),
        reads=reads,
        binds=binds,
        changes=changes - binds,
        needs=needs,
        observed=observed is not None,
    )


def _static(cell: Mapping[str, Any]) -> CellFlow | None:
    try:
        return cell_flow(
            Cell(cell.get("id") or "", cell.get("position") or 0, "code", cell["source"])
        )
    except (MlopsError, RecursionError):
        return None


def _certain(source: str) -> Names:
    """Return the names that code binds on every way through it."""
    tree = tree_of(source)
    found: set[str] = set()
    for node in tree.body if tree is not None else []:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(each.asname or each.name).partition(".")[0] for each in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.With | ast.Expr):
            names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
            found |= {each.id for each in names if isinstance(each.ctx, ast.Store)}
    return frozenset(found)


def tree_of(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell, None where it is no Python."""
    try:
        return parse_cell(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
