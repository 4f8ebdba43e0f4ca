"""From a tagged notebook to a pipeline that is equal to it, or a refusal with the place.

Cells keep their meaning: a step runs its cells verbatim and in order. What is worked out here is
which cells each step has, which of the ``imports`` and ``functions`` cells run before them, which
variables it is given, and which it gives. Import statements in cells of other steps are repeated
where their names are needed, as modules are not values; everything else travels as a value.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace

from ..errors import MlopsError
from ..notebook.document import Cell, Notebook
from ..notebook.observed import ObservedFlow
from ..notebook.parameters import Parameter, read_parameters
from . import joined, replay, skipped
from .aliases import keep_together
from .grouping import Grouping, group, read_edges
from .joining import Joining, acts_by_import, join_untagged, joinings
from .model import Notice, Pipeline, Serving, Step
from .ordering import ancestors, order
from .repeated import Settings
from .serving_slice import read_serving
from .session import is_setting
from .travel import foresee_travel
from .wiring import Entry, Wires, Wiring, follow


def compile_notebook(
    notebook: Notebook, observed: ObservedFlow | None = None, *, any_values: bool = False
) -> Pipeline:
    """Compile a tagged notebook, from its code and from what its cells were seen to do.

    ``any_values`` passes over values that cannot travel between steps.

    Raises
    ------
    MlopsError
        ``pipeline.no-tags``, ``pipeline.step-name``, ``pipeline.two-roles``,
        ``pipeline.syntax``, ``pipeline.undefined-name``, ``pipeline.nothing-feeds``,
        ``pipeline.cycle``, ``pipeline.unordered``, ``pipeline.entangled``,
        ``pipeline.cannot-travel``, ``pipeline.session-state``, ``pipeline.serve``,
        ``pipeline.two-serve-cells``, ``parameters.two-cells`` or ``parameters.not-plain``; each
        with the cell and, where there is one, the line.
    """
    grouping = group(notebook)
    parameters = read_parameters(notebook)
    entries = follow(grouping.roles, observed)
    kinds = [role.kind for role in grouping.roles]
    refusals: list[MlopsError] = []
    for joining in joinings(notebook, grouping, entries):
        for role, kind in zip(grouping.roles, kinds, strict=True):
            role.kind = kind
        try:
            pipeline = _compile(notebook, grouping, entries, joining, parameters)
            if not any_values:
                trees = {entry.cell.id: entry.code.tree for entry in entries}
                for problem in foresee_travel(notebook, pipeline, trees):
                    raise problem
            return pipeline
        except MlopsError as error:
            refusals.append(error)
    raise refusals[0]


def _compile(
    notebook: Notebook,
    grouping: Grouping,
    entries: list[Entry],
    joining: Joining,
    parameters: tuple[Parameter, ...],
) -> Pipeline:
    notices = join_untagged(notebook, entries, joining)
    read_edges(notebook, grouping)
    notices += joined.notices(notebook, entries)
    notices += skipped.notices(notebook, entries)
    notices += _take_back_prelude(notebook, entries)
    wiring = Wiring(notebook, entries)
    settings = Settings(notebook, wiring)
    wiring.trace(_everywhere(wiring, settings))
    serving = _serving(notebook, wiring)
    notices += settings.repeat()
    notices += _left_out(notebook, wiring)
    keep_together(wiring)
    names, after = order(notebook, wiring, grouping)
    replay.check(notebook, wiring, names)
    steps = tuple(_step(wiring, wiring.steps[name], after[name], parameters) for name in names)
    return Pipeline(
        name=_slug(notebook.stem),
        notebook=notebook.name,
        notebook_digest=notebook.digest(),
        parameters=parameters,
        steps=_without_needless_edges(steps),
        serving=serving,
        notices=tuple(notices),
    )


def _take_back_prelude(notebook: Notebook, entries: list[Entry]) -> list[Notice]:
    """Run ``imports`` and ``functions`` cells once, in a step, where they use what a step made.

    Cells before steps run before the inputs are there, and once in every step.
    """
    notices: list[Notice] = []
    current = next(entry.role.step for entry in entries if entry.role.kind == "step")
    wiring = Wiring(notebook, entries)
    for entry in entries:
        if entry.role.kind == "step":
            current = entry.role.step
        if entry.role.kind != "prelude":
            continue
        for name, line in entry.effects.reads.items():
            origin = wiring.origin(name, entry.index)
            if origin is None or origin.entry.role.kind != "step":
                continue
            if origin.entry.effects.imports.get(name):
                continue
            entry.role.kind, entry.role.step = "step", current
            words = (
                f"cell {entry.cell.position} uses `{name}` of the step "
                f"`{origin.entry.role.step}` at once, so it runs once, in the step `{current}`"
            )
            notices.append(Notice(words, notebook.place(entry.cell, line)))
            break
    return notices


def _left_out(notebook: Notebook, wiring: Wiring) -> list[Notice]:
    """Tell of untagged cells that are taken as ``imports`` or ``functions``, and no step needs."""
    used = {i for wires in wiring.steps.values() for i in (*wires.prelude, *wires.imports)}
    return [
        Notice(
            f"no step needs cell {entry.cell.position}, so none runs it",
            notebook.place(entry.cell),
        )
        for entry in wiring.entries
        if entry.role.untagged and entry.role.kind == "prelude" and entry.index not in used
    ]


def _serving(notebook: Notebook, wiring: Wiring) -> Serving | None:
    entry = next((e for e in wiring.entries if e.role.serve and e.role.kind == "step"), None)
    if entry is None:
        return None
    after = entry.before.copy()
    after.run(entry.code.operations)
    return read_serving(notebook, wiring, after, entry)


def _step(wiring: Wiring, wires: Wires, after: set[str], parameters: tuple[Parameter, ...]) -> Step:
    own = {entry.index: entry.cell for entry in wires.entries}
    first = min(own)
    prelude = {i: wiring.entries[i].cell for i in wires.prelude if i < first}
    for index in {*wires.imports, *wires.settings} - prelude.keys():
        prelude[index] = _repeated_cell(wiring.entries[index], wires)
    cells = {**own, **{i: wiring.entries[i].cell for i in wires.prelude if i > first}}
    return Step(
        name=wires.name,
        cells=tuple(cells[index] for index in sorted(cells)),
        prelude=tuple(prelude[index] for index in sorted(prelude)),
        inputs=dict(sorted(wires.inputs.items())),
        parameters=tuple(p.name for p in parameters if p.name in wires.parameters),
        outputs=tuple(sorted(wires.outputs)),
        after=tuple(name for name in wiring.steps if name in after),
        metrics=tuple(_metrics(wires)),
    )


def _without_needless_edges(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Leave ``after`` edges out that follow from data anyway."""
    edges = {step.name: set(step.inputs.values()) for step in steps}
    return tuple(
        replace(
            step,
            after=tuple(name for name in step.after if name not in ancestors(step.name, edges)),
        )
        for step in steps
    )


