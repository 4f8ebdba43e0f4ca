"""What a cell leaves of global names, as data."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import Literal

from .operations import Import

IPYTHON_NAMES = frozenset(
    {"get_ipython", "display", "In", "Out", "exit", "quit", "open", "_", "__", "___"}
    | {"_ih", "_oh", "_dh", "_i", "_ii", "_iii", "__name__", "__doc__", "__file__"}
    | {"__builtins__", "__builtin__", "__annotations__", "__session__"}
)
ALWAYS_THERE = frozenset(dir(builtins)) | IPYTHON_NAMES
"""Names that exist without any cell."""

Fate = Literal["sure", "maybe", "extended", "changed", "deleted"]
"""What a cell leaves of a name: bound anew for sure or perhaps, a module with one more inside,
changed in place, deleted."""


@dataclass(slots=True)
class Effects:
    """What a cell does to global names; each is mapped to the first line that does it."""

    reads: dict[str, int] = field(default_factory=dict)
    hard: set[str] = field(default_factory=set)
    """Names that must exist when the cell starts; other reads may find nothing."""
    writes: dict[str, int] = field(default_factory=dict)
    mutates: dict[str, int] = field(default_factory=dict)
    deletes: dict[str, int] = field(default_factory=dict)
    fates: dict[str, Fate] = field(default_factory=dict)
    imports: dict[str, tuple[Import, ...]] = field(default_factory=dict)
    """The imports that made a name what it is after the cell, where imports alone did."""
    reads_outside: int | None = None
    writes_outside: int | None = None
    wild: int | None = None
    """The line from which on unknown names may be bound, by ``%run`` or ``exec``."""
