"""Processes: which one a kernel is, whether it still lives, and the writer's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..project import Project

if TYPE_CHECKING:
    from .records import Start

SWITCH = "JUPYTER_MLOPS_WRITER"
"""Set to ``off``, no writer is started; `Store.sync` feeds the store then."""

WRITER_LOCK = "writer"

# Kept so that the process object is not destroyed, with a warning, while the writer runs.
_writers: list[tuple[Path, subprocess.Popen[bytes]]] = []


def started(pid: int) -> float | None:
    """Return when the process was started, in seconds since the epoch; None where it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return 0.0


def alive(start: Start) -> bool:
    """Tell whether the kernel of a run lives; one on another host is believed to."""
    return lives(start.host, start.pid, start.pid_started)


def lives(host: str, pid: int, since: float) -> bool:
    """Tell whether the process that was started at ``since``, 0 if unknown, lives.

    One on another host is believed to.
    """
    if host != socket.gethostname():
        return True
    found = started(pid)
    if found is None:
        return False
    # The number may have been given to another process since.
    return not found or not since or abs(found - since) < 2.0


def writers_allowed() -> bool:
    """Tell whether this process may start a writer."""
    return os.environ.get(SWITCH) != "off"


def writer_lives(project: Project) -> bool:
    """Tell whether the project has a writer: one that this process started, or any other."""
    from filelock import FileLock, Timeout

    _writers[:] = [each for each in _writers if each[1].poll() is None]
    if any(root == project.root for root, _ in _writers):
        return True
    try:
        with FileLock(project.folder("locks") / f"{WRITER_LOCK}.lock", timeout=0):
            return False
    except Timeout:
        return True


def spawn_writer(project: Project) -> None:
    """Start the project's writer, detached, unless it runs already."""
    if not writers_allowed() or writer_lives(project):
        return
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER_MLOPS_")}
    with (project.folder() / "writer.log").open("ab") as log:
        writer = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlops.tracking.writer", "--project", str(project.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=project.root,
            env=environment,
            start_new_session=True,
        )
    _writers.append((project.root, writer))
