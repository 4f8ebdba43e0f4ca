"""Settings of the process that a step's cells make, made again in the steps behind it.

``os.environ[...] = ...``, ``pd.set_option`` and the like change no variable, and in a notebook they
last. Steps are processes of their own: a statement that only sets, by what every step has, is
repeated before their cells. Where it cannot be repeated, and a later step would miss it, the
notebook is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from .._random_state import STATES
from ..errors import MlopsError
from ..notebook.document import Notebook
from ..notebook.effects import ALWAYS_THERE, Effects
from ..notebook.siblings import sibling
from ..notebook.surroundings import surroundings
from ..notebook.walker import operations
from .model import Notice
from .session import Change, session_changes, setters
from .wiring import Entry, Wires, Wiring

_EVERYWHERE = frozenset({"os", "sys", "%cd", "%env", "%set_env"})
"""What may matter to code that does not name it: the environment, the folder, where modules are."""


@dataclass(frozen=True, slots=True)
class _Setting:
    """A statement of a cell, and why it cannot be repeated, if it cannot."""

    entry: Entry
    change: Change
    text: str
    reads: tuple[str, ...]
    reason: str


class Settings:
    """The settings that a notebook's cells make, and the steps that are to make them again."""

    def __init__(self, notebook: Notebook, wiring: Wiring) -> None:
        self.notebook = notebook
        self.wiring = wiring
        self._known = surroundings(notebook)
        self._folder = str(notebook.path.parent)
        trees = [entry.code.tree for entry in wiring.entries]
        self._functions = setters(trees, self._known.names, self._folder)

    def sets_up(self, entry: Entry) -> bool:
        """Tell whether a cell before steps makes settings, so that all steps must run it."""
        return any(self._changes(entry, node) for node in entry.code.tree.body)

    def repeat(self) -> list[Notice]:
        """Let steps repeat the settings of steps before them; return what to tell of it.

        Raises `MlopsError` ``pipeline.session-state``.
        """
        return [
            Notice(
                f"the step `{setting.entry.role.step}` sets `{setting.change.module}`; the steps "
                "behind it make this setting too",
                self.notebook.place(setting.entry.cell, setting.change.line),
            )
            for setting in self._all()
            if self._repeat(setting)
        ]

    def _repeat(self, setting: _Setting) -> bool:
        entry, wiring = setting.entry, self.wiring
        later = [
            wires
            for wires in wiring.steps.values()
            if wires.name != entry.role.step and wires.entries[-1].index > entry.index
        ]
        begun = [wires for wires in later if wires.entries[0].index < entry.index]
        if setting.reason or begun:
            missing = [w for w in later if _would_miss(wiring, w, entry, setting.change)]
            if missing:
                reason = setting.reason or f"the step `{begun[0].name}` begins before it"
                raise _refusal(self.notebook, setting, missing[0], reason)
            return False
        for wires in later:
            wires.settings.setdefault(entry.index, []).append(setting.text)
            for name in setting.reads:
                wiring.need(wires, name, entry.index + 1)
        return bool(later)

    def _all(self) -> Iterator[_Setting]:
        for entry in self.wiring.entries:
            if entry.role.kind == "step":
                body = entry.code.tree.body
                found = {n: changes[0] for n in body if (changes := self._changes(entry, n))}
                if found:
                    yield from self._of(entry, found)

    def _of(self, entry: Entry, found: dict[ast.stmt, Change]) -> Iterator[_Setting]:
        names = entry.before.copy()
        for node in entry.code.tree.body:
            module = ast.Module([node], [])
            code = operations(module, lambda _: None, self._folder, self._known)
            effects = names.run(code)
            change = found.get(node)
            if change is not None:
                text = change.text or entry.code.text(node) or ""
                if change.text:  # a magic: what it reaches outside the process is what it sets
                    effects.writes_outside = None
                reason = _why_not(effects, text, entry, self.wiring)
                yield _Setting(entry, change, text, tuple(effects.reads), reason)

    def _changes(self, entry: Entry, node: ast.stmt) -> list[Change]:
        package = partial(_package, self.wiring, entry)
        return [*session_changes(node, package, self._functions, entry.cell.source)]


def _why_not(effects: Effects, text: str, entry: Entry, wiring: Wiring) -> str:
    """Say why a statement cannot be repeated in other steps; nothing where it can."""
    left = set(effects.fates) - STATES - {n for n in effects.fates if effects.imports.get(n)}
    if left:
        return f"the statement also leaves `{min(left)}`"
    if effects.wild is not None or not text:
        return "what the statement does is not known before it runs"
    if effects.writes_outside is not None:
        return "the statement also writes files"
    for name in effects.reads:
        origin = wiring.origin(name, entry.index + 1)
        if name in ALWAYS_THERE | STATES or origin is None:
            continue
        given = origin.entry.role.kind in ("prelude", "parameters")
        if not given and not origin.entry.effects.imports.get(name):
            return f"it depends on `{name}`, which cell {origin.entry.cell.position} makes"
    return ""


def _would_miss(wiring: Wiring, wires: Wires, entry: Entry, change: Change) -> bool:
    """Tell whether a later step uses what a setting is of."""
    if change.module in _EVERYWHERE:
        return True
    for each in wires.entries:
        if each.index > entry.index:
            for name in each.effects.reads:
                origin = wiring.origin(name, each.index)
                imports = origin.entry.effects.imports.get(name, ()) if origin else ()
                if any(made.module.partition(".")[0] == change.module for made in imports):
                    return True
    return False


def _package(wiring: Wiring, entry: Entry, name: str) -> str:
    """Return the package that a name was imported from, or nothing."""
    origin = wiring.origin(name, entry.index + 1)
    imports = origin.entry.effects.imports.get(name, ()) if origin else ()
    return imports[0].module.partition(".")[0] if imports else ""


def _refusal(notebook: Notebook, setting: _Setting, missing: Wires, reason: str) -> MlopsError:
    module = setting.change.module
    own = sibling(module, str(notebook.path.parent)) is not None
    what = f"what the module `{module}` keeps" if own else f"a setting of `{module}`"
    return MlopsError(
        "pipeline.session-state",
        f"The step `{setting.entry.role.step}` changes {what}, which the step `{missing.name}` "
        f"would not see: steps are processes of their own, and {reason}.",
        hint="put the statement, with constants or parameters only, into a cell tagged `imports`, "
        "or give both cells the same step tag.",
        place=notebook.place(setting.entry.cell, setting.change.line),
    )
