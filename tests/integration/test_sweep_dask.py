"""Sweeps on a real Dask cluster: as on this machine, and whatever dies on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.project import Project
from jupyter_mlops.sweeps import Sweep, sweep
from jupyter_mlops.sweeps.record import find
from jupyter_mlops.sweeps.tune import tune
from jupyter_mlops.tracking.store import Store
from tests.dask_cluster import Cluster, start_cluster, without
from tests.support import until, write_notebook

CELLS = [
    ("parameters", "k = 1\nm: list = [1]\npause = 0.0"),
    (
        "",
        "import os, time\nfrom beside import twice\n"
        "with open('shared.txt', 'a') as file:\n    print(os.getpid(), file=file)\n"
        "print('shared')",
    ),
    ("", "time.sleep(pause)\nprint('own', k)\nif k == 13:\n    1 / 0"),
    ("metrics", "score = float(twice(k) + sum(m))"),
]


@pytest.fixture(autouse=True)
def _no_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_WRITER", "off")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with start_cluster(tmp_path_factory.mktemp("cluster"), "one", "two") as found:
        yield found


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler to which tests bring workers of their own."""
    with start_cluster(tmp_path_factory.mktemp("far")) as found:
        yield found


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "mlops.toml").write_text("")
    (root / "beside.py").write_text("def twice(k):\n    return 2 * k\n")
    return write_notebook(root / "train.ipynb", CELLS)


def _sweep(notebook: Path, space: dict[str, str], **options: Any) -> tuple[Sweep, list[Event]]:
    events: list[Event] = []
    return drain(sweep(notebook, space, **options), events.append), events


def _told(found: Sweep) -> list[Any]:
    return [(row.number, row.parameters, row.status, row.metrics) for row in found.rows]


def _shown(notebook: Path, run: str) -> list[Any]:
    path = notebook.parent / ".mlops" / "executed" / f"{run}.ipynb"
    content = nbformat.read(path, as_version=4)
    return [(cell.source, cell.get("outputs")) for cell in content.cells]


def _done(events: list[Event]) -> list[int]:
    return [e.data["point"]["number"] for e in events if (e.stage, e.status) == ("point", "done")]


def _in_store(notebook: Path) -> dict[str, str]:
    store = Store(Project(notebook.parent))
    store.sync()
    return {run.run: run.status for run in store.runs(limit=100)}


def test_points_are_what_they_are_on_this_machine(notebook: Path, cluster: Cluster) -> None:
    space = {"k": "1,2,13,4", "m": "[1],[2, 3]"}
    there, events = _sweep(notebook, space, on=cluster.on)
    trunks = (notebook.parent / "shared.txt").read_text().split()
    assert 1 <= len(trunks) <= 2
    here, _ = _sweep(notebook, space)
    assert _told(there) == _told(here)
    for one, other in zip(there.rows, here.rows, strict=True):
        assert _shown(notebook, one.run)[:4] == _shown(notebook, other.run)[:4]
        assert one.error.split("\n")[:2] == other.error.split("\n")[:2]
    assert sorted(_done(events)) == list(range(1, 9))
    assert [e.data for e in events if e.stage == "shared"] == [{"shared": 2}]
    status = _in_store(notebook)
    for row in there.rows:
        assert status[row.run] == ("FAILED" if row.status == "failed" else "FINISHED")
    until(lambda: not cluster.children(), 20)


def test_a_worker_that_is_killed_loses_nothing(notebook: Path, cluster: Cluster) -> None:
    cluster.start_worker("three")
    cluster.wait(3)
    events: list[Event] = []
    running = sweep(notebook, {"k": "1:9", "pause": "0.5"}, on=cluster.on)

    def show(event: Event) -> None:
        events.append(event)
        if len(_done(events)) == 2 and "three" in cluster.workers:
            cluster.kill_worker("three")

    found = drain(running, show)
    assert [row.status for row in found.rows] == ["ok"] * 9
    assert sorted(_done(events)) == list(range(1, 10))
    assert "three" not in cluster.workers
    told = [event.message for event in events if "runs again" in event.message]
    status = _in_store(notebook)
    kept = {row.run for row in found.rows}
    assert {status[run] for run in kept} == {"FINISHED"}
    others = {run: s for run, s in status.items() if run not in kept and run != found.name}
    assert set(others.values()) <= {"KILLED"}
    # The killed worker was at a point, and may not have delivered the one before.
    assert len(others) <= len(told) <= 2


