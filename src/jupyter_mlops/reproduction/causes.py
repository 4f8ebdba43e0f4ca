"""Why an output differs, as far as the code of the cells tells: chance, or the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..pipeline.chance import draw_words
from ..pipeline.clock import clock_reads
from ..pipeline.downstream import Traced, trace_chance
from ..tracking.executions import tree_of
from .replay import Execution


@dataclass(frozen=True, slots=True)
class Cause:
    """``words`` name cell and line; ``cell`` is the position of the cell that is to be mended."""

    words: str
    cell: int


class Causes:
    """Follows chance through the executed cells.

    Parameters
    ----------
    folder
        The notebook's, whose modules are the notebook's code too.
    """

    def __init__(self, executions: Sequence[Execution], folder: str) -> None:
        self._executions = executions
        self._folder = folder
        self._traced: dict[str, Traced] | None = None

    def of(self, execution: Execution, name: str = "") -> Cause | None:
        """Return why something of an execution differs; ``name`` may be a variable."""
        if self._traced is None:
            cells = [each.as_cell() for each in self._executions]
            self._traced = trace_chance(cells, self._folder)
        traced = self._traced.get(execution.id, Traced())
        sources = traced.names.get(name, ()) or traced.sources
        if sources:
            return Cause(draw_words(sources[0]), sources[0].cell.position)
        tree = tree_of(execution.source)
        reads = clock_reads(tree) if tree is not None else ()
        if reads:
            cell = execution.as_cell()
            words = (
                f"cell {cell.position}, line {reads[0].line}: `{reads[0].name}` {reads[0].words}"
            )
            return Cause(words, cell.position)
        return None
