"""Lines that are no Python: ``!pip install x``, ``%cd data``, the body of ``%%bash``."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..notebook.document import Cell

SHELL = "!"
_LINE = re.compile(
    r"^\s*(?:[\w.,\s\[\]'\"]+=\s*)?(?:(?P<shell>!{1,2})|%(?P<magic>\w+))[ \t]*(?P<text>.*)$"
)
_SHELL_MAGICS = frozenset({"sh", "bash", "script", "system", "sx", "sc"})


@dataclass(frozen=True, slots=True)
class Command:
    """One line; ``name`` is ``!`` for a shell's, else the magic's."""

    cell: Cell
    line: int
    name: str
    text: str


def commands(cells: Iterable[Cell]) -> Iterator[Command]:
    """Yield the lines of cells that IPython takes for magics or hands to a shell."""
    for cell in cells:
        if ("!" in cell.source or "%" in cell.source) and not _is_python(cell.source):
            yield from _commands(cell)


def _commands(cell: Cell) -> Iterator[Command]:
    lines = cell.source.split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        name, _, text = lines[first][2:].partition(" ")
        yield Command(cell, first + 1, name, text.strip())
        if name in _SHELL_MAGICS:
            for number, line in enumerate(lines[first + 1 :], first + 2):
                if line.strip() and not line.lstrip().startswith("#"):
                    yield Command(cell, number, SHELL, line.strip())
            return
        if name not in ("time", "timeit", "capture", "prun"):
            return
    for number, line in enumerate(lines, 1):
        if match := _LINE.match(line):
            if match["shell"] or match["magic"] in _SHELL_MAGICS:
                yield Command(cell, number, SHELL, match["text"].strip())
            else:
                yield Command(cell, number, match["magic"], match["text"].strip())


def _is_python(source: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True
