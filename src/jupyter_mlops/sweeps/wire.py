"""What goes between who runs a sweep and the processes that run its cells."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import Any

import msgspec

from ..capture.location import Order
from .record import Row


class Job(msgspec.Struct, frozen=True):
    """What is the same for all processes of a sweep.

    ``assign`` is the source of the parameters that all points share, ``secrets`` are references.
    ``folder`` is the sweep's own. ``workers`` is how many points run at a time.
    """

    notebook: str
    name: str
    project: str
    cwd: str
    folder: str
    assign: str
    secrets: list[str] = []
    workers: int = 1


class Task(msgspec.Struct, frozen=True):
    """What one process is to do: assign, run cells up to ``until``, and end as a run or wait.

    ``assign`` is the source of the parameters that are set where this process begins; one that runs
    the injected cell itself sets none. ``order`` is the run that a point is; None for a process
    that others go on from. ``injected`` is the source of all parameters, ``row`` is the point as
    it stands before. ``prunes`` is a metric whose values may end the point, ``tags`` are those of
    its run.
    """

    until: int
    assign: str = ""
    order: Order | None = None
    injected: str = ""
    row: Row | None = None
    prunes: str = ""
    tags: dict[str, str] = {}


class Channel:
    """The connection to whoever runs the sweep."""

    def __init__(self, path: str, number: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._lines = self._socket.makefile("rb")
        self.tell("hello", id=number, pid=os.getpid())

    def tell(self, what: str, **content: Any) -> None:
        """Send a line; where nobody listens any more it is lost."""
        line = json.dumps({"tell": what, **content}, default=str)
        with contextlib.suppress(OSError):
            self._socket.sendall(line.encode() + b"\n")

    def hear(self) -> dict[str, Any] | None:
        """Wait for the next line; None where nobody speaks any more."""
        try:
            line = self._lines.readline()
        except OSError:
            return None
        return json.loads(line) if line else None

    def close(self) -> None:
        """End the connection."""
        self._lines.close()
        self._socket.close()
