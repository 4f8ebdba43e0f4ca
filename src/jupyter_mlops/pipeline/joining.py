"""Cells without a step tag: which step each of them joins, and why.

By dataflow a cell joins the nearest step before it whose variables it uses or changes, or else the
first step after it that uses what it makes, or else the step before it. Cells that only import or
only define take part in no one step: they are taken as ``imports`` and ``functions``. A cell never
joins a step across another one with which it would have to change places.

Where tags are Kale's, and where the steps that follow from dataflow are no pipeline, a cell joins
the step before it, as it stands in the notebook.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from .._random_state import STATES
from ..notebook import tags
from ..notebook.document import Notebook
from .grouping import SERVE_STEP, Grouping
from .model import Notice
from .session import is_setting, module_changes
from .wiring import Entry, Wiring

_FOREIGN = frozenset({"pipeline-parameters", "pipeline-metrics"})
_MOST_OPEN = 100
_EFFECTS_OF_IMPORT = ("sklearn.experimental", "__future__")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an untagged cell goes, with the end of the sentence that tells it."""

    kind: Literal["prelude", "step"]
    step: str
    why: str


Joining = dict[int, Place]
"""The place of each untagged cell, by its index among the entries."""


def joinings(notebook: Notebook, grouping: Grouping, entries: Sequence[Entry]) -> list[Joining]:
    """Return the ways for untagged cells to join steps, the best one first."""
    untagged = [entry for entry in entries if entry.role.untagged]
    if not untagged:
        return [{}]
    by_position = _by_position(entries)
    if any(_is_kale(tag) for role in grouping.roles for tag in role.cell.tags):
        return [by_position]
    by_flow = _ByFlow(notebook, entries, by_position).joining()
    same = all(
        (by_flow[i].kind, by_flow[i].step) == (p.kind, p.step) for i, p in by_position.items()
    )
    return [by_flow] if same else [by_flow, by_position]


def join_untagged(notebook: Notebook, entries: Sequence[Entry], joining: Joining) -> list[Notice]:
    """Give the untagged cells their places; return what to tell of it."""
    notices: list[Notice] = []
    current = ""
    for entry in entries:
        role = entry.role
        if role.untagged:
            place = joining[entry.index]
            role.kind, role.step = place.kind, place.step
            # That results belong to the step before them goes without saying.
            if not (role.metrics and current and current == place.step):
                what = "no step tag; it joins" if place.kind == "step" else "no tag; it only"
                words = f"cell {entry.cell.position} has {what} {place.why}"
                notices.append(Notice(words, notebook.place(entry.cell)))
        if role.kind == "step":
            current = role.step
    return notices


def _is_kale(tag: str) -> bool:
    return tag in _FOREIGN or tag.startswith(("block:", "prev:"))


def _by_position(entries: Sequence[Entry]) -> Joining:
    tagged = [e.role.step for e in entries if e.role.kind == "step" and not e.role.untagged]
    first = next((step for step in tagged if step != SERVE_STEP), SERVE_STEP)
    current = ""
    found: Joining = {}
    for entry in entries:
        if not entry.role.untagged:
            current = entry.role.step or current
        elif not current and _only_imports(entry):
            found[entry.index] = _as_imports(entry)
        elif current:
            found[entry.index] = Place("step", current, f"the step `{current}` before it")
        else:
            found[entry.index] = Place("step", first, f"the step `{first}`, the first one")
    return found


