"""The static view of a cell joined with what it was seen to do when it ran.

What was seen and the code does not show is added: a variable that a library function changed, a
name that evaluated text bound or read, names that share an object. What the code shows and the run
did not do stays: another run may do it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..notebook.dataflow import CellCode
from ..notebook.document import Notebook
from ..notebook.effects import ALWAYS_THERE, Effects
from ..notebook.namespace import Namespace
from ..notebook.observed import ObservedCell
from .model import Notice

if TYPE_CHECKING:
    from .wiring import Entry

Lines = dict[str, int]


@dataclass(frozen=True, slots=True)
class Added:
    """What observation adds to a cell: each name with the line where it most likely happens."""

    changes: Lines = field(default_factory=dict)
    binds: Lines = field(default_factory=dict)
    deletes: Lines = field(default_factory=dict)
    reads: Lines = field(default_factory=dict)
    shares: dict[tuple[str, ...], int] = field(default_factory=dict)


NOTHING = Added()


def join(effects: Effects, names: Namespace, seen: ObservedCell, code: CellCode) -> Added:
    """Add to ``effects`` and ``names``, as they are after the cell, what the cell was seen to do.

    Returns what was added.
    """
    added = Added()
    shown = {node.id for node in ast.walk(code.tree) if isinstance(node, ast.Name)}
    for name in seen.reads:
        if name not in effects.reads and name not in shown and name not in ALWAYS_THERE:
            added.reads[name] = _line(code, names, name)
            effects.reads[name] = added.reads[name]
    for name in seen.changes:
        if name not in effects.fates and name not in effects.mutates:
            line = effects.mutates[name] = added.changes[name] = _line(code, names, name)
            effects.reads.setdefault(name, line)
            effects.fates[name] = "changed"
    for name in seen.binds:
        if effects.fates.get(name, "changed") == "changed" and name not in effects.writes:
            line = effects.writes[name] = added.binds[name] = _line(code, names, name)
            effects.fates[name] = "maybe"
            names.bind(name)
    for name in seen.deletes:
        if effects.fates.get(name, "changed") == "changed":
            effects.deletes[name] = added.deletes[name] = _line(code, names, name)
            effects.fates[name] = "maybe"
    for own, holders in seen.sharing():
        if _share(names, own, holders):
            group = tuple(sorted((*own, *holders)))
            added.shares[group] = _line(code, names, *group)
    return added


def rejoin(
    entry: Entry,
    effects: Effects,
    names: Namespace,
    *,
    has: Callable[[str], bool],
    made_here: Callable[[str], bool],
) -> str | None:
    """Add what the cell was seen to do to what it does in a step, as far as it can do it there.

    A change goes through a name that the cell uses, or through something that it shares with such
    a name, or else through what a library keeps in memory: that is in another step another memory.

    Parameters
    ----------
    has, made_here
        Whether the step has a name at all, and whether its own cells made the value.

    Returns
    -------
    str or None
        The name of a variable that the cell changed and cannot reach in this step.
    """
    seen = entry.seen
    if seen is None:
        return None
    here = {name for name, fate in effects.fates.items() if fate != "deleted"}
    used = {n for n in (*effects.reads, *effects.writes, *seen.reads) if n in here or has(n)}
    for name in entry.added.changes:
        if not has(name):
            continue
        through = name in used or any(names.shares(name, other) for other in used)
        if not (through or made_here(name) or effects.wild is not None):
            return name
        effects.fates.setdefault(name, "changed")
    for name in (*entry.added.binds, *entry.added.deletes):
        effects.fates[name] = "maybe"
        names.bind(name)
    # What the cell shares by other means than its names is shared where its process made both.
    for own, holders in seen.sharing():
        mine = {n for n in (*own, *holders) if n in used or (has(n) and made_here(n))}
        _share(names, tuple(mine.intersection(own)), tuple(mine.intersection(holders)))
    return None


def notices(notebook: Notebook, entries: list[Entry]) -> Iterator[Notice]:
    """Tell what the runs of cells showed and their code does not, with the place."""
    for entry in entries:
        position, added = entry.cell.position, entry.added
        for words, lines in (
            ("changes {} in place", added.changes),
            ("binds {}", added.binds),
            ("deletes {}", added.deletes),
            ("reads {}", added.reads),
        ):
            for line in sorted(set(lines.values())):
                found = _list([name for name, where in lines.items() if where == line])
                yield Notice(
                    f"cell {position} {words.format(found)}, as a run of it showed and its code "
                    "does not; the steps are wired by what the run showed",
                    notebook.place(entry.cell, line),
                )
        for group, line in added.shares.items():
            yield Notice(
                f"{_list(group)} share an object after cell {position}, as a run of it showed and "
                "its code does not; a change of one is taken as a change of the other",
                notebook.place(entry.cell, line),
            )


def _share(names: Namespace, own: tuple[str, ...], holders: tuple[str, ...]) -> bool:
    """Let names share an object; return whether that was not known."""
    group = (*own, *holders)
    first, rest = group[:1], group[1:]
    if not rest or all(names.shares(first[0], other) for other in rest):
        return False
    names.share(own, holders)
    return True


def _line(code: CellCode, names: Namespace, *wanted: str) -> int:
    """Return the line where something most likely happens to a variable: a call with it."""
    calls = sorted(
        (node for node in ast.walk(code.tree) if isinstance(node, ast.Call)),
        key=lambda node: node.lineno,
    )
    used = {
        call: {node.id for node in ast.walk(call) if isinstance(node, ast.Name)} for call in calls
    }
    alike = {n for found in used.values() for n in found if any(names.shares(n, w) for w in wanted)}
    for fitting in (set(wanted), alike):
        for call in calls:
            if used[call] & fitting:
                return call.lineno
    if calls:
        return calls[0].lineno
    return code.tree.body[0].lineno if code.tree.body else 1


def _list(names: list[str] | tuple[str, ...]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
