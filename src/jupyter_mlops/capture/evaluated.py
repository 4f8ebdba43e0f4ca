"""Names that code read which no cell shows: text that is evaluated while a cell runs."""

from __future__ import annotations

import ast
import re
import sys
from typing import Any, ClassVar

_QUERIED = re.compile(r"__pd_eval_local_(\w+)")
_LONGEST = 1_000_000


class Evaluated:
    """Collects the names in what the notebook's own code compiles: ``eval``, ``exec``, ``query``.

    Audit hooks stay for the life of a process: this is for kernels that run a notebook once, and
    only the one that was started last listens.
    """

    _listening: ClassVar[Evaluated | None] = None
    _hooked: ClassVar[bool] = False

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._names: set[str] = set()

    def start(self) -> None:
        self._names = set()
        Evaluated._listening = self
        if not Evaluated._hooked:
            Evaluated._hooked = True
            sys.addaudithook(_heard)

    def stop(self) -> set[str]:
        """Return the names that were read since `start`, whatever they are."""
        Evaluated._listening = None
        return self._names

    def heard(self, source: str, caller: dict[str, Any]) -> None:
        """Take in text that code with the globals ``caller`` compiles."""
        if caller.get("__name__") == "ast":
            self._names |= set(_QUERIED.findall(source))
        elif caller is self._namespace:
            Evaluated._listening = None
            try:
                tree = ast.parse(source)
            finally:
                Evaluated._listening = self
            self._names |= {
                node.id
                for node in ast.walk(tree)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
            }


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    listener = Evaluated._listening
    if listener is None or event != "compile":
        return
    source = arguments[0]
    if isinstance(source, bytes):
        source = source.decode("utf-8", "replace")
    if not isinstance(source, str) or len(source) > _LONGEST:
        return
    try:
        listener.heard(source, sys._getframe(1).f_globals)
    except Exception:
        return  # an error here would become one of the cell's
