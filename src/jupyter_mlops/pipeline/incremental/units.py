"""The units by which a notebook is run again: a cell each, or cells that cannot do without others.

The compiler of pipelines tells which cells may be run apart; here every cell is tried as a step of
its own, and neighbours are joined until that is sound. Tags for pipelines do not count, as they
change nothing for a notebook that is run as a whole, and nothing is left out.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...capture.cells import INJECTED
from ...errors import MlopsError
from ...notebook import tags
from ...notebook.dataflow import cell_flow
from ...notebook.document import Cell, Notebook
from ...notebook.ipython_syntax import parse_cell
from ...notebook.parameters import parameters_cell, read_parameters
from ..compile import compile_notebook
from ..model import Pipeline, Step
from ..sketch import Group, Sketch, sketch
from ..study import Study
from ..suggestion import MENDED, merge, role_at_fault, suggested, with_tags

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"parameters", "serve", "skip"}),
    frozenset({"parameters", "serve", "skip", "functions"}),
    frozenset({"parameters", "serve", "skip", "functions", "imports"}),
)
_BROKEN = frozenset({"pipeline.syntax", "pipeline.undefined-name"})
"""What one cell is refused for."""

_WILD = re.compile(r"\b(?:eval|exec|globals|locals|vars)\b")
_JOINED = MENDED | {"pipeline.session-state", "pipeline.cannot-travel"}
"""What the compiler refuses, and what may be sound within one unit."""


@dataclass(frozen=True, slots=True)
class Units:
    """The units, as steps of a pipeline in the order of the notebook.

    ``whole`` is why the notebook is one unit. ``definers`` are the ids of cells that run before the
    units that need them. ``silent`` are cells without any code.
    """

    pipeline: Pipeline
    whole: MlopsError | None = None
    definers: frozenset[str] = frozenset()
    silent: tuple[Cell, ...] = ()

    def cells(self) -> dict[str, str]:
        """Return the unit of each cell, by the cell's id."""
        return {cell.id: step.name for step in self.pipeline.steps for cell in step.cells}


def divide(
    notebook: Notebook, together: Iterable[Collection[str]] = (), injected: str = ""
) -> Units:
    """Divide a notebook into units; never refuses.

    Parameters
    ----------
    together
        Ids of cells that are to be in one unit, with all cells between them.
    injected
        The code that gives parameters other values, where the notebook is one unit.
    """
    ids = [set(each) for each in together]
    try:
        return _divide(notebook, ids)
    except MlopsError as error:
        problem = error
    if problem.code in _BROKEN and problem.place is not None and problem.place.cell is not None:
        with contextlib.suppress(MlopsError):
            return replace(_divide_above(notebook, problem.place.cell, ids), whole=problem)
    return one_unit(notebook, problem, injected)


def one_unit(notebook: Notebook, reason: MlopsError | None, injected: str = "") -> Units:
    """Return the notebook as one unit, the parameters cell and the ``injected`` one included."""
    cells = list(notebook.code_cells)
    home = next((n for n, cell in enumerate(cells) if tags.PARAMETERS & set(cell.tags)), None)
    if injected and home is not None and all(INJECTED not in cell.tags for cell in cells):
        new = Cell(INJECTED, cells[home].position, "code", injected, (INJECTED,))
        cells.insert(home + 1, new)
    step = Step(_name(cells[0]), tuple(cells))
    return Units(Pipeline("notebook", notebook.name, notebook.digest(), (), (step,)), reason)


def _divide(notebook: Notebook, together: Sequence[set[str]]) -> Units:
    plain = _without_roles(notebook)
    parameters = read_parameters(plain)
    home = parameters_cell(plain) if parameters else None
    if not parameters:
        plain = _without_roles(notebook, keep=frozenset())
    study = Study(plain)
    draft = _draft(study, together)
    pipeline = compile_notebook(with_tags(plain, suggested(study, draft)), any_values=True)
    own = {cell.id: cell for cell in notebook.code_cells}
    names = {step.name: _name(min(step.cells, key=_position)) for step in pipeline.steps}
    steps = {names[step.name]: _as_unit(step, own, names) for step in pipeline.steps}
    early = [study.cells[number] for number in sorted(draft.roles)]
    for number, cell in enumerate(early):
        unit = _early_unit(own[cell.id], [own[c.id] for c in early[:number]], pipeline)
        steps[unit.name] = unit
    for cell in study.talking:
        steps[_name(cell)] = Step(_name(cell), (own[cell.id],))
    ordered = sorted(steps.values(), key=lambda step: step.cells[0].position)
    _check(ordered, notebook)
    known = {cell.id for step in ordered for cell in step.cells}
    known |= {home.id} if home is not None else set()
    definers = {study.cells[n].id for n, role in draft.roles.items() if role[0] == "functions"}
    return Units(
        replace(pipeline, steps=tuple(ordered), serving=None, notices=()),
        definers=frozenset(definers),
        silent=tuple(cell for cell in notebook.code_cells if cell.id not in known),
    )


