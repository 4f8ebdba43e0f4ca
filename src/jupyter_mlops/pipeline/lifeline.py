"""What ends the processes of steps when the process that started them is gone, killed outright too.

The starting process holds the one end of a pipe that nobody writes to. A step holds the other end;
the operating system closes the first one with its process, whatever that died of.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import TracebackType

_F_SETSIG = 10
"""Linux: the signal that tells of a change of the descriptor; Python has no name for it."""


class Lifeline:
    """The starting process' side: ``descriptor`` is for the steps, None where there is none."""

    def __init__(self) -> None:
        self.descriptor: int | None = None
        self._held: int | None = None
        if sys.platform == "linux":
            self.descriptor, self._held = os.pipe()

    def __enter__(self) -> Lifeline:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for descriptor in (self.descriptor, self._held):
            if descriptor is not None:
                os.close(descriptor)
        self.descriptor = self._held = None

    @property
    def arguments(self) -> list[str]:
        """What the runtime is told."""
        return [] if self.descriptor is None else ["--lifeline", str(self.descriptor)]

    @property
    def inherited(self) -> tuple[int, ...]:
        """The descriptors that a new process must be given."""
        return () if self.descriptor is None else (self.descriptor,)


def hold(descriptor: int) -> None:
    """Let this process, and its process group, be killed when the other end is closed.

    The system does that by itself: it needs no thread, and is not held up by what a cell does.
    """
    import fcntl

    # Opened anew, because processes that share a descriptor share whom it tells.
    own = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK)
    group = os.getpgrp()
    fcntl.fcntl(own, fcntl.F_SETOWN, -group if group == os.getpid() else os.getpid())
    fcntl.fcntl(own, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
    with contextlib.suppress(BlockingIOError):
        if os.read(own, 1) == b"":  # closed before anybody listened
            os.kill(os.getpid(), signal.SIGKILL)
