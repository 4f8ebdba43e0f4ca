"""Processes killed at random moments: what they acknowledged is there, and there once."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.capture import journal
from jupyter_mlops.capture.records import CellEnd, End, Metric
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.store import Store
from tests.kernels import start_kernel
from tests.kills import POINTS
from tests.support import write_notebook

MORE = int(os.environ.get("MLOPS_KILLS", "1"))
"""Multiplies the kills, to look longer than CI does."""


def _kill(kind: str, root: Path, kills: int, seed: int = 0) -> list[dict[str, Any]]:
    words = [sys.executable, "-m", "tests.kills", kind, str(root), str(kills * MORE), str(seed)]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_what_a_killed_process_has_written_stays(project_root: Path) -> None:
    killed = _kill("writers", project_root, 400)
    assert sum(each["promised"] for each in killed) > 10_000
    for number, each in enumerate(killed):
        path = project_root / ".mlops" / "journal" / f"w{number}" / journal.NAME
        steps = [record.step for record in journal.read_all(path) if isinstance(record, Metric)]
        # One may be written whole that its writer has not heard of.
        assert steps in (list(range(each["promised"])), list(range(each["promised"] + 1)))


def test_kernels_killed_anywhere_lose_nothing(project_root: Path) -> None:
    killed = _kill("kernels", project_root, 40)
    project = Project(project_root)
    for each in killed:
        records = journal.read_all(project.journals / each["run"] / journal.NAME)
        points = [r.step for r in records if isinstance(r, Metric)]
        assert points == list(range(len(points)))
        assert each["points"] <= len(points) <= min(each["points"] + 1, POINTS)
        ends = [record.order for record in records if isinstance(record, CellEnd)]
        assert ends == list(range(1, len(ends) + 1))
        assert each["cells"] <= len(ends) <= each["cells"] + 1
        assert not any(isinstance(record, End) for record in records)
    assert any(0 < each["points"] < POINTS for each in killed)
    store = Store(project)
    for each in killed[::10]:
        store.sync(each["run"])
        run = store.run(each["run"])
        assert run.status == "KILLED"
        assert [cell["outcome"] for cell in run.cells[: each["cells"]]] == ["ok"] * each["cells"]
        assert {cell["outcome"] for cell in run.cells[each["cells"] :]} <= {"ok", "killed"}
        logged = len(store.client.get_metric_history(run.mlflow_id, "loss"))
        assert each["points"] <= logged <= each["points"] + 1


def test_feeders_killed_anywhere_write_everything_once(project_root: Path) -> None:
    project = Project(project_root)
    _template(project_root)
    fed = _kill("feeders", project_root, 30)
    runs = [each["run"] for each in fed]
    assert any(each["died"] > 1 for each in fed)
    with sqlite3.connect(project.state / "mlflow.db") as store:
        ask = store.execute
        named = dict(ask("SELECT value, run_uuid FROM tags WHERE key = 'mlops.run'").fetchall())
        assert Counter(named.keys()) == Counter(runs)
        states = ask("SELECT lifecycle_stage, status, COUNT(*) FROM runs GROUP BY 1, 2").fetchall()
        assert states == [("active", "FINISHED", len(runs))]
        points = ask("SELECT run_uuid, step, value FROM metrics WHERE key = 'many'").fetchall()
        wanted = [(run, step, step / 7) for run in named.values() for step in range(2500)]
        assert Counter(points) == Counter(wanted)
        for run in named.values():
            assert _count(ask, "metrics", "run_uuid = ? AND key != 'many'", run) == 1
            params = dict(ask("SELECT key, value FROM params WHERE run_uuid = ?", [run]).fetchall())
            assert params["rows"] == "400"
            assert params["fit_intercept"] == "True"
            data = "destination_id = ? AND source_type = 'DATASET'"
            assert _count(ask, "inputs", data, run) == 5
            assert _count(ask, "inputs", "source_id = ? AND source_type = 'RUN_OUTPUT'", run) == 1
            assert _count(ask, "logged_models", "source_run_id = ?", run) == 1
    store = Store(project)
    for name in runs:
        found = store.run(name)
        assert [cell["outcome"] for cell in found.cells] == ["ok"] * 9
        assert list(found.models) == ["model"]
        assert "requirements.txt" in found.artifacts


def _count(ask: Any, table: str, where: str, run: str) -> int:
    return int(ask(f"SELECT COUNT(*) FROM {table} WHERE {where}", [run]).fetchone()[0])


def _template(root: Path) -> None:
    """Run a notebook with parameters, data, a model and a metric, and keep its journal."""
    notebook = write_notebook(root / "nb.ipynb")
    order = {"run": "template", "kind": "rerun", "notebook": str(notebook), "parameters": {}}
    environment = {"JUPYTER_MLOPS_RUN": json.dumps(order), "JUPYTER_MLOPS_WRITER": "off"}
    with start_kernel(root, environment) as kernel:
        kernel.run("%load_ext jupyter_mlops", "c0")
        for number, cell in enumerate(json.loads(notebook.read_text())["cells"], 1):
            assert kernel.run(cell["source"], f"c{number}")[0]["status"] == "ok"


@pytest.mark.parametrize("seed", range(3 * MORE))
def test_a_real_kernel_killed_while_it_logs(project_root: Path, seed: int) -> None:
    told = project_root / "told"
    program = (
        "import os, jupyter_mlops\n"
        f"file = os.open({str(told)!r}, os.O_WRONLY | os.O_CREAT)\n"
        "for step in range(10_000_000):\n"
        "    jupyter_mlops.log(loss=1 / (step + 1))\n"
        "    os.pwrite(file, str(step + 1).encode(), 0)"
    )
    with start_kernel(project_root, {"JUPYTER_MLOPS_WRITER": "off"}) as kernel:
        kernel.run("%load_ext jupyter_mlops", "c1")
        kernel.start(program, "c2")
        while not told.exists() or not told.read_text():
            time.sleep(0.001)
        time.sleep(random.Random(seed).uniform(0, 0.1))
        os.kill(kernel.pid, signal.SIGKILL)
    store = Store(Project(project_root))
    store.sync()
    run = store.run()
    logged = len(store.client.get_metric_history(run.mlflow_id, "loss"))
    assert int(told.read_text()) <= logged <= int(told.read_text()) + 1
    assert [cell["outcome"] for cell in run.cells] == ["ok", "killed"]
