"""Notebooks written in tests, and how to run them: whole, and as the steps they compile to."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from jupyter_mlops import values
from jupyter_mlops.notebook.document import Cell, Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step

Cells = list[tuple[str, str]]


def notebook(*cells: tuple[str, str], path: Path = Path("book.ipynb")) -> Notebook:
    """Make a notebook of (tags, source) pairs; the cells are called c1, c2 …"""
    made = [
        Cell(f"c{number}", number, "code", source, tuple(tags.split()))
        for number, (tags, source) in enumerate(cells, start=1)
    ]
    return Notebook(path, path.name, tuple(made), "python3", "python")


def run(cell: Cell, namespace: dict[str, Any]) -> None:
    """Run a cell of plain Python."""
    exec(compile(ast.parse(cell.source), f"cell {cell.position}", "exec"), namespace)


def new_namespace() -> dict[str, Any]:
    return {"__name__": "__main__"}


def run_step(pipeline: Pipeline, step: Step, work: Path) -> dict[str, Any]:
    """Run one step as the step runtime does: parameters, prelude, inputs, cells, outputs."""
    namespace = new_namespace()
    for parameter in pipeline.parameters:
        if parameter.name in step.parameters:
            # A fresh object each time, as from a file.
            namespace[parameter.name] = ast.literal_eval(repr(parameter.default))
    for cell in step.prelude:
        run(cell, namespace)
    for provider in dict.fromkeys(step.inputs.values()):
        names = [name for name, given in step.inputs.items() if given == provider]
        values.load(work / provider, namespace, names)
    for cell in step.cells:
        run(cell, namespace)
    values.dump(namespace, step.outputs, work / step.name)
    return namespace
