"""What a cell's code means beyond the cell: imports of other cells, seeds, modules beside it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from . import tags
from .class_facts import ClassFacts, class_facts
from .document import Notebook
from .ipython_syntax import parse_cell
from .meanings import CONVENTIONAL, meanings
from .randomness import Generator, draws, seeds
from .siblings import sibling

_IMPORTS = re.compile(r"\bimport\b")
_CLASSES = re.compile(r"\bclass\b")
_SEEDS = re.compile(r"seed|set_state|setstate")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the notebook around a cell.

    ``names`` are what imported names stand for. ``seeded`` are the shared generators of random
    numbers that some cell seeds; ``fitting`` are those of them that estimators draw from when they
    are fitted. ``folder`` holds the modules beside the notebook; ``reading`` are those of them that
    the code itself is of. ``classes`` are facts about the classes of the notebook and of these.
    """

    folder: str | None = None
    names: Mapping[str, str] = field(default_factory=lambda: CONVENTIONAL, hash=False)
    seeded: frozenset[Generator] = frozenset()
    fitting: frozenset[Generator] = frozenset()
    reading: frozenset[str] = frozenset()
    classes: ClassFacts = field(default_factory=ClassFacts, hash=False)


@lru_cache(maxsize=8)
def surroundings(notebook: Notebook) -> Surroundings:
    """Return what is known of a notebook as a whole; cells that cannot be parsed tell nothing."""
    names = dict(CONVENTIONAL)
    for tree in _trees(notebook, _IMPORTS):
        names |= meanings(tree)
    seeded = {
        generator
        for tree in _trees(notebook, _SEEDS)
        for seed in seeds(tree, names)
        for generator in seed.generators
    }
    fitting: set[Generator] = set()
    if seeded:
        fitting = {
            draw.generator
            for tree in _trees(notebook, re.compile(""))
            for draw in draws(tree, names)
            if draw.later
        }
    folder = str(notebook.path.parent)
    facts = class_facts([*_trees(notebook, _CLASSES), *_beside(notebook, folder)])
    return Surroundings(
        folder, names, frozenset(seeded), frozenset(fitting & seeded), classes=facts
    )


def _beside(notebook: Notebook, folder: str) -> Iterator[ast.Module]:
    """Yield the modules beside the notebook that its cells import."""
    for tree in _trees(notebook, _IMPORTS):
        for node in ast.walk(tree):
            found: list[str] = []
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found = [node.module]
            for path in filter(None, (sibling(module, folder) for module in found)):
                try:
                    text = path.read_text(encoding="utf-8")
                    if _CLASSES.search(text):
                        yield ast.parse(text)
                except (OSError, SyntaxError, ValueError):
                    continue


def _trees(notebook: Notebook, pattern: re.Pattern[str]) -> Iterator[ast.Module]:
    for cell in notebook.code_cells:
        if not pattern.search(cell.source) or set(cell.tags) & (tags.SKIP | tags.TEST):
            continue
        try:
            yield parse_cell(cell.source)
        except SyntaxError:
            continue