def _repeated_cell(entry: Entry, wires: Wires) -> Cell:
    """Return a cell of those statements of a cell that another step repeats."""
    wanted = {
        each.statement
        for name in wires.imports.get(entry.index, ())
        for each in entry.effects.imports[name]
        if each.statement
    }
    settings = wires.settings.get(entry.index, [])
    source = entry.cell.source.splitlines()
    lines = []
    for node in entry.code.tree.body:
        text = entry.code.text(node) or source[node.lineno - 1].strip()
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        if (is_import and text in wanted) or text in settings:
            lines.append(text)
    cell = entry.cell
    kept = lines if settings else list(dict.fromkeys(lines))
    return Cell(f"{cell.id}-imports", cell.position, "code", "\n".join(kept), ("imports",))


def _metrics(wires: Wires) -> list[str]:
    """Return the names that the metrics cells assign, or print as Kale's do."""
    found: dict[str, None] = {}
    for entry in wires.entries:
        if not entry.role.metrics:
            continue
        for name in entry.effects.writes:
            if name not in entry.effects.imports and entry.effects.fates.get(name) != "deleted":
                found[name] = None
        for node in entry.code.tree.body:
            for name in _shown(node):
                found[name] = None
    return [name for name in found if name.isidentifier() and not name.startswith("_")]


def _shown(node: ast.stmt) -> list[str]:
    if not isinstance(node, ast.Expr):
        return []
    value = node.value
    if isinstance(value, ast.Name):
        return [value.id]
    is_print = (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "print"
    )
    if not isinstance(value, ast.Call) or not is_print:
        return []
    return [each.id for each in value.args if isinstance(each, ast.Name)]


def _imported(wiring: Wiring, entry: Entry) -> Callable[[str], bool]:
    def is_module(name: str) -> bool:
        origin = wiring.origin(name, entry.index + 1)
        return origin is not None and bool(origin.entry.effects.imports.get(name))

    return is_module


def _everywhere(wiring: Wiring, settings: Settings) -> list[Entry]:
    """Return the cells before steps that set up the session: all steps run them."""
    return [
        entry
        for entry in wiring.entries
        if entry.role.kind == "prelude"
        and (
            acts_by_import(entry.code.tree)
            or any(is_setting(node, _imported(wiring, entry)) for node in entry.code.tree.body)
            or settings.sets_up(entry)
        )
    ]


def _slug(stem: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    return slug[:50].rstrip("-") or "notebook"
