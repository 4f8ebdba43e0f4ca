r"""The percent format: cells as a plain Python file, and back without loss.

Each cell begins with ``# %% [cell 7, id=a1b2] tags=["step:train"]``, as editors and jupytext know
it. A cell that is not plain Python, because of a magic or ``!command``, stands commented below a
marker that says ``[ipython]``. A line of a cell that would read as a marker itself is kept
apart by a backslash: ``# \%%``.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterable

from ..errors import MlopsError, Place
from ..notebook.document import Cell

_MARKER = "# %% [cell "
_MARKER_LINE = re.compile(
    r'# %% \[cell (?P<position>\d+), id=(?P<id>[\w-]+|"(?:[^"\\]|\\.)*")\]'
    r"(?P<ipython> \[ipython\])?(?: tags=(?P<tags>\[.*\]))?"
)
_ESCAPED = re.compile(r"^# (\\*)%%", re.MULTILINE)
_UNESCAPED = re.compile(r"^# \\(\\*)%%", re.MULTILINE)
_PLAIN_ID = re.compile(r"[\w-]+", re.ASCII)


def write(cells: Iterable[Cell], header: str = "") -> str:
    """Return the text of a script; ``header`` is a comment or docstring that stands first."""
    parts = [f"{header.rstrip()}\n"] if header.strip() else []
    for cell in cells:
        plain = _is_plain(cell.source)
        source = cell.source if plain else _comment(cell.source)
        source = _ESCAPED.sub(r"# \\\1%%", source)
        parts.append(f"{_marker(cell, plain)}\n{source}\n")
    return "\n".join(parts)


def parse(text: str, *, name: str) -> tuple[Cell, ...]:
    """Return the cells of a script, verbatim; ``name`` stands in errors.

    Raises `MlopsError` ``script.invalid`` for a marker that cannot be read.
    """
    cells: list[Cell] = []
    blocks: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("# %%"):
            blocks.append((number, line.rstrip("\r "), []))
        elif blocks:
            blocks[-1][2].append(line)
    for number, marker, lines in blocks:
        found = _MARKER_LINE.fullmatch(marker)
        if found is None:
            raise MlopsError(
                "script.invalid",
                f"The line `{marker}` is no marker of a cell.",
                hint='write `# %% [cell N, id=ID] tags=["step:name"]`, or promote again.',
                place=Place(name, line=number),
            )
        if lines and lines[-1] == "":
            lines.pop()
        source = _UNESCAPED.sub(r"# \1%%", "\n".join(lines))
        cells.append(_cell(found, source))
    return tuple(cells)


def _marker(cell: Cell, plain: bool) -> str:
    identifier = cell.id if _PLAIN_ID.fullmatch(cell.id) else json.dumps(cell.id)
    tags = f" tags={json.dumps(list(cell.tags))}" if cell.tags else ""
    return f"{_MARKER}{cell.position}, id={identifier}]{'' if plain else ' [ipython]'}{tags}"


def _cell(marker: re.Match[str], source: str) -> Cell:
    identifier = marker["id"]
    if identifier.startswith('"'):
        identifier = json.loads(identifier)
    return Cell(
        id=identifier,
        position=int(marker["position"]),
        kind="code",
        source=_uncomment(source) if marker["ipython"] else source,
        tags=tuple(json.loads(marker["tags"])) if marker["tags"] else (),
    )


def _is_plain(source: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(source, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return False
    return True


def _comment(source: str) -> str:
    return "\n".join(f"# {line}" if line else "#" for line in source.split("\n"))


def _uncomment(source: str) -> str:
    return "\n".join(line[2:] for line in source.split("\n"))
