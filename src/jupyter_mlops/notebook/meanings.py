"""What names stand for, by the imports that made them: modules, and things of modules."""

from __future__ import annotations

import ast
from collections.abc import Mapping

CONVENTIONAL: Mapping[str, str] = {
    "np": "numpy",
    "numpy": "numpy",
    "npr": "numpy.random",
    "random": "random",
    "torch": "torch",
    "nn": "torch.nn",
    "tf": "tensorflow",
    "keras": "keras",
    "scipy": "scipy",
    "stats": "scipy.stats",
    "sklearn": "sklearn",
    "uuid": "uuid",
    "secrets": "secrets",
    "os": "os",
}
"""What names stand for where no import of the code says otherwise."""


GENERATORS = frozenset(
    {"random.Random", "numpy.random.RandomState", "numpy.random.default_rng"}
    | {"numpy.random.SeedSequence", "numpy.random.PCG64", "numpy.random.MT19937"}
    | {"numpy.random.Philox", "numpy.random.SFC64"}
)
"""What makes a generator of random numbers."""


def meanings(tree: ast.AST) -> dict[str, str]:
    """Return what names stand for: modules and their parts, and generators that code made."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    root = alias.name.partition(".")[0]
                    found[alias.asname or root] = alias.name if alias.asname else root
            case ast.ImportFrom(module=str(module), level=0, names=aliases):
                for alias in aliases:
                    if alias.name != "*":
                        found[alias.asname or alias.name] = f"{module}.{alias.name}"
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = f"<notebook>.{name}"
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function)):
                made = dotted(function, {**CONVENTIONAL, **found})
                if made in GENERATORS:
                    found[name] = f"{made}()"
    return found


def dotted(node: ast.expr, names: Mapping[str, str]) -> str:
    """Return the full name of what an expression refers to, as far as names tell; or nothing."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ".".join(["", *reversed(parts)]) if parts else ""
    return ".".join([names.get(node.id, node.id), *reversed(parts)])
