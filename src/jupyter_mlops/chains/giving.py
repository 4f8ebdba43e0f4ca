"""What a notebook can give to others, as its code shows: the names that it leaves bound."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from ..errors import MlopsError
from ..notebook.dataflow import CellCode, cell_code
from ..notebook.document import Cell, Notebook
from ..notebook.effects import Effects
from ..notebook.namespace import Namespace
from ..notebook.parameters import parameters_cell
from .kinds import kinds


@dataclass(slots=True)
class Giving:
    """The names that running all cells in order leaves.

    ``deleted`` and ``no_value`` (modules, functions and classes) are not among those ``bound``;
    each is mapped to the last cell that made it so. ``rebound`` are the names that cells other than
    the parameters cell bind or delete, ``changed`` those whose values they may change in place.
    ``kinds`` are those of values where the code shows them, and ``wild`` tells that there may be
    more names, by ``%run`` or such.
    """

    bound: dict[str, Cell] = field(default_factory=dict)
    deleted: dict[str, Cell] = field(default_factory=dict)
    no_value: dict[str, Cell] = field(default_factory=dict)
    rebound: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)
    wild: bool = False
    _words: set[str] = field(default_factory=set)
    """Texts and keywords of calls: what may name a metric."""
    _called: set[str] = field(default_factory=set)

    def leaves(self, name: str, value: object) -> bool:
        """Tell whether a parameter is at the end what it was given as; only containers change."""
        is_container = isinstance(value, list | dict)
        return name not in self.rebound and not (is_container and name in self.changed)

    def may_be_metric(self, name: str) -> bool:
        """Tell whether code may log a metric of that name, or a captured score may be called so."""
        if name in self._words:
            return True
        return any(name.startswith(f"{each}_") or name == each for each in self._called)

    def may_give(self, name: str) -> bool:
        """Tell whether a run of the notebook may have an output of that name."""
        return name in self.bound or self.wild or self.may_be_metric(name)


def giving(notebook: Notebook) -> Giving:
    """Return what the notebook can give."""
    found = Giving()
    home = parameters_cell(notebook)
    for cell in notebook.code_cells:
        try:
            code = cell_code(cell, notebook)
        except MlopsError:
            continue  # it will fail when it runs, and may be meant to
        names = Namespace()
        effects = names.run(code.operations)
        _follow(found, cell, effects, names)
        if cell is not home:
            found.rebound |= {*effects.writes, *effects.deletes}
            found.changed |= set(effects.mutates)
        found.wild = found.wild or effects.wild is not None
        _learn_kinds(found, code, effects)
        _collect(found, code)
    return found


def _follow(found: Giving, cell: Cell, effects: Effects, names: Namespace) -> None:
    for name, fate in effects.fates.items():
        if fate == "deleted":
            if found.bound.pop(name, None) or name in effects.writes:
                found.deleted[name] = cell
        elif name in effects.writes:
            no_value = name in effects.imports or names.defines(name)
            mine = found.no_value if no_value else found.bound
            mine[name] = cell
            for other in (found.bound, found.deleted, found.no_value):
                if other is not mine:
                    other.pop(name, None)


def _learn_kinds(found: Giving, code: CellCode, effects: Effects) -> None:
    shown = kinds(code.tree, {*found.bound, *found.no_value})
    for name in {*effects.writes, *effects.deletes}:
        # Bound in a branch as well, or by one of several statements, it may be anything.
        bindings = [n for n in ast.walk(code.tree) if isinstance(n, ast.Name) and n.id == name]
        once = sum(isinstance(n.ctx, ast.Store) for n in bindings) == 1
        if once and name in shown:
            found.kinds[name] = shown[name]
        else:
            found.kinds.pop(name, None)


def _collect(found: Giving, code: CellCode) -> None:
    for node in ast.walk(code.tree):
        match node:
            case ast.Constant(value=str(text)):
                found._words.add(text)
            case ast.keyword(arg=str(name)):
                found._words.add(name)
            case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
                found._called.add(name)
