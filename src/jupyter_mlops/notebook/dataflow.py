"""Dataflow of one cell: what it reads, writes, changes in place and deletes, without running it.

A cell is parsed, turned into operations on names (`walker`), and these are followed (`namespace`).
Where static analysis cannot know it errs on the side of one read, one alias or one change too many.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from .._random_state import STATES
from ..errors import MlopsError, Place
from . import tags
from .document import Cell, Notebook
from .effects import ALWAYS_THERE
from .frame import NOWHERE
from .ipython_syntax import parse_cell
from .namespace import Namespace
from .operations import Operation
from .surroundings import surroundings
from .walker import operations


@dataclass(frozen=True, slots=True)
class CellFlow:
    """Static dataflow of one cell: name to first line.

    ``definitions`` are the functions and classes that the cell defines, with the global names
    that their code needs when it runs. ``optional`` are reads that may find nothing, such as
    those on one branch only.
    """

    reads: dict[str, int]
    writes: dict[str, int]
    mutates: dict[str, int]
    deletes: dict[str, int]
    definitions: dict[str, frozenset[str]]
    optional: frozenset[str]


@dataclass(frozen=True, slots=True)
class CellCode:
    """A parsed cell: its syntax tree, and its operations on names."""

    cell: Cell
    tree: ast.Module
    operations: tuple[Operation, ...]

    def text(self, node: ast.stmt) -> str | None:
        """Return the verbatim source of a statement, None where it is not plain Python."""
        return _statement_text(self.cell.source, node)


def cell_code(cell: Cell, notebook: Notebook | None = None) -> CellCode:
    """Parse a code cell; raises `MlopsError` ``pipeline.syntax`` with the line."""
    try:
        tree = parse_cell(cell.source)
    except SyntaxError as error:
        place = (
            notebook.place(cell, error.lineno)
            if notebook is not None
            else Place(None, cell.position, cell.id, error.lineno)
        )
        raise MlopsError(
            "pipeline.syntax",
            f"The cell is not valid Python: {error.msg}.",
            hint="mend the line, or tag the cell `skip`.",
            place=place,
        ) from None
    around = surroundings(notebook) if notebook is not None else NOWHERE
    followed = _ending_anywhere(tree) if tags.RAISES in cell.tags else tree
    found = operations(
        followed, lambda node: _statement_text(cell.source, node), around.folder, around
    )
    return CellCode(cell, tree, found)


def _ending_anywhere(tree: ast.Module) -> ast.Module:
    """Return a cell that may end with an error after which the notebook goes on."""
    if not tree.body:
        return tree
    handler = ast.ExceptHandler(None, None, [ast.Pass()])
    attempt = ast.copy_location(ast.Try(tree.body, [handler], [], []), tree.body[0])
    return ast.fix_missing_locations(ast.Module([attempt], []))


def cell_flow(cell: Cell, notebook: Notebook | None = None) -> CellFlow:
    """Return the dataflow of one cell, as if nothing were known of the cells before it."""
    namespace = Namespace()
    effects = namespace.run(cell_code(cell, notebook).operations)
    definitions = {
        name: namespace.needs(name) for name in effects.writes if namespace.defines(name)
    }
    hidden = ALWAYS_THERE | STATES
    return CellFlow(
        reads={n: line for n, line in effects.reads.items() if n not in hidden},
        writes={n: line for n, line in effects.writes.items() if n not in STATES},
        mutates={n: line for n, line in effects.mutates.items() if n not in STATES},
        deletes=effects.deletes,
        definitions=definitions,
        optional=frozenset(effects.reads) - effects.hard,
    )


def _statement_text(source: str, node: ast.stmt) -> str | None:
    lines = source.splitlines()
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    last = node.end_lineno or node.lineno
    if node.col_offset:
        text = ast.get_source_segment(source, node)
    else:
        text = "\n".join([*lines[first - 1 : last - 1], _cut(lines[last - 1], node)])
    if text is None:
        return None
    try:
        again = ast.parse(text).body
    except SyntaxError:
        return None
    return text if len(again) == 1 and ast.dump(again[0]) == ast.dump(node) else None


def _cut(line: str, node: ast.stmt) -> str:
    return line.encode()[: node.end_col_offset].decode()
