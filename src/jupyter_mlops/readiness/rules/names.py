"""Cells that cannot run, or that ran only thanks to what the kernel still held."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...notebook.effects import ALWAYS_THERE
from ...pipeline.wiring import Entry
from ..context import Context
from ..finding import Finding, Severity
from ..rule import Found, rule

_HISTORY = "pipeline.hidden-output"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@rule(
    "syntax-error",
    "error",
    what="a cell that is not valid Python",
    why="The cell cannot run, here or anywhere.",
    fix="mend the line, or tag the cell `skip`.",
    example="`def f(:`",
)
def syntax_error(context: Context) -> Iterator[Found]:
    if len(context.codes) == len(context.cells):
        return
    cells = {cell.position: cell for cell in context.cells}
    for error in context.broken:
        place = error.place
        if place is not None and place.cell is not None:
            yield Found(_plain(error.message), cells[place.cell], place.line)


@rule(
    "undefined-name",
    "error",
    what="a name that no cell above defines",
    why="In a fresh kernel the cell fails with a NameError.",
    fix="define the name in a cell above.",
    example="`totl + 1` below `total = 1`",
)
def undefined_name(context: Context) -> Iterator[Found]:
    # What a broken cell was to define is not missing for a reason of its own.
    told = {
        word
        for error in context.broken
        for cell in context.cells
        if error.place is not None and error.place.cell == cell.position
        for word in re.findall(r"\w+", cell.source)
    }
    for entry in context.entries:
        for error in context.wiring.undefined(entry):
            name = error.message.split("`")[1]
            if error.code == _HISTORY or name in told:
                continue
            told.add(name)
            line = error.place.line if error.place else None
            yield Found(_plain(error.message), entry.cell, line, error.hint)
    if all(entry.effects.wild is None for entry in context.entries):
        for entry in context.entries:
            if any(isinstance(node, _FUNCTIONS) for node in entry.code.tree.body):
                for name, found in _in_functions(context, entry):
                    if name not in told:
                        told.add(name)
                        yield found


def _in_functions(context: Context, entry: Entry) -> Iterator[tuple[str, Found]]:
    """Yield the globals that a cell's functions use and no cell ever binds."""
    after = entry.before.copy()
    effects = after.run(entry.code.operations)
    missing = {
        name
        for defined in effects.writes
        if after.defines(defined)
        for name in after.needs(defined)
        if "@" not in name
    }
    missing -= context.bound | ALWAYS_THERE | effects.hard
    for name in sorted(missing):
        line = next(
            (
                node.lineno
                for node in ast.walk(entry.code.tree)
                if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            ),
            None,
        )
        if line is not None and not _is_guarded(entry.code.tree, name):
            words = f"`{name}` is used in a function, and no cell defines it"
            yield name, Found(words, entry.cell, line, severity="warning")


def _ran_in_order(context: Context) -> bool:
    """Tell whether the file says that it was never run, or once from top to bottom."""
    counts = [cell.execution_count for cell in context.notebook.code_cells]
    executed = [count for count in counts if count is not None]
    return executed == list(range(1, len(executed) + 1))


def _is_guarded(tree: ast.Module, name: str) -> bool:
    """Tell whether a name is used where its absence is caught, or is bound in some other way."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(
            isinstance(inner, ast.Name) and inner.id == name
            for each in node.body
            for inner in ast.walk(each)
        ):
            return True
        if isinstance(node, ast.Global) and name in node.names:
            return True
    return False


def _plain(message: str) -> str:
    return message.removesuffix(".")


class _HiddenState:
    """Findings are those of `find_ghosts`, with its own words of what to do."""

    id = "hidden-state"
    severity: Severity = "error"
    what = "a value that only the open kernel has"
    why = "Run in order in a fresh kernel, the cell is given another value or none."
    fix = "restart the kernel and run all cells in order."
    example = "a cell that was executed, then deleted"

    def check(self, context: Context) -> Iterator[Finding]:
        from ...notebook.ghosts import find_ghosts

        undefined: set[tuple[int | None, str]] = set()
        for entry in context.entries:
            for error in context.wiring.undefined(entry):
                place = error.place or context.notebook.place()
                if error.code == _HISTORY:
                    # Run in order, the history is there; only a step has none.
                    severity: Severity = "error" if context.has_steps else "note"
                    message = _plain(error.message)
                    yield Finding(self.id, severity, message, self.why, error.hint, place)
                undefined.add((place.cell, error.message.split("`")[1]))
        if context.kernel is None and _ran_in_order(context):
            return
        for ghost in find_ghosts(context.notebook, context.kernel):
            if (ghost.place.cell, ghost.name) not in undefined:
                yield Finding(self.id, "error", ghost.message, self.why, ghost.fix, ghost.place)


hidden_state = _HiddenState()
