"""What the pipeline's steps left, compared with the notebook's own, name by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import values
from ..errors import MlopsError, Place
from ..notebook.document import Cell
from ..notebook.ipython_syntax import parse_cell
from ..values import Observation
from . import shown, work
from .apart import Question, compare_apart
from .differences import Difference
from .model import Pipeline, Step
from .proof import Comparison, Kind, Proof
from .shown import ExecutedNotebook
from .times import kept_times, only_times_differ, printed_times

_IN_IMAGE = "/notebook"
"""Where the notebook's folder is found inside of the training image."""
_TOOL = re.compile(r"^\s*%mlops\b", re.MULTILINE)


def reference_plan(pipeline: Pipeline, folder: Path) -> tuple[Observation, ...]:
    """Return what to keep of the notebook's own run, so that `compare` finds it in ``folder``."""
    plan: list[Observation] = []
    for step in pipeline.steps:
        if step.outputs:
            plan.append(work.outputs_observation(step, folder))
        if step.metrics:
            plan.append(work.metrics_observation(step, folder))
    if pipeline.serving is not None:
        plan.append(work.serving_observation(pipeline.serving, folder))
    return tuple(plan)


def compare(pipeline: Pipeline, reference: Path, run: Path, *, cwd: Path | None = None) -> Proof:
    """Compare what a run of the pipeline left in ``run`` with the notebook's own ``reference``.

    Equal fingerprints are equal values; where they differ, both values are loaded and compared, in
    a process that works in ``cwd``, the notebook's folder. A name that only one side has is
    different. What cells showed is compared where ``reference`` holds the executed notebook.
    """
    found = list(_compare(pipeline, reference, run, cwd))
    questions = [each for each in found if isinstance(each, _Open)]
    answers = iter(compare_apart([each.question for each in questions], cwd))
    comparisons = tuple(
        each.answered(next(answers)) if isinstance(each, _Open) else each for each in found
    )
    return Proof(
        pipeline.name,
        pipeline.notebook,
        pipeline.notebook_digest,
        comparisons,
        cells_of(pipeline),
    )


def cells_of(pipeline: Pipeline) -> tuple[Cell, ...]:
    """Return the cells of all steps, each once, in the order of the notebook."""
    cells = {cell.id: cell for step in pipeline.steps for cell in (*step.prelude, *step.cells)}
    return tuple(sorted(cells.values(), key=lambda cell: cell.position))


def parsed(cell: Cell) -> ast.Module:
    """Return a cell's syntax tree, an empty one where it is no Python."""
    try:
        return parse_cell(cell.source)
    except SyntaxError:
        return ast.Module([], [])


@dataclass(frozen=True, slots=True)
class _Open:
    """A comparison of which only the values themselves can tell."""

    comparison: Comparison
    question: Question

    def answered(self, found: Difference) -> Comparison:
        return replace(self.comparison, verdict=found.verdict, words=found.words)


def _compare(
    pipeline: Pipeline, reference: Path, run: Path, cwd: Path | None
) -> Iterator[Comparison | _Open]:
    folders = (str(cwd.resolve()),) if cwd is not None else ()
    executed = ExecutedNotebook.read(reference / work.EXECUTED, folders)
    code = [(cell, parsed(cell)) for cell in cells_of(pipeline)]
    times, kept = printed_times(code), kept_times(code)
    serving = pipeline.serving
    for step in pipeline.steps:
        kinds: list[tuple[Kind, tuple[str, ...], Any]] = [
            ("output", step.outputs, work.outputs_folder),
            ("metric", step.metrics, work.metrics_folder),
        ]
        if serving is not None and serving.step == step.name:
            names = (*serving.state, work.EXAMPLE, work.PREDICTIONS)
            kinds.append(("serving", names, work.serving_folder))
        for kind, names, folder in kinds:
            sides = (folder(reference, step.name), folder(run, step.name))
            own_times = kept.get(step.cells[-1].id, frozenset())
            yield from _compare_folders(pipeline, step, kind, names, own_times, *sides)
        if executed is not None:
            ran = executed_step(run, step, cwd)
            yield from _compare_shown(pipeline, step, executed, ran, times)


