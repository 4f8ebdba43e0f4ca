"""What the compiler of pipelines refuses, and what it takes note of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from ...errors import MlopsError
from ...notebook.document import Cell, Notebook
from ...pipeline.compile import compile_notebook
from ...pipeline.model import Pipeline, Step
from ...pipeline.travel import CANNOT_TRAVEL, foresee_travel
from ..context import Context
from ..finding import Finding, Severity
from ..rule import Found, rule

_OTHERS = frozenset({"pipeline.syntax", "pipeline.undefined-name", "pipeline.hidden-output"})
"""Errors that other rules find, all of them and not only the first."""
_MOST = 50


class _PromotionRefused:
    """The first error that stops the compilation and that no other rule finds."""

    id = "promotion-refused"
    severity: Severity = "error"
    what = "tags and cells that no pipeline can be made of"
    why = "`jupyter mlops promote` refuses the notebook for this reason."
    fix = "do what the message says."
    example = "`after:laod` where no step is called so"

    def check(self, context: Context) -> Iterator[Finding]:
        if not context.has_steps:
            return
        result = _compile(context)
        if isinstance(result, MlopsError):
            message = f"{result.message.removesuffix('.')} ({result.code})"
            place = result.place or context.notebook.place()
            yield Finding(self.id, "error", message, self.why, result.hint or self.fix, place)


class _PromotionNotice:
    """The notices of the compilation; a notebook without steps is one too."""

    id = "promotion-notice"
    severity: Severity = "note"
    what = "something that the pipeline does otherwise than one may expect"
    why = "The pipeline is equal to the notebook all the same; the tags may not say what you mean."
    fix = "nothing, if that is what you mean; else tag the cell."
    example = "a cell without a tag between two steps"

    def check(self, context: Context) -> Iterator[Finding]:
        if not context.has_steps:
            yield Finding(
                self.id,
                "note",
                "no cell is tagged as a step",
                "Without steps the notebook cannot be promoted; it can be captured and rerun.",
                "`jupyter mlops suggest` proposes tags.",
                context.notebook.place(),
            )
            return
        result = _compile(context)
        if isinstance(result, Pipeline):
            for notice in result.notices:
                yield Finding(self.id, "note", notice.message, self.why, self.fix, notice.place)


class _Unpicklable:
    """Values that a step should hand on and no other process can be given."""

    id = "unpicklable"
    severity: Severity = "error"
    what = "a value that cannot travel to the step that wants it"
    why = "Each step is a process of its own: what is open or running in one is not in another."
    fix = "make it in the step that uses it, or give both cells the same step tag."
    example = '`rows = open("rows.csv")` in `step:load`, read in `step:train`'

    def check(self, context: Context) -> Iterator[Finding]:
        result = _compile(context) if context.has_steps else None
        if not isinstance(result, Pipeline):
            return
        trees = {code.cell.id: code.tree for code in context.codes}
        for error in foresee_travel(context.notebook, result, trees):
            message = error.message.removesuffix(".")
            place = error.place or context.notebook.place()
            yield Finding(self.id, "error", message, self.why, error.hint or self.fix, place)


@rule(
    "unused-step",
    "warning",
    what="a step that shows nothing, writes nothing and feeds no other step",
    why="Production pays for it at every run, and nobody sees what it does.",
    fix="tag its cells `skip`, or use what it makes.",
    example="`step:old` whose variables no cell reads",
)
def unused_step(context: Context) -> Iterator[Found]:
    result = _compile(context) if context.has_steps else None
    if not isinstance(result, Pipeline):
        return
    serving = result.serving.step if result.serving else None
    effects = {entry.cell.id: entry.effects for entry in context.entries}
    for step in result.steps:
        if any(cell.id not in effects for cell in step.cells):
            continue  # a cell that is no Python: nobody knows what it does
        awaited = any(step.name in other.upstream for other in result.steps)
        if awaited or step.outputs or step.metrics or step.name == serving or _shows(context, step):
            continue
        outside = [effects[c.id].writes_outside for c in step.cells if c.id in effects]
        if not any(line is not None for line in outside):
            yield Found(f"nothing needs the step `{step.name}`", step.cells[0])


def _shows(context: Context, step: Step) -> bool:
    """Tell whether cells of a step have statements whose only use is what they show or do."""
    cells = {cell.id for cell in step.cells}
    for code in context.codes:
        if code.cell.id in cells:
            for node in ast.walk(code.tree):
                if isinstance(node, ast.Expr | ast.Assert | ast.Raise) and not (
                    isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
                ):
                    return True
    return False


class _Compiled:
    """The pipeline, or why there is none."""

    def __init__(self, result: Pipeline | MlopsError) -> None:
        self.result = result


def _compile(context: Context) -> Pipeline | MlopsError:
    return context.once(_Compiled, lambda: _Compiled(_try_to_compile(context))).result


def _try_to_compile(context: Context) -> Pipeline | MlopsError:
    """Compile the notebook; past errors that other rules tell of, on a copy without them."""
    notebook = context.notebook
    known: list[str] = []
    broken = {error.place.cell for error in context.broken if error.place}
    for _ in range(_MOST):
        try:
            return compile_notebook(_mended(notebook, known, broken))
        except MlopsError as error:
            if error.code == CANNOT_TRAVEL:
                return compile_notebook(_mended(notebook, known, broken), any_values=True)
            name = error.message.split("`")[1] if "`" in error.message else ""
            if error.code not in _OTHERS or not name or name in known:
                return error
            known.append(name)
    return MlopsError("pipeline.undefined-name", "Too many names are not defined.")


def _mended(notebook: Notebook, names: list[str], broken: set[int | None]) -> Notebook:
    if not names and not broken:
        return notebook
    cells = [
        replace(cell, source="None") if cell.position in broken else cell for cell in notebook.cells
    ]
    if names:
        source = "".join(f"{name} = object()\n" for name in names)
        cells.insert(0, Cell("names-that-are-missing", 0, "code", source, ("functions",)))
    return replace(notebook, cells=tuple(cells))


promotion_refused = _PromotionRefused()
promotion_notice = _PromotionNotice()
unpicklable = _Unpicklable()
