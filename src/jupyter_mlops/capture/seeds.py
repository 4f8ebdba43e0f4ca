"""Random seeds: the literal ones that a cell sets, for whatever makes random numbers."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from .records import Seed

# Most cells set none: their trees are not looked at.
_WORTH_A_LOOK = re.compile(r"seed|random_state|default_rng|RandomState|Random\(|PRNGKey|SEED")
_SETTERS = frozenset(
    {
        "seed",
        "manual_seed",
        "manual_seed_all",
        "set_seed",
        "set_random_seed",
        "seed_everything",
        "default_rng",
        "RandomState",
        "Random",
        "PRNGKey",
        "SeedSequence",
    }
)
_WORDS = frozenset({"random_state", "seed", "random_seed"})
_ENVIRONMENT = frozenset({"PYTHONHASHSEED", "PL_GLOBAL_SEED"})


class Seeds:
    """Finds the seeds of cells; one that is set again to the same value is told once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def collect(
        self, order: int, source: str, tree: ast.Module | None, namespace: Mapping[str, Any]
    ) -> Iterator[Seed]:
        """Yield the seeds that a cell sets to literals, or to names of numbers."""
        if tree is None or not _WORTH_A_LOOK.search(source):
            return
        for what, node in _seeds(tree):
            value = _value(node, namespace)
            if value is not None and self._known.get(what) != value:
                self._known[what] = value
                yield Seed(time=time.time(), order=order, what=what, value=value)


def _seeds(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield what is seeded and with which expression, in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if function in _SETTERS and node.args:
                yield ast.unparse(node.func), node.args[0]
            for word in node.keywords:
                if word.arg in _WORDS:
                    yield f"{ast.unparse(node.func)} {word.arg}", word.value
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    name = target.slice.value
                    if isinstance(name, str) and name in _ENVIRONMENT:
                        yield name, node.value


def _value(node: ast.expr, namespace: Mapping[str, Any]) -> str | None:
    value: Any = None
    if isinstance(node, ast.Constant):
        value = node.value
    elif isinstance(node, ast.Name):
        value = namespace.get(node.id)
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > 100:
        return None
    return str(value)