def executed_step(run: Path, step: Step, cwd: Path | None) -> ExecutedNotebook | None:
    """Return what the cells of a step showed in a run of the pipeline."""
    folders = (str(cwd.resolve()), _IN_IMAGE) if cwd is not None else ()
    return ExecutedNotebook.read(work.step_folder(run, step.name) / work.EXECUTED, folders)


def _compare_folders(
    pipeline: Pipeline,
    step: Step,
    kind: Kind,
    names: tuple[str, ...],
    times: frozenset[str],
    reference: Path,
    run: Path,
) -> Iterator[Comparison | _Open]:
    if not names:
        return
    cell = step.cells[-1]
    if kind == "serving" and pipeline.serving is not None:
        cell = pipeline.serving.cell
    place = Place(pipeline.notebook, cell.position, cell.id)
    notebook, pipeline_side = _Side("notebook", reference), _Side("pipeline", run)
    for name in names:
        sides = [side.names.get(name) for side in (notebook, pipeline_side)]
        if kind == "metric" and not any(sides):
            continue  # assigned in a cell tagged `metrics`, but no number
        if notebook.leaves_unassigned(name) and pipeline_side.leaves_unassigned(name):
            continue  # such as what a branch assigns that neither side has taken
        one, other = ((side or {}).get("fingerprint", "") for side in sides)
        known = next((side["type"] for side in sides if side), "")
        comparison = Comparison(step.name, name, kind, "equal", "", known, place, (one, other))
        absent = [side for side in (notebook, pipeline_side) if name not in side.names]
        if absent:
            yield replace(comparison, verdict="different", words=absent[0].absence(name))
        elif one and one == other:
            yield comparison
        elif name in times and len({side["type"] for side in sides if side}) == 1:
            yield replace(comparison, verdict="equal within tolerance", words="only times differ")
        else:
            yield _Open(comparison, Question(str(reference), str(run), name))


def _compare_shown(
    pipeline: Pipeline,
    step: Step,
    executed: ExecutedNotebook,
    executed_step: ExecutedNotebook | None,
    times: Mapping[str, tuple[re.Pattern[str], ...]],
) -> Iterator[Comparison]:
    for cell in step.cells:
        notebook = executed.shown(cell)
        if notebook is None or _TOOL.search(cell.source):
            continue  # a cell that talks to this tool, which says nothing in a step
        ran = executed_step.shown(cell) if executed_step is not None else None
        other = ran or shown.Shown()
        place = Place(pipeline.notebook, cell.position, cell.id)
        name = f"cell {cell.position}"
        if notebook.printed or other.printed:
            found = shown.compare_printed(notebook, other)
            patterns = times.get(cell.id, ())
            if found.verdict == "different" and only_times_differ(
                patterns, notebook.printed, other.printed
            ):
                found = Difference("equal within tolerance", "only times differ")
            yield Comparison(step.name, name, "printed", found.verdict, found.words, "text", place)
        if notebook.figures or other.figures:
            found = shown.compare_figures(notebook, other)
            yield Comparison(step.name, name, "figure", found.verdict, found.words, "figure", place)


class _Side:
    """The folder of values of one side, as its index tells."""

    def __init__(self, label: str, folder: Path) -> None:
        self.label = label
        self.problem = ""
        self.names: dict[str, dict[str, str]] = {}
        self._missing: dict[str, str] = {}
        try:
            index = values.read_index(folder)
        except MlopsError as error:
            self.problem = error.message
        else:
            self.names, self._missing = index["names"], index.get("missing", {})

    def leaves_unassigned(self, name: str) -> bool:
        return self._missing.get(name) == values.UNASSIGNED

    def absence(self, name: str) -> str:
        reason = self._missing.get(name) or self.problem
        return f"the {self.label} has no value of it{f': {reason}' if reason else ''}"