def test_a_machine_that_shares_no_folder_gets_the_notebook(notebook: Path, far: Cluster) -> None:
    words = without(notebook.parent)
    if words is None:
        pytest.skip("this system lets nobody hide a folder from a process")
    # More than comes with a result.
    write_notebook(notebook, [*CELLS, ("", "print('x' * 20_000_000 if k == 3 else 'small')")])
    with far.only_worker("away", *words):
        found, events = _sweep(notebook, {"k": "1,13,3"}, on=far.on)
        scratch = far.folder / "away-local" / "dask-scratch-space"
        assert scratch.exists()
        until(lambda: not list(scratch.glob("*/mlops-*")), 20)
    host = socket.gethostname()
    assert any(
        event.message == f"{host}: no folder is shared with this machine; the notebook and the "
        "modules that it imports are sent, data files are not"
        for event in events
    )
    assert [row.status for row in found.rows] == ["ok", "failed", "ok"]
    assert str(notebook.parent / ".mlops" / "executed") in found.rows[1].error
    assert not (notebook.parent / "shared.txt").exists()
    assert [len(str(_shown(notebook, row.run))) > 20_000_000 for row in found.rows] == [
        False,
        False,
        True,
    ]
    assert set(_in_store(notebook)) == {found.name, *(row.run for row in found.rows)}
    run = Store(Project(notebook.parent)).run(found.rows[0].run)
    assert (run.notebook, run.path) == ("train.ipynb", str(notebook))
    assert json.loads(run.parameters["k"]) == 1


def test_an_equal_folder_elsewhere_is_used_as_it_is(
    notebook: Path, far: Cluster, tmp_path: Path
) -> None:
    shutil.copytree(notebook.parent, tmp_path / "copy")
    words = without(notebook.parent, f'cp -r "{tmp_path}/copy/." "{notebook.parent}"')
    if words is None:
        pytest.skip("this system lets nobody hide a folder from a process")
    (tmp_path / "copy" / "data.txt").write_text("7")
    write_notebook(notebook, [*CELLS, ("metrics", "data = float(open('data.txt').read())")])
    shutil.copy(notebook, tmp_path / "copy")
    with far.only_worker("away", *words):
        found, events = _sweep(notebook, {"k": "1,2"}, on=far.on)
    assert [row.metrics["data"] for row in found.rows] == [7.0, 7.0]
    assert not [event for event in events if "sent" in event.message]
    assert set(_in_store(notebook).values()) == {"FINISHED"}


TUNING = [
    ("parameters", "x = 1  # 0..100"),
    ("", "shared = 1"),
    (
        "",
        "from jupyter_mlops import log\nfor step in range(8):\n    loss = float(x)\n"
        "    log(loss=loss, step=step)",
    ),
    ("metrics", "loss = float(x)"),
]


def test_tuning_prunes_on_a_cluster(notebook: Path, cluster: Cluster) -> None:
    write_notebook(notebook, TUNING)
    events: list[Event] = []
    options: dict[str, Any] = {"trials": 12, "metric": "loss", "pruner": "median", "seed": 1}
    found = drain(tune(notebook, {"x": "0:100"}, on=cluster.on, **options), events.append)
    assert found.count("ok") + found.count("pruned") == 12
    assert found.count("pruned") > 0
    assert found.best is not None
    assert found.best.metrics["loss"] == min(
        row.metrics["loss"] for row in found.rows if row.status == "ok"
    )


