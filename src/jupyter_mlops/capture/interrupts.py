"""Interrupts that come while a hook works: they wait for its end, so that none is half done."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_SECONDS = 0.02


class Uninterrupted:
    """Holds the interrupts of a ``with`` block back; what came is in ``interrupted``."""

    __slots__ = ("_before", "_main", "interrupted")

    def __enter__(self) -> Uninterrupted:
        self.interrupted = False
        # Only there Python lets handlers be changed, and only there it raises.
        main = threading.current_thread() is threading.main_thread()
        self._main = main and signal.getsignal(signal.SIGINT) is not None
        if self._main:
            self._before: Any = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def repeat(self) -> None:
        """Interrupt again what runs after the hook: the cell that it came for."""
        if self.interrupted:
            timer = threading.Timer(_SECONDS, os.kill, (os.getpid(), signal.SIGINT))
            timer.daemon = True
            timer.start()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
