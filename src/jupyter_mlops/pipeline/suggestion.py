"""Tags for a notebook that has none, or not all: suggested with reasons, and sure to compile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import MlopsError
from ..notebook.document import Cell, Notebook
from ..notebook.tags import STEP_PREFIX
from . import reasons
from .compile import compile_notebook
from .sketch import Sketch, is_metrics, sketch
from .study import Study, has_role, has_step

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset({"serve"}),
    frozenset({"skip"}),
    frozenset({"serve", "skip"}),
    frozenset({"serve", "skip", "parameters"}),
    frozenset({"serve", "skip", "parameters", "functions"}),
    frozenset({"serve", "skip", "parameters", "functions", "imports"}),
)
"""The roles to do without, one after the other, until what is left compiles."""

MENDED = frozenset({"pipeline.entangled", "pipeline.cycle", "pipeline.unordered"})
"""What the compiler refuses and merged steps mend."""


@dataclass(frozen=True, slots=True)
class SuggestedTag:
    """A tag for a cell, and the reason in one line."""

    cell: Cell
    tag: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "cell": self.cell.position,
            "cell_id": self.cell.id,
            "tag": self.tag,
            "reason": self.reason,
        }


def suggest(notebook: Notebook) -> tuple[SuggestedTag, ...]:
    """Suggest tags for the cells that have none; the notebook compiles with them.

    Tags that are there are kept. Nothing is suggested where every cell has its role. A cell is
    only suggested to be skipped where it shows something, and no other cell needs it.

    Raises
    ------
    MlopsError
        As `compile_notebook` does, where the notebook cannot be compiled whatever its tags are.
    """
    if all(has_role(cell) for cell in notebook.code_cells):
        return ()
    study = Study(notebook)
    tagged = any(has_step(cell) for cell in notebook.code_cells)
    finish = _join if tagged else _merge
    for without in _LEVELS:
        plain: set[int] = set()
        while True:
            draft = sketch(study, without, plain)
            try:
                return finish(study, draft)
            except MlopsError as error:
                problem = error
            number = role_at_fault(study, draft, problem)
            if number is None:
                break
            plain.add(number)
    raise problem


def with_tags(notebook: Notebook, suggested: Iterable[SuggestedTag]) -> Notebook:
    """Return the notebook with the suggested tags, in memory."""
    more: dict[str, list[str]] = {}
    for each in suggested:
        more.setdefault(each.cell.id, []).append(each.tag)
    cells = tuple(
        replace(cell, tags=tuple(dict.fromkeys((*cell.tags, *more[cell.id]))))
        if cell.id in more
        else cell
        for cell in notebook.cells
    )
    return replace(notebook, cells=cells)


def merge(
    study: Study, draft: Sketch, *, mended: Collection[str] = MENDED, any_values: bool = False
) -> Sketch:
    """Make steps one that cannot do without each other, until the notebook compiles.

    Parameters
    ----------
    mended
        Codes of what the compiler refuses and merged steps mend.
    any_values
        Pass over values that cannot travel between steps.

    Raises
    ------
    MlopsError
        What the compiler refuses whatever is merged.
    """

    def problem_of(sketch: Sketch) -> MlopsError | None:
        return _problem(study, sketch, any_values)

    while True:
        problem = problem_of(draft)
        if problem is None:
            return draft
        better = _less_of(study, draft, problem, problem_of) if problem.code in mended else None
        if better is None:
            raise problem
        draft = better


def _merge(study: Study, draft: Sketch) -> tuple[SuggestedTag, ...]:
    return suggested(study, merge(study, draft))


def role_at_fault(study: Study, draft: Sketch, problem: MlopsError) -> int | None:
    """Return the cell that had better be a cell of a step, by its number."""
    number = _cell_of(study, problem)
    return number if number in draft.roles and draft.roles[number][0] != "skip" else None


def _cell_of(study: Study, problem: MlopsError) -> int | None:
    place = problem.place.cell if problem.place is not None else None
    return next((n for n, cell in enumerate(study.cells) if cell.position == place), None)


_ProblemOf = Callable[[Sketch], MlopsError | None]


def _less_of(
    study: Study, draft: Sketch, problem: MlopsError, problem_of: _ProblemOf
) -> Sketch | None:
    """Return the draft with few steps merged of which the compiler says something else.

    The steps before the one at fault come into question first, then those after it, then all.
    """
    number = _cell_of(study, problem)
    at = next((i for i, group in enumerate(draft.groups) if number in group.cells), None)
    if at is None:
        return None
    last = len(draft.groups) - 1

    def before(size: int) -> Sketch:
        return draft.merged(at - size, at)

    def after(size: int) -> Sketch:
        return draft.merged(at, at + size)

    def says_else(draft: Sketch) -> bool:
        now = problem_of(draft)
        return now is None or (now.code, now.place) != (problem.code, problem.place)

    for most, merged in ((at, before), (last - at, after)):
        if most and says_else(merged(most)):
            return _shortest(says_else, most, merged)
    whole = draft.merged(0, last) if last else None
    return whole if whole is not None and says_else(whole) else None


def _shortest(
    says_else: Callable[[Sketch], bool], most: int, merged: Callable[[int], Sketch]
) -> Sketch:
    """Return the draft with the shortest stretch merged that will do; ``most`` does."""
    least = 1
    while least < most:
        middle = (least + most) // 2
        if says_else(merged(middle)):
            most = middle
        else:
            least = middle + 1
    return merged(most)


def _problem(study: Study, draft: Sketch, any_values: bool) -> MlopsError | None:
    try:
        tagged = with_tags(study.notebook, suggested(study, draft))
        compile_notebook(tagged, any_values=any_values)
    except MlopsError as error:
        return error
    return None


def suggested(study: Study, draft: Sketch) -> tuple[SuggestedTag, ...]:
    """Return a draft's tags, those for cells that only talk to us included."""
    found = [SuggestedTag(study.cells[n], tag, reason) for n, tag, reason in draft.tags()]
    found += [SuggestedTag(cell, "skip", "only talks to jupyter-mlops") for cell in study.talking]
    return tuple(sorted(found, key=lambda each: each.cell.position))


def _join(study: Study, draft: Sketch) -> tuple[SuggestedTag, ...]:
    """Put the cells left over into the steps that there are, as compiling does."""
    steps = {number for group in draft.groups for number in group.cells}
    draft.groups = []
    found = list(suggested(study, draft))
    pipeline = compile_notebook(with_tags(study.notebook, found))
    homes = {cell.id: step.name for step in pipeline.steps for cell in step.cells}
    for number in sorted(steps):
        cell = study.cells[number]
        home = homes.get(cell.id)
        if home is not None:
            why = reasons.step(study, number)
            found.append(SuggestedTag(cell, f"{STEP_PREFIX}{home}", why))
            if is_metrics(study, number):
                found.append(SuggestedTag(cell, "metrics", reasons.metrics(study, number)))
    found.sort(key=lambda each: each.cell.position)
    compile_notebook(with_tags(study.notebook, found))
    return tuple(found)