class _ByFlow:
    """Places cells by what they use, change and make."""

    def __init__(self, notebook: Notebook, entries: Sequence[Entry], by_position: Joining) -> None:
        self._entries = entries
        self._by_position = by_position
        self._wiring = Wiring(notebook, list(entries))
        self._found: Joining = {}
        self._open: set[int] = set()
        self._sources: list[dict[str, Entry]] = [self._origins(entry) for entry in entries]
        self._readers: dict[int, list[Entry]] = {}
        for entry in entries:
            for origin in self._sources[entry.index].values():
                self._readers.setdefault(origin.index, []).append(entry)

    def joining(self) -> Joining:
        for index, place in self._by_position.items():
            entry = self._entries[index]
            prelude = place if place.kind == "prelude" else self._as_prelude(entry)
            if prelude is not None:
                self._found[index] = prelude
        for index in self._by_position:
            self._resolve(self._entries[index])
        return self._found

    def _origins(self, entry: Entry) -> dict[str, Entry]:
        """Return the cells whose variables a cell uses; modules are none."""
        found: dict[str, Entry] = {}
        for name in entry.effects.reads:
            origin = self._wiring.origin(name, entry.index)
            if (
                origin is not None
                and origin.fate != "deleted"
                and origin.entry.role.kind == "step"
                and not origin.entry.effects.imports.get(name)
            ):
                found[name] = origin.entry
        return found

    # --- cells of no one step -----------------------------------------------------------------

    def _as_prelude(self, entry: Entry) -> Place | None:
        if entry.role.metrics or _has_order(entry) or _reaches_out(entry):
            return None
        if any(not self._is_prelude(origin) for origin in self._sources[entry.index].values()):
            return None
        effects, body = entry.effects, entry.code.tree.body
        defined = [node.name for node in body if isinstance(node, _DEFINITIONS)]
        if (
            effects.mutates
            or effects.deletes
            or set(effects.fates) - set(effects.imports) - set(defined)
        ):
            return None
        if not all(_stays_the_same(node, self._is_module(entry)) for node in body):
            return None
        if defined:
            names = " and ".join(f"`{name}`" for name in dict.fromkeys(defined))
            return Place("prelude", "", f"defines {names}, and is taken as `functions`")
        sets_up = any(not _is_import(node) and not _is_text(node) for node in body)
        if sets_up or self._is_wanted(entry) or acts_by_import(entry.code.tree):
            return _as_imports(entry)
        return None

    def _is_prelude(self, entry: Entry) -> bool:
        place = self._found.get(entry.index)
        return place is not None and place.kind == "prelude"

    def _is_wanted(self, entry: Entry) -> bool:
        """Tell whether a later cell uses what this one imports."""
        return any(
            origin is not None and origin.entry is entry
            for later in self._entries[entry.index + 1 :]
            for name in later.effects.reads.keys() & entry.effects.imports.keys()
            for origin in [self._wiring.origin(name, later.index)]
        )

    def _is_module(self, entry: Entry) -> Callable[[str], bool]:
        def is_module(name: str) -> bool:
            origin = self._wiring.origin(name, entry.index + 1)
            return origin is not None and bool(origin.entry.effects.imports.get(name))

        return is_module

    # --- cells of a step ----------------------------------------------------------------------

    def _resolve(self, entry: Entry) -> str:
        """Return the step of a cell, found once; nothing for cells of no step."""
        if not entry.role.untagged:
            return entry.role.step
        if entry.index in self._open or len(self._open) > _MOST_OPEN:
            return ""
        if entry.index not in self._found:
            self._open.add(entry.index)
            self._found[entry.index] = self._place(entry)
            self._open.discard(entry.index)
        return self._found[entry.index].step

    def _place(self, entry: Entry) -> Place:
        if _has_order(entry):
            return self._by_position[entry.index]
        before = {
            step: None
            for origin in sorted(self._sources[entry.index].values(), key=lambda each: -each.index)
            if (step := self._resolve(origin))
        }
        for step in sorted(before, key=lambda each: -self._last(each, entry)):
            if self._may_go(entry, step, self._last(step, entry)):
                return Place("step", step, f"the step `{step}`, {self._shared(entry, step)}")
        if not before:
            for reader in self._readers.get(entry.index, ()):
                step = self._resolve(reader)
                if step and self._may_go(entry, step, self._first(step, entry)):
                    names = [
                        name
                        for name, origin in self._sources[reader.index].items()
                        if origin is entry
                    ]
                    return Place("step", step, f"the step `{step}`, which uses its {_list(names)}")
        return self._by_position[entry.index]

    def _members(self, step: str) -> list[Entry]:
        return [entry for entry in self._entries if self._known(entry) == step]

    def _known(self, entry: Entry) -> str:
        """Return the step of a cell, as far as it is found."""
        if not entry.role.untagged:
            return entry.role.step
        place = self._found.get(entry.index)
        return place.step if place is not None else ""

    def _last(self, step: str, entry: Entry) -> int:
        return max((e.index for e in self._members(step) if e.index < entry.index), default=-1)

    def _first(self, step: str, entry: Entry) -> int:
        return min(e.index for e in self._members(step) if e.index > entry.index)

    def _shared(self, entry: Entry, step: str) -> str:
        """Say what a cell shares with a step before it."""
        names = [
            name
            for name, origin in self._sources[entry.index].items()
            if self._resolve(origin) == step
        ]
        if not set(names) - STATES:
            return "whose random numbers it goes on with"
        names = [name for name in names if name not in STATES]
        changed = [name for name in names if name in entry.effects.mutates]
        return f"whose {_list(changed or names)} it {'changes' if changed else 'uses'}"

    def _may_go(self, entry: Entry, step: str, neighbour: int) -> bool:
        """Tell whether a cell may stand beside a cell of a step, as if those between were not."""
        first, last = sorted((entry.index, neighbour))
        own = {each.index for each in self._members(step)}
        between = [e for e in self._entries[first + 1 : last] if self._moves_past(e, own)]
        if not between:
            return True
        if _reaches_out(entry):
            return False
        kept = {name for each in self._members(step) for name in each.effects.fates}
        return not any(
            each.effects.wild is not None
            or _left(entry) & (each.effects.reads.keys() | _left(each))
            or _left(each) & (entry.effects.reads.keys() | kept)
            for each in between
        )

    def _moves_past(self, entry: Entry, own: set[int]) -> bool:
        return entry.role.kind == "step" and entry.index not in own and not self._is_prelude(entry)


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def acts_by_import(tree: ast.Module) -> bool:
    """Tell whether code imports for what importing does, and not for a name."""
    return any(
        isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_EFFECTS_OF_IMPORT)
        for node in tree.body
    )


