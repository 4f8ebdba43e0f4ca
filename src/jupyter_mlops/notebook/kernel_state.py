"""What a live kernel holds and has executed, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from .observed import source_digest


class Executed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One execution; ``order`` grows from one to the next. ``cell_id`` is empty if not known."""

    source: str
    order: int
    cell_id: str = ""

    @property
    def source_digest(self) -> str:
        return source_digest(self.source)


class KernelState(msgspec.Struct, frozen=True):
    """The user's variables in a kernel by name, and all that it has executed, in order."""

    names: tuple[str, ...] = ()
    executed: tuple[Executed, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> KernelState:
        """Raises `msgspec.ValidationError` where the content is no kernel's state."""
        return msgspec.convert(content, cls)