def _error(notebook: Path, on: str) -> MlopsError:
    before = set(notebook.parent.rglob("*"))
    with pytest.raises(MlopsError) as caught:
        _sweep(notebook, {"k": "1,2"}, on=on)
    assert set(notebook.parent.rglob("*")) == before  # nothing was begun
    assert "\n" not in caught.value.message
    return caught.value


def test_wrong_addresses_are_told_at_once(notebook: Path, far: Cluster) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"dask://127.0.0.1:{nobody.getsockname()[1]}"
        error = _error(notebook, address)
    assert (error.code, error.message) == (
        "sweep.on",
        f"No Dask scheduler answers at {address}: Connection refused.",
    )
    for words in ("dask://", "dask://:1", "dask://host:port", "k8s://x", "localhost:8786"):
        assert _error(notebook, words).code == "sweep.on"
    assert _error(notebook, far.on).code == "sweep.no-workers"
    error = _error(notebook, far.on.replace("dask://", "tls://"))
    assert error.message.endswith(": no certificates are configured here.")


def test_workers_without_this_package_are_told(
    notebook: Path, far: Cluster, tmp_path: Path
) -> None:
    hidden = "import sys; sys.modules['jupyter_mlops'] = None"
    (tmp_path / "sitecustomize.py").write_text(hidden)
    with far.only_worker("bare", "env", f"PYTHONPATH={tmp_path}"):
        error = _error(notebook, far.on)
    assert error.code == "sweep.workers"
    assert "jupyter-mlops cannot be imported at tcp://127.0.0.1:" in error.message


def _start(notebook: Path, on: str) -> subprocess.Popen[bytes]:
    script = (
        "import sys\nfrom jupyter_mlops.progress import drain\n"
        "from jupyter_mlops.sweeps import sweep\n"
        f"drain(sweep({str(notebook)!r}, {{'k': '1:6', 'pause': '1.0'}}, on={on!r}), "
        "lambda event: print(event.message, flush=True))"
    )
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script],
        cwd=notebook.parent,
        env={**os.environ, "JUPYTER_MLOPS_WRITER": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _until_done(process: subprocess.Popen[bytes], count: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(b"%d of 6" % count):
            return
    raise AssertionError(process.communicate()[1].decode())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_who_stops_frees_the_workers(notebook: Path, cluster: Cluster, how: signal.Signals) -> None:
    from distributed import Client

    process = _start(notebook, cluster.on)
    try:
        _until_done(process, 2)
        process.send_signal(how)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -how
    assert (b"KeyboardInterrupt" in told) == (how == signal.SIGINT)
    assert b"Exception ignored" not in told
    with Client(cluster.address, set_as_default=False) as client:
        until(lambda: not any(client.processing().values()), 20)
        until(lambda: not any(client.call_stack().values()), 20)
    found = find(Project(notebook.parent), "latest")
    left = [row for row in found.rows if row.status == "waiting"]
    assert 2 <= len(left) <= 4
    again, _ = _sweep(notebook, {}, on=cluster.on, resume="latest")
    assert [row.status for row in again.rows] == ["ok"] * 6
    status = _in_store(notebook)
    assert {status[row.run] for row in again.rows} == {"FINISHED"}
    assert list(status.values()).count("FINISHED") <= 7


def test_a_scheduler_that_is_lost_is_one_error(notebook: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    with start_cluster(tmp_path / "short", "one") as short:
        running = sweep(notebook, {"k": "1:5", "pause": "0.4"}, on=short.on)

        def show(event: Event) -> None:
            events.append(event)
            if len(_done(events)) == 2:
                short.scheduler.kill()

        began = time.monotonic()
        with pytest.raises(MlopsError) as caught:
            drain(running, show)
        assert time.monotonic() - began < 60
    name = find(Project(notebook.parent), "latest").name
    assert caught.value.code == "sweep.scheduler-lost"
    assert f"--resume {name}" in caught.value.hint
    found, more = _sweep(notebook, {}, resume=name)
    assert [row.status for row in found.rows] == ["ok"] * 5
    assert 1 <= len(_done(more)) <= 3
