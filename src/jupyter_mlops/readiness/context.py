"""What rules look at: the notebook, parsed and followed once for all of them."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import MlopsError
from ..notebook import tags
from ..notebook.dataflow import CellCode, cell_code
from ..notebook.document import Cell, Notebook
from ..pipeline.grouping import Role
from ..pipeline.wiring import Entry, Wiring, follow
from .shell import Command, commands

if TYPE_CHECKING:
    from ..notebook.ghosts import KernelState

Made = TypeVar("Made")


@dataclass
class Context:
    """A notebook as rules see it.

    ``text`` is what its file holds, as far as there is one; ``kernel`` the state of the kernel
    that runs it, where that is known.
    """

    notebook: Notebook
    text: str | None = None
    kernel: KernelState | None = None
    broken: list[MlopsError] = field(default_factory=list)
    """The cells that are not valid Python."""
    _made: dict[type, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.notebook.path.parent

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The code cells that production runs: all but those tagged ``skip`` or ``test``."""
        return tuple(
            cell
            for cell in self.notebook.code_cells
            if not set(cell.tags) & (tags.SKIP | tags.TEST)
        )

    @cached_property
    def has_steps(self) -> bool:
        return any(
            tag.startswith(tags.STEP_PREFIXES) and not tag.endswith(":")
            for cell in self.notebook.code_cells
            for tag in cell.tags
        )

    @cached_property
    def codes(self) -> tuple[CellCode, ...]:
        """Those of ``cells`` that are valid Python, parsed."""
        self.broken.clear()
        return tuple(self._parsed(self.cells))

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """The lines that are magics or a shell's."""
        return tuple(commands(self.cells))

    @cached_property
    def entries(self) -> list[Entry]:
        """The parsed cells with what they do to names."""
        return follow([Role(code, "step", "notebook") for code in self.codes])

    @cached_property
    def wiring(self) -> Wiring:
        return Wiring(self.notebook, self.entries)

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that any of the cells binds."""
        return frozenset(name for entry in self.entries for name in entry.effects.writes)

    @cached_property
    def modules(self) -> dict[str, str]:
        """What names stand for: modules and what is imported from them, in full."""
        found: dict[str, str] = {}
        for code in self.codes:
            for node in ast.walk(code.tree):
                if isinstance(node, ast.Import):
                    for alias in node.names:
                        root = alias.name.partition(".")[0]
                        found[alias.asname or root] = alias.name if alias.asname else root
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    for alias in node.names:
                        found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return found

    @cached_property
    def outputs(self) -> list[tuple[Cell, list[dict[str, Any]]]]:
        """The outputs that the file holds, for each code cell that has some."""
        try:
            raw = json.loads(self.text or "")["cells"]
        except (ValueError, KeyError, TypeError):
            return []
        return [
            (cell, outputs)
            for cell, each in zip(self.notebook.cells, raw, strict=False)
            if cell.kind == "code" and (outputs := each.get("outputs") or [])
        ]

    def once(self, kind: type[Made], make: Callable[[], Made]) -> Made:
        """Return what ``make`` makes; it is made once, however many rules ask for it."""
        if kind not in self._made:
            self._made[kind] = make()
        made: Made = self._made[kind]
        return made

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[tuple[CellCode, Any]]:
        """Yield the nodes of these kinds of all cells, with their cell."""
        for code in self.codes:
            for node in ast.walk(code.tree):
                if isinstance(node, kinds):
                    yield code, node

    def calls(self) -> Iterator[tuple[CellCode, ast.Call, str]]:
        """Yield all calls with the full name of what is called, as far as imports tell it."""
        for code, node in self.nodes(ast.Call):
            yield code, node, self.full_name(node.func)

    def full_name(self, node: ast.expr) -> str:
        """Return ``pandas.read_csv`` for ``pd.read_csv``; for a method ``.name``; or nothing."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return f".{parts[0]}" if parts else ""
        root = self.modules.get(node.id)
        if root is None and parts:
            return f".{parts[0]}"
        return ".".join([root or node.id, *reversed(parts)])

    def lines(self) -> Iterator[tuple[Cell, int, str]]:
        """Yield the lines of all code cells that production runs, as they are written."""
        for cell in self.cells:
            for number, line in enumerate(cell.source.split("\n"), 1):
                yield cell, number, line

    def _parsed(self, cells: tuple[Cell, ...]) -> Iterator[CellCode]:
        for cell in cells:
            try:
                yield cell_code(cell, self.notebook)
            except MlopsError as error:
                self.broken.append(error)
