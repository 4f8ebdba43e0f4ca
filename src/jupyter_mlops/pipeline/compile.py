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

from ..notebook.document import Cell, Notebook
from ..notebook.observed import ObservedFlow
from ..notebook.parameters import Parameter, read_parameters
from . import joined, replay
from .aliases import keep_together
from .grouping import Grouping, group
from .model import Notice, Pipeline, Serving, Step
from .ordering import ancestors, order
from .serving_slice import read_serving
from .session import is_setting, module_changes
from .wiring import Entry, Wires, Wiring, follow


def compile_notebook(notebook: Notebook, observed: ObservedFlow | None = None) -> Pipeline:
    """Compile a tagged notebook, from its code and from what its cells were seen to do.

    Raises
    ------
    MlopsError
        ``pipeline.no-tags``, ``pipeline.step-name``, ``pipeline.two-roles``,
        ``pipeline.syntax``, ``pipeline.undefined-name``, ``pipeline.nothing-feeds``,
        ``pipeline.cycle``, ``pipeline.unordered``, ``pipeline.entangled``, ``pipeline.serve``,
        ``pipeline.two-serve-cells``, ``parameters.two-cells`` or ``parameters.not-plain``; each
        with the cell and, where there is one, the line.
    """
    grouping = group(notebook)
    parameters = read_parameters(notebook)
    notices = list(grouping.notices)
    entries = follow(grouping.roles, observed)
    notices += joined.notices(notebook, entries)
    notices += _take_back_prelude(notebook, grouping, entries)
    wiring = Wiring(notebook, entries)
    wiring.trace(_everywhere(wiring))
    serving = _serving(notebook, wiring)
    keep_together(wiring)
    names, after = order(notebook, wiring, grouping)
    replay.check(notebook, wiring, names)
    steps = tuple(_step(wiring, wiring.steps[name], after[name], parameters) for name in names)
    notices += _module_notices(notebook, wiring)
    return Pipeline(
        name=_slug(notebook.stem),
        notebook=notebook.name,
        notebook_digest=notebook.digest(),
        parameters=parameters,
        steps=_without_needless_edges(steps),
        serving=serving,
        notices=tuple(notices),
    )


def _take_back_prelude(
    notebook: Notebook, grouping: Grouping, entries: list[Entry]
) -> list[Notice]:
    """Run ``imports`` and ``functions`` cells once, in a step, where they use what a step made.

    Cells before steps run before the inputs are there, and once in every step.
    """
    notices: list[Notice] = []
    first = next(entry.role.step for entry in entries if entry.role.kind == "step")
    current = first
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
    for index, names in wires.imports.items():
        prelude[index] = _import_cell(wiring.entries[index], names)
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


def _import_cell(entry: Entry, names: set[str]) -> Cell:
    """Return a cell of those import statements of a cell that bind the names."""
    wanted = {
        each.statement for name in names for each in entry.effects.imports[name] if each.statement
    }
    lines = [
        text
        for node in entry.code.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and (text := entry.code.text(node)) is not None
        and text in wanted
    ]
    cell = entry.cell
    source = "\n".join(dict.fromkeys(lines))
    return Cell(f"{cell.id}-imports", cell.position, "code", source, ("imports",))


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


def _module_notices(notebook: Notebook, wiring: Wiring) -> list[Notice]:
    """Tell of modules that a step changes: the change stays in that step's process."""
    found: list[Notice] = []
    for entry in wiring.entries:
        if entry.role.kind != "step":
            continue
        changes = dict(reversed([*module_changes(entry.code.tree, _imported(wiring, entry))]))
        for name, line in changes.items():
            later = [
                wires.name
                for wires in wiring.steps.values()
                if wires.name != entry.role.step
                and any(e.index > entry.index and name in e.effects.reads for e in wires.entries)
            ]
            if later:
                words = (
                    f"the change of the module `{name}` is seen by the step "
                    f"`{entry.role.step}` only, not by `{later[0]}`; move it to a cell tagged "
                    "`imports`"
                )
                found.append(Notice(words, notebook.place(entry.cell, line)))
    return found


def _imported(wiring: Wiring, entry: Entry) -> Callable[[str], bool]:
    def is_module(name: str) -> bool:
        origin = wiring.origin(name, entry.index + 1)
        return origin is not None and bool(origin.entry.effects.imports.get(name))

    return is_module


def _everywhere(wiring: Wiring) -> list[Entry]:
    """Return the cells before steps that set up the session: all steps run them."""
    return [
        entry
        for entry in wiring.entries
        if entry.role.kind == "prelude"
        and any(is_setting(node, _imported(wiring, entry)) for node in entry.code.tree.body)
    ]


def _slug(stem: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    return slug[:50].rstrip("-") or "notebook"
