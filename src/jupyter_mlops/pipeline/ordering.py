"""The order of steps: by dataflow, by tags, and by what they do outside the process."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from ..errors import MlopsError
from ..notebook.document import Notebook
from .grouping import Grouping
from .wiring import Entry, Wires, Wiring, place_of_change

_MOVES = re.compile(r"^%cd\b|\bchdir\(")

Edges = dict[str, set[str]]
"""Step to the steps that must have ended before it starts."""


def order(notebook: Notebook, wiring: Wiring, grouping: Grouping) -> tuple[list[str], Edges]:
    """Return the steps in an order that all edges allow, and the edges that are not data.

    Raises `MlopsError` ``pipeline.cycle``, ``pipeline.unordered`` or ``pipeline.entangled``.
    """
    steps = wiring.steps
    _refuse_unordered(notebook, wiring, grouping)
    tagged: Edges = {
        name: set(grouping.after.get(name, ())) | _moved_by(wiring, steps[name]) for name in steps
    }
    edges: Edges = {name: tagged[name] | set(steps[name].inputs.values()) for name in steps}
    _sort(notebook, wiring, grouping, edges)
    outside = _order_outside(notebook, steps, edges)
    for name, more in outside.items():
        edges[name] |= more
        tagged[name] |= more
    return _sort(notebook, wiring, grouping, edges), tagged


def ancestors(name: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    """Return all steps that must have ended before a step starts."""
    found: set[str] = set()
    pending = list(edges.get(name, ()))
    while pending:
        step = pending.pop()
        if step not in found:
            found.add(step)
            pending += edges.get(step, ())
    return found


def _moved_by(wiring: Wiring, wires: Wires) -> set[str]:
    """Return the steps whose change of the working folder a step repeats: the folder must exist."""
    return {
        wiring.entries[index].role.step
        for index, texts in wires.settings.items()
        if any(_MOVES.search(text) for text in texts)
    }


def _sort(notebook: Notebook, wiring: Wiring, grouping: Grouping, edges: Edges) -> list[str]:
    """Sort topologically; among steps that may come next, the first of the notebook does."""
    rank = {name: number for number, name in enumerate(wiring.steps)}
    waiting = {name: set(before) for name, before in edges.items()}
    ready = [rank[name] for name, before in waiting.items() if not before]
    names = list(rank)
    heapq.heapify(ready)
    found: list[str] = []
    while ready:
        step = names[heapq.heappop(ready)]
        found.append(step)
        for name, before in waiting.items():
            if step in before:
                before.discard(step)
                if not before:
                    heapq.heappush(ready, rank[name])
    if len(found) < len(names):
        raise _cycle(notebook, wiring, grouping, edges, set(names) - set(found))
    return found


def _cycle(
    notebook: Notebook, wiring: Wiring, grouping: Grouping, edges: Edges, left: set[str]
) -> MlopsError:
    step = min(left, key=list(wiring.steps).index)
    path = [step]
    while path.count(path[-1]) < 2:
        path.append(min(edges[path[-1]] & left))
    loop = path[path.index(path[-1]) :]
    reasons = []
    for later, earlier in pairwise(loop):
        names = sorted(n for n, s in wiring.steps[later].inputs.items() if s == earlier)
        why = f"reads {', '.join(f'`{n}`' for n in names)}" if names else "is tagged to come"
        reasons.append(f"`{later}` {why} {'from' if names else 'after'} `{earlier}`")
    tagged = [grouping.after[s][e] for s, e in pairwise(loop) if e in grouping.after.get(s, {})]
    cell = tagged[0] if tagged else wiring.steps[step].entries[0].cell
    return MlopsError(
        "pipeline.cycle",
        f"Steps wait for each other: {', and '.join(reasons)}.",
        hint="a step runs in one piece: give cells that go back and forth the same step tag, "
        "split the step in two, or remove the tag `after:`.",
        place=notebook.place(cell),
    )


def _order_outside(notebook: Notebook, steps: Mapping[str, Wires], edges: Edges) -> Edges:
    """Keep the notebook's order between cells that write files and cells that touch any."""
    added: Edges = {}
    names = sorted(steps, key=lambda name: steps[name].entries[0].index)
    for position, second in enumerate(names):
        for first in reversed(names[:position]):
            pairs = list(_meet_outside(steps[first], steps[second]))
            if not pairs:
                continue
            back = [pair for pair in pairs if pair[0].index > pair[1].index]
            if back and len(back) < len(pairs):
                raise _entangled_outside(notebook, *back[0])
            earlier, later = (second, first) if back else (first, second)
            joined = {n: edges[n] | added.get(n, set()) for n in edges}
            if earlier in ancestors(later, joined):
                continue
            if later in ancestors(earlier, joined):
                raise _entangled_outside(notebook, *(back or pairs)[0])
            added.setdefault(later, set()).add(earlier)
    return added


def _meet_outside(one: Wires, other: Wires) -> Iterator[tuple[Entry, Entry]]:
    """Yield a cell of each step that touch things outside the process, where one writes."""
    for mine in one.entries:
        for theirs in other.entries:
            writes = [entry.effects.writes_outside is not None for entry in (mine, theirs)]
            reads = [entry.effects.reads_outside is not None for entry in (mine, theirs)]
            if (writes[0] and (writes[1] or reads[1])) or (reads[0] and writes[1]):
                yield mine, theirs


def _entangled_outside(notebook: Notebook, one: Entry, other: Entry) -> MlopsError:
    first, second = sorted((one, other), key=lambda entry: entry.index)
    position = first.cell.position
    return MlopsError(
        "pipeline.entangled",
        f"Cells {position} (step `{first.role.step}`) and {second.cell.position} (step "
        f"`{second.role.step}`) both touch files or the like, and the steps cannot run in the "
        "order of the notebook.",
        hint=f"a step runs in one piece: give cells {position} and {second.cell.position} the same "
        "step tag, or split the step in two.",
        place=notebook.place(second.cell, _line_outside(second)),
    )


def _line_outside(entry: Entry) -> int | None:
    effects = entry.effects
    return effects.writes_outside or effects.reads_outside


def _refuse_unordered(notebook: Notebook, wiring: Wiring, grouping: Grouping) -> None:
    """Refuse steps that their tags make parallel, but which change one variable in turn."""
    steps = wiring.steps
    for later, wires in steps.items():
        if not grouping.after.get(later):
            continue
        for name, earlier in sorted(wires.inputs.items()):
            if not grouping.after.get(earlier):
                continue
            changes = [e for e in wires.entries if name in e.effects.mutates]
            changed = any(name in e.effects.mutates for e in steps[earlier].entries)
            written = any(e.effects.fates.get(name) == "sure" for e in steps[earlier].entries)
            if not changes or not changed or written:
                continue
            wanted: Edges = {
                step: set(grouping.after.get(step, ())) or set(steps[step].inputs.values())
                for step in steps
            }
            if earlier not in ancestors(later, wanted):
                raise MlopsError(
                    "pipeline.unordered",
                    f"The steps `{earlier}` and `{later}` may run side by side by their tags, "
                    f"but both change `{name}`.",
                    hint=f"tag this step `after:{earlier}`, as the notebook runs it, or let each "
                    f"step work on a copy of `{name}` under a name of its own.",
                    place=place_of_change(notebook, changes[0], name),
                )
