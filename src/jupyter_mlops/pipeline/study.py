"""What is known of a notebook's cells before they have tags: their kinds, and who needs whom."""

from __future__ import annotations

import ast
import re

from ..notebook import tags
from ..notebook.document import Cell, Notebook
from ..notebook.readers import Flow
from .cell_kinds import CellKind, calls, cell_kind, constant, root
from .exploration import only_shows
from .grouping import only_talks_to_us
from .step_names import headings

_ROLES = tags.IMPORTS | tags.FUNCTIONS | tags.PARAMETERS | tags.SERVE | tags.SKIP | tags.TEST
_ANSWERS = re.compile(r"\w*(?:predict|classify|forecast|infer|recommend|score)\w*")
_FEW_ROWS = frozenset({"head", "tail", "DataFrame"})


def has_step(cell: Cell) -> bool:
    """Tell whether a tag gives the cell a step."""
    return any(tag.startswith(tags.STEP_PREFIXES) for tag in cell.tags)


def has_role(cell: Cell) -> bool:
    """Tell whether tags say already what the cell is in the pipeline."""
    return has_step(cell) or bool(_ROLES & set(cell.tags))


class Study:
    """The code cells that take part, named by their number in ``cells``.

    Cells tagged ``skip`` or ``test``, and those that only talk to us, take no part. Raises
    `MlopsError` ``pipeline.syntax``.
    """

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        out = tags.SKIP | tags.TEST
        self.talking = [c for c in notebook.code_cells if not has_role(c) and only_talks_to_us(c)]
        self.cells = [
            c for c in notebook.code_cells if not out & set(c.tags) and c not in self.talking
        ]
        self.flow = Flow(notebook, self.cells)
        self.readers = self.flow.readers()
        self.modules = {
            name: f"{each.module}.{each.attribute or ''}".rstrip(".")
            for followed in self.flow.cells
            for name, imports in followed.effects.imports.items()
            for each in imports
        }
        self.kinds: list[CellKind] = [cell_kind(f.code, self.modules) for f in self.flow.cells]
        self.headings = headings(notebook)
        self.functions = {
            node.name: node
            for followed in self.flow.cells
            for node in followed.code.tree.body
            if isinstance(node, ast.FunctionDef)
        }
        self.trained = self._after_training()
        self.activities = [self._activity(number) for number in range(len(self.cells))]
        self._find_first_data()

    def left(self, number: int) -> list[str]:
        """Return what others read of what a cell makes or changes, imports aside."""
        effects = self.flow.cells[number].effects
        return [
            name
            for name in effects.fates
            # The state of random numbers is no variable.
            if name in self.readers[number] and name not in effects.imports and name.isidentifier()
        ]

    def who_reads(self, number: int) -> list[int]:
        """Return the cells that read what a cell leaves, by their position in the notebook."""
        found = {reader for numbers in self.readers[number].values() for reader in numbers}
        return sorted(self.cells[each].position for each in found)

    def constants(self, number: int) -> list[str]:
        """Return the cell's plain constants that other cells read and none changes."""
        return [
            name
            for name in self.kinds[number].constants
            if name in self.readers[number] and not self._changes_again(name, number)
        ]

    def settings(self, number: int) -> list[str]:
        """Return those of the cell's constants that are single values, as parameters mostly are."""
        single = {
            name
            for node in self.flow.cells[number].code.tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            and isinstance(node.value, ast.Constant | ast.UnaryOp)
            and (name := constant(node)) is not None
        }
        return [name for name in self.constants(number) if name in single]

    def is_parameters(self, number: int) -> bool:
        """Tell whether a cell could be the parameters cell: it holds nothing but constants."""
        kind = self.kinds[number]
        return (
            kind.kind == "constants"
            and bool(self.constants(number))
            and not any(self._changes_again(name, number) for name in kind.constants)
        )

    def may_be_skipped(self, number: int, skipped: set[int]) -> bool:
        """Tell whether a cell only shows, and none but ``skipped`` cells need what it makes."""
        followed = self.flow.cells[number]
        effects = followed.effects
        readers = {each for found in self.readers[number].values() for each in found}
        return (
            readers <= skipped
            and effects.writes_outside is None
            and effects.wild is None
            and not effects.deletes
            and number not in self.trained
            and not self.flow.undefined(number)
            and not self.kinds[number].numbers
            and only_shows(followed.code.tree, self.modules, self.functions)
        )

    def answers(self, number: int) -> str:
        """Return the call by which a cell answers a few example rows, empty where it does not."""
        followed = self.flow.cells[number]
        body = followed.code.tree.body
        last = body[-1] if body else None
        if not isinstance(last, ast.Expr) or not isinstance(last.value, ast.Call):
            return ""
        call = last.value
        name = next(name for name, each in calls(call) if each is call) if _named(call) else ""
        if not _ANSWERS.fullmatch(name) or number not in self.trained or len(call.args) != 1:
            return ""
        if isinstance(call.func, ast.Name) and name not in self.functions:
            return ""
        return name if self._few_rows(call.args[0], number, last.lineno) else ""

    def _few_rows(self, rows: ast.expr, number: int, line: int) -> bool:
        """Tell whether an expression is some rows of a frame, as far as its code shows."""
        match rows:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
                return name in _FEW_ROWS
            case ast.Subscript(value=ast.Attribute(attr="iloc" | "loc"), slice=where):
                return isinstance(where, ast.Slice | ast.List)
            case ast.Subscript(value=inner):
                return self._few_rows(inner, number, line)
            case ast.Name(id=name):
                for each in (number, *self.flow.makers(number, name)):
                    for node in reversed(self.flow.cells[each].code.tree.body):
                        if isinstance(node, ast.Assign) and any(
                            isinstance(t, ast.Name) and t.id == name for t in node.targets
                        ):
                            value = node.value
                            is_name = isinstance(value, ast.Name)
                            return not is_name and self._few_rows(value, each, line)
        return False

    def _changes_again(self, name: str, number: int) -> bool:
        return any(
            name in followed.effects.fates
            for other, followed in enumerate(self.flow.cells)
            if other != number
        )

    def _activity(self, number: int) -> str:
        found = self.kinds[number].activity or ""
        # What is grouped or cut once a model is there are its results.
        after = number in self.trained and found in ("clean", "features", "split")
        return "evaluate" if after else found

    def _find_first_data(self) -> None:
        """Take the first work that makes something out of nothing for loading."""
        for number, followed in enumerate(self.flow.cells):
            if self.kinds[number].kind != "work" or not self.left(number):
                continue
            needs = {m for name in followed.effects.reads for m in self.flow.makers(number, name)}
            from_nothing = all(self.kinds[maker].kind != "work" for maker in needs)
            if from_nothing and self.activities[number] in ("", "clean", "features"):
                self.activities[number] = "load"
            return

    def _after_training(self) -> set[int]:
        """Return the cells that train, and those that use what came of it."""
        found: set[int] = set()
        for number, followed in enumerate(self.flow.cells):
            if "train" in self.kinds[number].activities:
                found.add(number)
                continue
            for name in followed.effects.reads:
                if any(
                    maker in found and name not in self.flow.cells[maker].effects.imports
                    for maker in self.flow.makers(number, name)
                ):
                    found.add(number)
                    break
        return found


def fitted(tree: ast.Module) -> list[str]:
    """Return the names of what a cell fits."""
    found: dict[str, None] = {}
    for node in tree.body:
        for name, call in calls(node):
            if name not in ("fit", "fit_resample", "partial_fit", "train"):
                continue
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = None
            elif isinstance(call.func, ast.Attribute) and (receiver := root(call.func.value)):
                found[receiver] = None
    return list(found)


def _named(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name | ast.Attribute)
