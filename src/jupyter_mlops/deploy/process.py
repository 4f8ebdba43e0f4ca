"""A model server as a process of this machine: started, found again, and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._hashes import with_hashes
from ..errors import MlopsError, Place

STOP_SECONDS = 30.0
_SHOWN_LINES = 15
_children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this process started: they must be reaped when they end."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A process, known by its id and its start (seconds since the epoch).

    Ids are used again by the system; with the start a stranger is never taken for the server.
    ``control`` is where its successor gets the listening socket.
    """

    pid: int
    start: float
    control: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def running(self) -> bool:
        return self._find() is not None

    def stop(self) -> None:
        """End the server: requests in flight are finished; after 30 s it is killed."""
        import psutil

        process = self._find()
        if process is not None:
            try:
                process.terminate()
                process.wait(STOP_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
            except psutil.NoSuchProcess:
                pass
        _reap()
        Path(self.control).unlink(missing_ok=True)

    def _find(self) -> Any:
        import psutil

        _reap()
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.start) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def start(
    release: Path,
    endpoint: str,
    *,
    port: int,
    predictions: Path,
    log: Path,
    take_over: ServerProcess | None = None,
    timeout: float,
) -> tuple[ServerProcess, str]:
    """Start a server and return it with its URL once it is ready.

    Parameters
    ----------
    port
        The port on the loopback address; 0 takes a free one.
    predictions
        The folder of the prediction log.
    log
        The file that the server's own output is appended to.
    take_over
        A running server whose listening socket is used instead of a new one.

    Raises
    ------
    MlopsError
        The server's own error where it told one, else ``deploy.not-ready`` with the last lines of
        its log. No process is left then.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
        told = Path(scratch) / "ready.json"
        control = log.with_name(f".{endpoint}.{os.urandom(4).hex()}.sock")
        command = [
            *(sys.executable, "-m", "jupyter_mlops.serving"),
            *("--release", str(release), "--endpoint", endpoint, "--port", str(port)),
            *("--log", str(predictions), "--ready-file", str(told), "--control", str(control)),
            *(("--take-over", take_over.control) if take_over else ()),
        ]
        with log.open("ab") as output:
            before = output.tell()
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=release,
                env=_environment(),
                start_new_session=True,
            )
        _children[child.pid] = child
        try:
            event = _wait(child, told, timeout)
            if event is None or event["event"] != "ready":
                raise _not_ready(endpoint, event, log, before)
            return _identify(child, control), event["url"]
        except BaseException:
            child.kill()
            child.wait()
            control.unlink(missing_ok=True)
            raise


def _wait(child: subprocess.Popen[bytes], told: Path, timeout: float) -> dict[str, Any] | None:
    """Return what the server told first; None where it ended silently or the time is up."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        ended = child.poll() is not None
        if told.exists():
            event: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
            return event
        if ended:
            return None
        time.sleep(0.02)
    return None


def _identify(child: subprocess.Popen[bytes], control: Path) -> ServerProcess:
    import psutil

    return ServerProcess(child.pid, psutil.Process(child.pid).create_time(), str(control))


def _not_ready(endpoint: str, event: dict[str, Any] | None, log: Path, offset: int) -> MlopsError:
    if event is not None:
        error = event["error"]
        place = Place(**error["place"]) if error["place"] else None
        return MlopsError(error["code"], error["message"], hint=error["hint"], place=place)
    with log.open("rb") as stream:
        stream.seek(offset)
        lines = stream.read().decode(errors="replace").splitlines()[-_SHOWN_LINES:]
    return not_ready(endpoint, lines, log)


def not_ready(endpoint: str, lines: list[str], log: Path | None = None) -> MlopsError:
    """Return ``deploy.not-ready`` with the last lines of a server's log."""
    said = "\n".join(f"    {line}" for line in lines)
    return MlopsError(
        "deploy.not-ready",
        f"The new server of {endpoint} did not get ready."
        + (f" The end of its log:\n{said}" if lines else " It said nothing."),
        hint="what was served before goes on.",
        place=Place(str(log)) if log else None,
    )


def _environment() -> dict[str, str]:
    environment = with_hashes(os.environ)
    if paths := environment.get("PYTHONPATH"):
        # The server starts in another folder.
        absolute = [os.path.abspath(path) for path in paths.split(os.pathsep) if path]
        environment["PYTHONPATH"] = os.pathsep.join(absolute)
    return environment


def _reap() -> None:
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            del _children[pid]
