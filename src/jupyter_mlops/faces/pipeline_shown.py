"""A pipeline as tables: its steps, what runs before them, and what travels between them."""

from __future__ import annotations

from typing import Any

from ..notebook.document import Cell
from ..pipeline.model import Pipeline, Step
from ..pipeline.slices import Needed, needed, travelling
from .views import Table, View

_LONGEST = 60


def pipeline(found: Pipeline) -> View:
    """Return what a newcomer wants to know of a pipeline; ``data`` has all of it."""
    slices = {step.name: needed(step) for step in found.steps}
    count = len(found.steps)
    lines = [
        f"pipeline {found.name} of {found.notebook}: {count} {'steps' if count > 1 else 'step'}, "
        "each in a process of its own"
    ]
    if found.serving:
        lines.append(
            f"serving: `{found.serving.function}` of cell {found.serving.cell.position}, "
            f"with {', '.join(found.serving.state) or 'no state'}"
        )
    lines += [f"note: {notice.message} ({notice.place})" for notice in found.notices]
    tables = [_steps(found), _travelling(found), _needed(slices), _parameters(found)]
    return View(lines, [table for table in tables if table.rows], _data(found, slices))


def _steps(found: Pipeline) -> Table:
    rows: list[list[Any]] = [
        [
            step.name,
            _positions(step.cells),
            ", ".join(step.upstream) or "nothing",
            _inputs(step),
            ", ".join(step.outputs),
            ", ".join(step.metrics),
        ]
        for step in found.steps
    ]
    columns = ("step", "cells", "waits for", "takes", "gives", "metrics")
    return _without_empty(Table("steps, in the order in which they run", columns, rows), keep=3)


def _inputs(step: Step) -> str:
    providers: dict[str, list[str]] = {}
    for name, provider in step.inputs.items():
        providers.setdefault(provider, []).append(name)
    given = [f"{', '.join(names)} of {provider}" for provider, names in providers.items()]
    return "; ".join(
        [*given, *([f"parameters {', '.join(step.parameters)}"] * bool(step.parameters))]
    )


def _travelling(found: Pipeline) -> Table:
    rows: list[list[Any]] = [
        [
            each.name,
            each.step,
            f"cell {each.cell.position}" if each.cell else "handed on",
            ", ".join(each.takers) or "the served model",
        ]
        for each in travelling(found)
    ]
    title = "values that travel, as files; nothing else does"
    return Table(title, ("value", "from", "made in", "to"), rows)


def _needed(slices: dict[str, list[Needed]]) -> Table:
    cells: dict[tuple[int, str], list[str]] = {}
    for step, found in slices.items():
        for each in found:
            names = ", ".join(each.names) or "what it sets up"
            cells.setdefault((each.cell.position, _first_line(each.cell)), []).append(
                f"{step} ({names})"
            )
    rows: list[list[Any]] = [
        [f"cell {position}", line, "; ".join(steps)]
        for (position, line), steps in sorted(cells.items())
    ]
    title = "cells that run first, in the steps that need them"
    return Table(title, ("cell", "first line", "needed by (for)"), rows)


def _parameters(found: Pipeline) -> Table:
    rows: list[list[Any]] = [
        [
            each.name,
            repr(each.default),
            ", ".join(step.name for step in found.steps if each.name in step.parameters)
            or "no step",
        ]
        for each in found.parameters
    ]
    return Table("parameters", ("name", "default", "read by"), rows)


def _data(found: Pipeline, slices: dict[str, list[Needed]]) -> dict[str, Any]:
    return {
        "name": found.name,
        "steps": [step.name for step in found.steps],
        "slices": [
            {
                "step": step.name,
                "cells": [cell.position for cell in step.cells],
                "first": [
                    {"cell": each.cell.position, "names": list(each.names)}
                    for each in slices[step.name]
                ],
                "inputs": dict(step.inputs),
                "parameters": list(step.parameters),
                "outputs": list(step.outputs),
                "metrics": list(step.metrics),
                "after": list(step.after),
            }
            for step in found.steps
        ],
        "notices": [{"message": n.message, "place": n.place.to_dict()} for n in found.notices],
    }


def _without_empty(table: Table, *, keep: int) -> Table:
    """Leave columns out that are empty in all rows, but for the first ones."""
    used = [
        index
        for index in range(len(table.columns))
        if index < keep or any(row[index] for row in table.rows)
    ]
    columns = tuple(table.columns[index] for index in used)
    return Table(table.title, columns, [[row[index] for index in used] for row in table.rows])


def _positions(cells: tuple[Cell, ...]) -> str:
    """Return the positions of cells, such as ``3–5, 8``."""
    runs: list[list[int]] = []
    for cell in cells:
        if runs and cell.position == runs[-1][-1] + 1:
            runs[-1].append(cell.position)
        else:
            runs.append([cell.position])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}–{r[-1]}" for r in runs)


def _first_line(cell: Cell) -> str:
    lines = [line.strip() for line in cell.source.splitlines() if line.strip()]
    line = next((line for line in lines if not line.startswith("#")), lines[0] if lines else "")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
