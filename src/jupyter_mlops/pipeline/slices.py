"""What each step is given, told for people: cells that run first, and values that travel."""

from __future__ import annotations

from dataclasses import dataclass

from ..notebook.dataflow import CellFlow, cell_flow
from ..notebook.document import Cell
from .model import Pipeline, Step


@dataclass(frozen=True, slots=True)
class Needed:
    """A cell that runs before a step's own, and the names for which it does.

    Without names it is there for what it sets up.
    """

    cell: Cell
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Travelling:
    """A value that one step gives, its cell that makes it, and the steps that take it.

    A step that only hands the value on has no such cell.
    """

    name: str
    step: str
    cell: Cell | None
    takers: tuple[str, ...]


def needed(step: Step) -> list[Needed]:
    """Return the ``imports`` and ``functions`` cells of a step, with what it needs of them."""
    own = [cell_flow(cell) for cell in step.cells]
    flows = [cell_flow(cell) for cell in step.prelude]
    wanted = {name for flow in own for name in _reads(flow)}
    for flow in reversed(flows):
        # What runs at once in the cell, and what its functions need that are wanted themselves.
        wanted |= set(flow.reads)
        pending = [name for name in flow.definitions if name in wanted]
        while pending:
            new = flow.definitions.get(pending.pop(), frozenset()) - wanted
            wanted |= new
            pending += new
    return [
        Needed(cell, tuple(name for name in flow.writes if name in wanted))
        for cell, flow in zip(step.prelude, flows, strict=True)
    ]


def travelling(pipeline: Pipeline) -> list[Travelling]:
    """Return the values that travel between steps, in the order of the steps that give them."""
    found: list[Travelling] = []
    for step in pipeline.steps:
        flows = [(cell, cell_flow(cell)) for cell in step.cells]
        for name in step.outputs:
            makers = [
                cell
                for cell, flow in flows
                if name in flow.writes or (name in flow.mutates and name in step.inputs)
            ]
            takers = [each.name for each in pipeline.steps if each.inputs.get(name) == step.name]
            maker = makers[-1] if makers else None
            found.append(Travelling(name, step.name, maker, tuple(takers)))
    return found


def _reads(flow: CellFlow) -> set[str]:
    return {*flow.reads, *(name for names in flow.definitions.values() for name in names)}