def _stays_the_same(node: ast.stmt, is_module: Callable[[str], bool]) -> bool:
    """Tell whether a statement does the same wherever and however often it runs."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.FunctionDef(args=given) | ast.AsyncFunctionDef(args=given):
            defaults = [*given.defaults, *(each for each in given.kw_defaults if each)]
            return not any(_calls(each) for each in defaults)
        case ast.ClassDef(body=body):
            return all(_stays_the_same_in_class(each) for each in body)
        case ast.Expr(value=ast.Call(func=ast.Name())):
            return is_setting(node, is_module)
        case ast.Expr() | ast.Assign():
            return any(module_changes(ast.Module([node], []), is_module))
    return False


def _stays_the_same_in_class(node: ast.stmt) -> bool:
    match node:
        case ast.AnnAssign():  # such as a field of a dataclass
            return True
        case ast.Assign(value=value):
            return not _calls(value)
        case ast.Expr(value=value):
            return isinstance(value, ast.Constant)
    return isinstance(node, (ast.Pass, *_DEFINITIONS)) and _stays_the_same(node, lambda name: False)


def _calls(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Call | ast.Await) for each in ast.walk(node))


def _only_imports(entry: Entry) -> bool:
    """Tell whether a cell imports, and at most sets up what it imports and the session."""
    body = entry.code.tree.body
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return not all(_is_text(node) for node in body) and all(
        _is_import(node) or _is_text(node) or is_setting(node, imported.__contains__)
        for node in body
    )


def _as_imports(entry: Entry) -> Place:
    words = "imports" if entry.effects.imports else "sets up the session"
    return Place("prelude", "", f"{words}, and is taken as `imports`")


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _has_order(entry: Entry) -> bool:
    """Tell whether a tag says after which step the cell comes: it means the step that it is in."""
    return any(tag.startswith(tags.AFTER_PREFIXES) for tag in entry.cell.tags)


def _reaches_out(entry: Entry) -> bool:
    effects = entry.effects
    return any(
        line is not None for line in (effects.wild, effects.reads_outside, effects.writes_outside)
    )


def _left(entry: Entry) -> set[str]:
    """Return the variables that a cell leaves something in; modules are none."""
    return {n for n in entry.effects.fates if not entry.effects.imports.get(n)}


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))
