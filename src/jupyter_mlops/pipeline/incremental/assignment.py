"""What the process of a stretch is told, and where it leaves what was captured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..model import Pipeline

CAPTURED = "captured"
"""The folder, within a step's, with the journal of what was captured."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the process of a stretch must know; it travels as a pickle.

    ``path`` is the notebook's, ``cwd`` where cells work, ``root`` the project's. ``secrets`` are
    references. ``definers`` are the ids of cells that define functions and classes and run before
    the steps that need them.
    """

    pipeline: Pipeline
    parameters: dict[str, Any]
    work: Path
    path: Path
    cwd: Path
    root: Path
    run: str
    secrets: tuple[str, ...] = ()
    definers: frozenset[str] = frozenset()

    def sources_before(self, position: int) -> Iterator[str]:
        """Yield what the cells above a position hold, in their order."""
        cells = [cell for step in self.pipeline.steps for cell in step.cells]
        for cell in sorted(cells, key=lambda each: each.position):
            if cell.position < position:
                yield cell.source
