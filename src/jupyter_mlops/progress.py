"""Progress events: what a verb tells while it works, the same for every face."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

Result = TypeVar("Result")
Status = Literal["started", "done", "notice"]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of progress.

    ``stage`` is a short stable word (``run``, ``prove``, ``build`` …); ``seconds`` is the time
    that a stage took, given when its status is ``done``; ``data`` is JSON-able.
    """

    stage: str
    message: str
    status: Status = "notice"
    seconds: float | None = None
    data: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


Progress = Generator[Event, None, Result]
"""What a verb returns: a generator of events whose return value is the verb's result."""


def drain(progress: Progress[Result], show: Callable[[Event], None] | None = None) -> Result:
    """Run a verb to its end, hand each event to ``show``, and return the verb's result."""
    with closing(progress):  # a `show` that is interrupted leaves no verb at work
        while True:
            try:
                event = next(progress)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            if show is not None:
                show(event)


class Stage:
    """Times one stage: ``yield stage.started(…)``, work, ``yield stage.done(…)``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._start = time.perf_counter()

    def started(self, message: str, **data: Any) -> Event:
        self._start = time.perf_counter()
        return Event(self.name, message, "started", data=data)

    def notice(self, message: str, **data: Any) -> Event:
        return Event(self.name, message, "notice", data=data)

    def done(self, message: str, **data: Any) -> Event:
        return Event(self.name, message, "done", time.perf_counter() - self._start, data)
