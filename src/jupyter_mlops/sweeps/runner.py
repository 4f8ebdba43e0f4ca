"""What runs the points of a sweep: processes of this machine, or an existing engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol, Self, runtime_checkable

from .outcome import Message
from .points import Point


@runtime_checkable
class Runner(AbstractContextManager["Runner"], Protocol):
    """Runs points side by side; entering it starts what it needs, leaving it ends all."""

    def __enter__(self) -> Self: ...

    @property
    def free(self) -> int:
        """How many more points could run at once."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a point waits or runs."""
        ...

    def submit(self, point: Point, run: str) -> None:
        """Let a point run as the run of that name."""
        ...

    def answer(self, number: int, *, go: bool) -> None:
        """Let a point that has told a metric go on, or end it as pruned."""
        ...

    def poll(self) -> Iterator[Message]:
        """Wait a moment for news and yield them."""
        ...
