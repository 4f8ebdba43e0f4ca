"""A real Dask scheduler and workers, as processes of their own on the loopback interface."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support import until

_QUIET = {
    "DASK_DISTRIBUTED__SCHEDULER__DASHBOARD__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__LARGE_GRAPH_WARNING_THRESHOLD": "1GB",
}


class Cluster:
    """``address`` is the scheduler's, ``tcp://127.0.0.1:…``; workers have one thread each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        found = folder / "scheduler.json"
        words = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
        self.scheduler = self._start("scheduler", *words, "--scheduler-file", str(found))
        until(lambda: found.exists() and bool(found.read_text().strip()), 60)
        self.address: str = json.loads(found.read_text())["address"]

    @property
    def on(self) -> str:
        return self.address.replace("tcp://", "dask://")

    def start_worker(self, name: str, *before: str) -> subprocess.Popen[bytes]:
        """Start a worker; ``before`` are the words of a command that starts its command."""
        scratch = self.folder / f"{name}-local"
        words = ("worker", self.address, "--name", name, "--nthreads", "1", "--no-nanny")
        more = ("--no-dashboard", "--local-directory", str(scratch), "--host", "127.0.0.1")
        self.workers[name] = self._start(name, *words, *more, before=before)
        return self.workers[name]

    def wait(self, count: int) -> None:
        """Wait until so many workers are there, in this very number."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            until(lambda: len(client.nthreads()) == count, 60)

    def kill_worker(self, name: str) -> None:
        process = self.workers.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    @contextmanager
    def only_worker(self, name: str, *before: str) -> Iterator[None]:
        """Have one worker, and none again afterwards."""
        process = self.start_worker(name, *before)
        self.wait(1)
        try:
            yield
        finally:
            del self.workers[name]
            process.terminate()
            process.wait(20)
            self.wait(0)

    def children(self) -> list[psutil.Process]:
        """Return what runs below the workers."""
        found: list[psutil.Process] = []
        for process in self.workers.values():
            found += psutil.Process(process.pid).children(recursive=True)
        return [each for each in found if "jupyter_mlops.sweeps.branch" in each.cmdline()]

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def stop(self) -> None:
        for process in (*self.workers.values(), self.scheduler):
            if process.poll() is None:
                process.terminate()
        for process in (*self.workers.values(), self.scheduler):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(
        self, name: str, *words: str, before: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **_QUIET, "JUPYTER_MLOPS_WRITER": "off"}
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*before, sys.executable, "-m", "dask", *words],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


@contextmanager
def start_cluster(folder: Path, *workers: str) -> Iterator[Cluster]:
    """Start a scheduler and workers of these names, and wait for them."""
    folder.mkdir(exist_ok=True)
    cluster = Cluster(folder)
    try:
        for name in workers:
            cluster.start_worker(name)
        cluster.wait(len(workers))
        yield cluster
    finally:
        cluster.stop()


def without(folder: Path, then: str = "") -> tuple[str, ...] | None:
    """Return words that start a command for which a folder is empty, as on another machine.

    ``then`` is a command of the shell that fills it. None where this system cannot do it.
    """
    if shutil.which("unshare") is None:
        return None
    for how in (("unshare", "-m"), ("unshare", "-Urm")):
        probe = [*how, "mount", "-t", "tmpfs", "none", str(folder)]
        if subprocess.run(probe, capture_output=True).returncode == 0:
            script = f'mount -t tmpfs none "{folder}" && {then or "true"} && exec "$@"'
            return (*how, "sh", "-c", script, "sh")
    return None
