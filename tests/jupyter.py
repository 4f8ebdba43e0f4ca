"""A real Jupyter server in a process of its own, on a free port, with a token."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import requests


@dataclass(frozen=True)
class Jupyter:
    """A running server; ``url`` ends with a slash."""

    url: str
    token: str
    root: Path

    def api(self, endpoint: str) -> str:
        return f"{self.url}jupyter-mlops/api/{endpoint}"

    def request(self, method: str, endpoint: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": f"token {self.token}"}
        return requests.request(method, self.api(endpoint), json=body, headers=headers, timeout=60)

    def get(self, endpoint: str) -> requests.Response:
        return self.request("GET", endpoint)

    def post(self, endpoint: str, body: Any) -> requests.Response:
        return self.request("POST", endpoint, body)


@contextmanager
def start_server(
    application: Literal["jupyter_server", "jupyterlab"], root: Path, *options: str
) -> Iterator[Jupyter]:
    """Start a server whose files are those of ``root``; its settings are its own too.

    It finds no Docker engine: what it promotes becomes a local release.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    home = root.parent / f"{root.name}-jupyter"
    environment = {
        **os.environ,
        "DOCKER_HOST": f"unix://{home / 'no-engine.sock'}",
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    # the server of a test must not find the project of whoever runs the tests
    environment.pop("JUPYTER_MLOPS_PROJECT", None)
    command = [
        sys.executable,
        "-m",
        application,
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={token}",
        "--ServerApp.jpserver_extensions=jupyter_mlops=True",
        *options,
    ]
    # no question about news, which would lie over what a test wants to click
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    log = home / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        running = Jupyter(f"http://127.0.0.1:{port}/", token, root)
        _wait(running, process, log)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(running: Jupyter, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if running.get("status").status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"the server is not up:\n{log.read_text()[-3000:]}")
