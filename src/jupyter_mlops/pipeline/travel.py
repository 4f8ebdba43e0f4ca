"""What cannot travel between steps, told before a step runs: who makes it, and who wants it.

Where the code alone is certain of it, it is told before anything runs; all of it is told after the
run of the notebook, which tries.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..capture.observing import ERROR
from ..errors import MlopsError
from ..notebook.dataflow import cell_flow
from ..notebook.document import Cell, Notebook
from .handles import Handles
from .model import Pipeline, Step
from .work import outputs_folder

CANNOT_TRAVEL = "pipeline.cannot-travel"
UNSERIALISABLE = "values.unserialisable"


def foresee_travel(
    notebook: Notebook, pipeline: Pipeline, trees: Mapping[str, ast.Module]
) -> Iterator[MlopsError]:
    """Yield an error for each output whose cell makes, by its code, what cannot travel.

    ``trees`` are the parsed code cells by id.
    """
    if not any(step.outputs for step in pipeline.steps):
        return
    handles = Handles(trees.values())
    for step in pipeline.steps:
        for name in step.outputs:
            if name in handles.shared:
                continue
            for cell in reversed(step.cells):
                tree = trees.get(cell.id)
                last = _last_binding(tree, name) if tree is not None else None
                if last is None:
                    continue
                reason = _reason(handles, last, name)
                if reason:
                    message = f"`{name}` cannot be passed on to another step: {reason}."
                    yield _refusal(notebook, pipeline, step, name, message, cell, last.lineno)
                break


def _last_binding(tree: ast.Module, name: str) -> ast.stmt | None:
    """Return the last statement of a cell that binds or deletes a name, anywhere inside it."""
    for statement in reversed(tree.body):
        if any(_binds(node, name) for node in ast.walk(statement)):
            return statement
    return None


def _binds(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Name(id=each, ctx=ast.Store() | ast.Del()):
            return each == name
        case ast.alias(name=module, asname=asname):
            return (asname or module.partition(".")[0]) in (name, "*")
        case (
            ast.FunctionDef(name=each)
            | ast.AsyncFunctionDef(name=each)
            | ast.ClassDef(name=each)
            | ast.ExceptHandler(name=each)
            | ast.MatchAs(name=each)
            | ast.MatchStar(name=each)
            | ast.MatchMapping(rest=each)
        ):
            return each == name
    return False


def _reason(handles: Handles, statement: ast.stmt, name: str) -> str:
    """Say why what a statement binds to a name cannot travel; nothing where that is not sure."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return handles.of(value)
        case ast.AnnAssign(target=ast.Name(id=each), value=ast.expr() as value) if each == name:
            return handles.of(value)
        case ast.Expr(value=ast.NamedExpr(target=target, value=value)) if target.id == name:
            return handles.of(value)
        case ast.With(items=items, body=body):
            inside = [node for each in body for node in ast.walk(each)]
            for item in items:
                if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == name:
                    bound_again = any(_binds(node, name) for node in inside)
                    return "" if bound_again else handles.entered(item.context_expr)
    return ""


def check_travel(notebook: Notebook, pipeline: Pipeline, folder: Path) -> None:
    """Refuse outputs that the reference run in ``folder`` could not keep.

    Raises `MlopsError` ``pipeline.cannot-travel`` at the cell that makes the value; the message
    names the cell that wants it.
    """
    for step in pipeline.steps:
        try:
            error = json.loads((outputs_folder(folder, step.name) / ERROR).read_text())
        except (OSError, ValueError):
            continue
        if error.get("code") == UNSERIALISABLE:
            message = str(error["message"])
            name = next((each for each in step.outputs if message.startswith(f"`{each}` ")), "")
            maker, line = _maker(notebook, step, name)
            raise _refusal(notebook, pipeline, step, name, message, maker, line)


def _refusal(
    notebook: Notebook,
    pipeline: Pipeline,
    step: Step,
    name: str,
    message: str,
    maker: Cell,
    line: int | None,
) -> MlopsError:
    wanting = next((each for each in pipeline.steps if each.inputs.get(name) == step.name), None)
    words = ""
    hint = "make it in the step that uses it, or give both cells the same step tag."
    if wanting is not None:
        reader = next(
            (c for c in wanting.cells if name in cell_flow(c, notebook).reads), wanting.cells[0]
        )
        words = f" Cell {reader.position} (step `{wanting.name}`) wants it."
        hint = (
            f"make it in cell {reader.position}, or give cells {maker.position} and "
            f"{reader.position} the same step tag."
        )
    return MlopsError(
        CANNOT_TRAVEL,
        f"{message}{words}",
        hint=hint,
        place=notebook.place(maker, line),
    )


def _maker(notebook: Notebook, step: Step, name: str) -> tuple[Cell, int | None]:
    """Return the last cell of the step that binds the name, and the line."""
    for cell in reversed(step.cells):
        flow = cell_flow(cell, notebook)
        if name in flow.writes:
            return cell, flow.writes[name]
    return step.cells[-1], None
