"""What `skip` cells would change for cells below: the pipeline goes without it, so it is told."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ..errors import MlopsError
from ..notebook import tags
from ..notebook.dataflow import cell_code
from ..notebook.document import Cell, Notebook
from ..notebook.effects import Effects
from .model import Notice
from .wiring import Entry


def notices(notebook: Notebook, entries: Sequence[Entry]) -> list[Notice]:
    """Tell of variables that a skipped cell changes and a cell below reads."""
    found: list[Notice] = []
    for cell in notebook.code_cells:
        if tags.SKIP.isdisjoint(cell.tags):
            continue
        below = [entry for entry in entries if entry.cell.position > cell.position]
        for name, line, reader in _missed(notebook, cell, below):
            words = (
                f"cell {cell.position} is skipped, so cell {reader.cell.position} does not see "
                f"what it does to `{name}`"
            )
            found.append(Notice(words, notebook.place(cell, line)))
    return found


def _missed(
    notebook: Notebook, cell: Cell, below: Sequence[Entry]
) -> Iterator[tuple[str, int, Entry]]:
    if not below:
        return
    try:
        code = cell_code(cell, notebook)
    except MlopsError:
        return  # a skipped cell need not be Python
    effects = below[0].before.copy().run(code.operations)
    for name, line in _changes(effects, code.tree).items():
        reader = _first_reader(name, below)
        if reader is not None:
            yield name, line, reader


def _changes(effects: Effects, tree: ast.Module) -> dict[str, int]:
    """Return what a cell binds, deletes, or changes by its own code; imports are no change.

    What a function only might do to its arguments does not count: it is rarely so, and a plot of a
    frame is what `skip` is for.
    """
    own = {
        _root(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Subscript)
    }
    mutates = {name: line for name, line in effects.mutates.items() if name in own}
    changed = {**mutates, **effects.deletes, **effects.writes}
    return {n: at for n, at in changed.items() if n not in effects.imports and n.isidentifier()}


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _first_reader(name: str, below: Sequence[Entry]) -> Entry | None:
    """Return the first cell that reads the variable, unless it is bound anew before."""
    for entry in below:
        if name in entry.effects.reads:
            return entry
        if entry.effects.fates.get(name) in ("sure", "deleted"):
            return None
    return None
