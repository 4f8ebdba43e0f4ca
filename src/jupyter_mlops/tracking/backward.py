"""Backward through a run: the executions of cells that a result rests on."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence

from .executions import Execution

_BUILTINS = frozenset(dir(builtins))


def backward(
    steps: Sequence[Execution], targets: Iterable[int], wanted: set[str]
) -> tuple[list[Execution], set[str]]:
    """Return the executions that the targets rest on, and the names that none of them made.

    Parameters
    ----------
    targets
        Orders of executions that count in any case.
    wanted
        Variables whose content after the last target counts.
    """
    last = max(targets, default=0)
    chosen, needs = set(targets), _needs(steps)
    open_names = set(wanted)
    found: list[Execution] = []
    for step in reversed([each for each in steps if each.order <= last]):
        touched = (step.binds | step.changes) & open_names
        if step.order not in chosen and not touched:
            continue
        found.append(step)
        if step.outcome == "ok":
            open_names -= step.binds
        open_names |= step.reads
        for name in step.reads:
            open_names |= needs[step.order].get(name, frozenset())
    found.reverse()
    return found, {name for name in open_names if name not in _BUILTINS}


def _needs(steps: Sequence[Execution]) -> dict[int, dict[str, frozenset[str]]]:
    """Return, at each execution, what functions and classes need that were defined before it."""
    known: dict[str, frozenset[str]] = {}
    found: dict[int, dict[str, frozenset[str]]] = {}
    for step in steps:
        found[step.order] = {name: _all(known, name) for name in step.reads if name in known}
        known = {name: needed for name, needed in known.items() if name not in step.binds}
        known |= step.needs
    return found


def _all(known: Mapping[str, frozenset[str]], name: str) -> frozenset[str]:
    found, pending = set(known[name]), list(known[name])
    while pending:
        more = known.get(pending.pop(), frozenset()) - found
        found |= more
        pending += more
    return frozenset(found)
