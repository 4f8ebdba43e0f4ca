"""A command in a real pseudo-terminal of a known size, whose screen can be read as text."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_ESCAPE = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


class Terminal:
    """Runs a command; ``read`` takes in what it writes, ``plain`` is that without escapes."""

    def __init__(
        self, command: Sequence[str], cwd: Path, size: tuple[int, int], env: Mapping[str, str]
    ) -> None:
        self._master, slave = pty.openpty()
        columns, lines = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, "TERM": "xterm-256color", **env},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.written = ""

    @property
    def plain(self) -> str:
        return _ESCAPE.sub("", self.written).replace("\r", "")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read_until(self, holds: Callable[[], bool], seconds: float = 120) -> None:
        """Read until it holds; fails after so many seconds, or at the end of the command."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.plain[-2000:]
            assert self._read(), self.plain[-2000:]

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        os.close(self._master)
        return self.process.wait(60)

    def _read(self) -> bool:
        select.select([self._master], [], [], 5)
        try:
            received = os.read(self._master, 1 << 16)
        except OSError:  # the other end is closed
            return False
        self.written += received.decode(errors="replace")
        return bool(received)
