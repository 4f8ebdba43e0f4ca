"""What to do when a module has been imported, without importing it: now or whenever that is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Then = Callable[[ModuleType], None]


class ImportWatch:
    """Calls what is wanted with modules once they have been imported.

    Those that are there already come first. Other imports cost a look at their name.

    Parameters
    ----------
    then
        What is called, by the module's name; by ``sklearn.`` for all modules of a package. What it
        raises is passed to ``failed``, never to whoever imports.
    """

    def __init__(self, then: dict[str, Then], failed: Callable[[Exception], None]) -> None:
        self._then = then
        self._failed = failed

    def start(self) -> None:
        sys.meta_path.insert(0, self)
        for name, module in list(sys.modules.items()):
            then = self._wanted(name)
            if then is not None and isinstance(module, ModuleType):
                self._call(then, module)

    def stop(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders say, with a loader that tells of the module's end."""
        then = self._wanted(name)
        if then is None:
            return None
        for finder in sys.meta_path:
            find: Any = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                self._follow(spec, then)
                return spec
        return None

    def _wanted(self, name: str) -> Then | None:
        found = self._then.get(name)
        return found if found is not None else self._then.get(f"{name.partition('.')[0]}.")

    def _follow(self, spec: ModuleSpec, then: Then) -> None:
        loader: Any = spec.loader
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._call(then, module)

        # On this one loader, whose type everybody may still ask for; built-in ones allow none.
        with suppress(AttributeError):
            loader.exec_module = exec_module

    def _call(self, then: Then, module: ModuleType) -> None:
        try:
            then(module)
        except Exception as error:
            self._failed(error)
