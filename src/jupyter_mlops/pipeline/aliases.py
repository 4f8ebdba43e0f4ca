"""Names that share an object travel together, so that they still share it in the next step."""

from __future__ import annotations

import ast
from functools import lru_cache

from .wiring import Wires, Wiring

_FROM_START = -1
"""The position of parameters and of cells before steps, among the steps that provide names."""


def keep_together(wiring: Wiring) -> None:
    """Take names that share an object, and that the step changes, from one and the same step.

    The later one of their providers hands the others on: it has them as inputs and outputs too.
    """
    for _ in wiring.steps:
        moved = [_unite(wiring, wires) for wires in reversed(wiring.steps.values())]
        if not any(moved):
            return


def _unite(wiring: Wiring, wires: Wires) -> bool:
    """Return whether something had to be moved."""
    rank = {name: number for number, name in enumerate(wiring.steps)}
    start = wires.entries[0]
    moved = False
    names = _given(wiring, wires)
    compares = any(_compares_identity(entry.code.tree) for entry in wires.entries)
    matter = {name for name in names if compares or _matters(wires, name)}
    for one in sorted(names):
        for other in sorted(wires.inputs):
            if one not in matter and other not in matter:
                continue
            provider = wires.inputs[other]
            position = rank[wires.inputs[one]] if one in wires.inputs else _FROM_START
            if position >= rank[provider] or rank[provider] >= rank[wires.name]:
                continue
            if start.before.shares(one, other):
                carrier = wiring.steps[provider]
                wiring.need(carrier, one, start.index)
                carrier.outputs.add(one)
                wires.inputs[one] = provider
                moved = True
    return moved


def _given(wiring: Wiring, wires: Wires) -> set[str]:
    """Return the variables that a step has before its first cell runs."""
    made = {
        name
        for index in wires.prelude
        for name in wiring.entries[index].effects.writes
        if index < wires.entries[0].index
    }
    return {*wires.inputs, *wires.parameters, *made}


def _matters(wires: Wires, name: str) -> bool:
    """Tell whether it shows that names share an object.

    The step changes what the name refers to, or hands it on together with others.
    """
    return name in wires.outputs or any(name in entry.effects.mutates for entry in wires.entries)


@lru_cache(maxsize=1024)
def _compares_identity(tree: ast.Module) -> bool:
    """Tell whether code asks if two names are one object, or share memory."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(ops=operators, comparators=others):
                for operator, other in zip(operators, others, strict=True):
                    is_identity = isinstance(operator, ast.Is | ast.IsNot)
                    if is_identity and not isinstance(other, ast.Constant):
                        return True
            case ast.Call(func=ast.Name(id="id")):
                return True
            case ast.Call(func=ast.Attribute(attr="shares_memory" | "may_share_memory")):
                return True
    return False