def _divide_above(notebook: Notebook, position: int, together: Sequence[set[str]]) -> Units:
    """Divide what stands above a cell that cannot be read; that cell and all below are one unit.

    Of what cannot be read, all that is named there counts as read and changed.
    """
    above = [c for c in notebook.code_cells if c.position < position]
    below = [c for c in notebook.code_cells if c.position >= position]
    home = next((c for c in below if tags.PARAMETERS & set(c.tags)), None)
    if not above or home is not None:
        raise _NothingAbove
    first = below[0]
    bound = _bound(above)
    words = _named(below)
    lines = [
        f"{name}.append({name})" if changed and not bound[name] else name
        for name, changed in sorted(words.items())
        if name in bound
    ]
    stand_in = replace(first, source="\n".join(lines) or "0", tags=())
    cells = tuple(c for c in notebook.cells if c.kind != "code" or c.position < position)
    units = _divide(replace(notebook, cells=(*cells, stand_in)), together)
    *steps, last = units.pipeline.steps
    if last.cells[-1].id != first.id:
        raise _NothingAbove
    parameters = {*last.parameters, *(p.name for p in units.pipeline.parameters if p.name in words)}
    own = (*last.cells[:-1], *below)
    last = replace(last, cells=own, parameters=tuple(sorted(parameters)))
    return replace(units, pipeline=replace(units.pipeline, steps=(*steps, last)))


_NothingAbove = MlopsError("pipeline.undefined-name", "There is nothing to divide.")


def _named(cells: Iterable[Cell]) -> dict[str, bool]:
    """Return the names that cells need from above, and whether they may change them."""
    found: dict[str, bool] = {}
    own: set[str] = set()
    for cell in cells:
        try:
            flow = cell_flow(cell)
        except MlopsError:
            flow = None
        if flow is None or _WILD.search(cell.source):
            found |= dict.fromkeys(re.findall(r"[^\W\d]\w*", cell.source), True)
            continue
        needed = {name for names in flow.definitions.values() for name in names}
        for name in {*flow.reads, *flow.mutates, *needed} - own:
            found[name] = found.get(name, False) or name in flow.mutates or name in needed
        own |= flow.writes.keys() - needed
    return found


def _bound(cells: Iterable[Cell]) -> dict[str, bool]:
    """Return the names that cells bind, and whether they import them, as far as can be read."""
    found: dict[str, bool] = {}
    for cell in cells:
        found |= {name: False for name in cell_flow(cell).writes if name.isidentifier()}
        for node in ast.walk(parse_cell(cell.source)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = ((each.asname or each.name).partition(".")[0] for each in node.names)
                found |= dict.fromkeys(names, True)
    return found


def _draft(study: Study, together: Sequence[set[str]]) -> Sketch:
    """Return roles and groups that compile; raises what the compiler refuses whatever they are."""
    for without in _LEVELS:
        plain: set[int] = set()
        while True:
            draft = sketch(study, without, plain)
            work = [number for group in draft.groups for number in group.cells]
            draft.groups = [Group([n], name=_name(study.cells[n])) for n in sorted(work)]
            for ids in together:
                draft = _joined(draft, ids)
            try:
                return merge(study, draft, mended=_JOINED, any_values=True)
            except MlopsError as error:
                problem = error
            number = role_at_fault(study, draft, problem)
            if number is None:
                break
            plain.add(number)
    raise problem


def _joined(draft: Sketch, ids: set[str]) -> Sketch:
    cells = draft.study.cells
    found = [i for i, g in enumerate(draft.groups) if any(cells[n].id in ids for n in g.cells)]
    return draft.merged(found[0], found[-1]) if len(found) > 1 else draft


def _without_roles(notebook: Notebook, keep: frozenset[str] = tags.PARAMETERS) -> Notebook:
    cells = tuple(
        replace(cell, tags=tuple(tag for tag in cell.tags if tag in keep))
        for cell in notebook.cells
    )
    return replace(notebook, cells=cells)


def _as_unit(step: Step, own: Mapping[str, Cell], names: Mapping[str, str]) -> Step:
    """Return a step with its cells as they are in the notebook, named after the first of them."""
    return replace(
        step,
        name=names[step.name],
        inputs={name: names[provider] for name, provider in step.inputs.items()},
        after=tuple(names[each] for each in step.after),
        cells=tuple(own[cell.id] for cell in step.cells),
        prelude=tuple(own.get(cell.id, cell) for cell in step.prelude),
        metrics=(),
    )


def _early_unit(cell: Cell, before: Sequence[Cell], pipeline: Pipeline) -> Step:
    """Return the unit of a cell of imports or definitions, which other units repeat."""
    text = "\n".join(each.source for each in (*before, cell))
    words = set(re.findall(r"\w+", text))
    parameters = tuple(p.name for p in pipeline.parameters if p.name in words)
    return Step(_name(cell), (cell,), tuple(before), parameters=parameters)


def _check(steps: Sequence[Step], notebook: Notebook) -> None:
    """Raise where a unit would need one that runs later."""
    done: set[str] = set()
    for step in steps:
        late = [name for name in step.upstream if name not in done]
        if late:
            raise MlopsError(
                "pipeline.unordered",
                f"Cell {step.cells[0].position} uses what a cell below makes.",
                place=notebook.place(step.cells[0]),
            )
        done.add(step.name)


def _position(cell: Cell) -> int:
    return cell.position


def _name(cell: Cell) -> str:
    return f"cell-{cell.position}"
