"""A real MLflow server on a real PostgreSQL, for tests: private, on loopback, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

OWNER = "postgres"
"""PostgreSQL does not run as root."""


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def absent() -> str | None:
    """Return why there can be no server on PostgreSQL here, or None."""
    if programs() is None:
        return "PostgreSQL is not installed"
    return None if find_spec("psycopg2") else "psycopg2 is not installed"


@contextmanager
def postgres() -> Iterator[str]:
    """Run a private cluster that listens on a socket only; give the URI of its database."""
    bin = programs()
    assert bin is not None
    folder = Path(tempfile.mkdtemp(prefix="mlops-pg-"))
    if not os.getuid():
        shutil.chown(folder, OWNER, OWNER)
    data = folder / "data"
    options = f"-c listen_addresses='' -k {folder} -c fsync=off"
    try:
        _as_owner(bin / "initdb", "-D", data, "-U", OWNER, "-A", "trust", "-N")
        _as_owner(bin / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg2://{OWNER}@/postgres?host={folder}"
        finally:
            _as_owner(bin / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_owner(*words: str | Path) -> None:
    user = [] if os.getuid() else ["runuser", "-u", OWNER, "--"]
    done = subprocess.run(
        [*user, *map(str, words)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        # Not pipes: the server would inherit them, and reading would never end.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, words


class MlflowServer:
    """An MLflow server that keeps its artifacts itself; it can be stopped and started again."""

    def __init__(self, store: str, folder: Path) -> None:
        self.store = store
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 120) -> None:
        self.folder.mkdir(exist_ok=True)
        words = ["server", "--backend-store-uri", self.store, "--serve-artifacts"]
        words += ["--artifacts-destination", str(self.folder / "artifacts"), "--workers", "1"]
        words += ["--host", "127.0.0.1", "--port", str(self.port)]
        environment = {
            **os.environ,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *words],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + seconds
        while not self._answers():
            log_text = (self.folder / "log").read_text
            assert self._process.poll() is None, log_text()
            assert time.monotonic() < end, log_text()
            time.sleep(0.2)

    def stop(self) -> None:
        """Kill it with all its workers, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        import requests

        try:
            return bool(requests.get(f"{self.uri}/health", timeout=5).ok)
        except requests.RequestException:
            return False


@contextmanager
def mlflow_server(store: str, folder: Path) -> Iterator[MlflowServer]:
    """Run a server for as long as the context lasts."""
    server = MlflowServer(store, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
