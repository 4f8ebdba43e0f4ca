"""Sweeps with real processes: every point ends as a rerun of the notebook in a kernel does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun import rerun
from jupyter_mlops.sweeps import Sweep, sweep
from jupyter_mlops.sweeps.record import find, sweeps
from jupyter_mlops.tracking.store import Store
from tests.support import until, write_notebook

# What is used before the points part is what is hard to fork: OpenMP, Arrow, pools, fonts, seeds.
TRAINING = [
    (
        "imports",
        "import random, tempfile\nimport matplotlib.pyplot as plt\nimport numpy as np\n"
        "import pandas as pd\nfrom joblib import Parallel, delayed\n"
        "from sklearn.ensemble import HistGradientBoostingRegressor",
    ),
    ("parameters", "rows: int = 500\nleaves: int = 31  # 2..64\nrate: float = 0.1\nname = 'x'"),
    (
        "",
        "np.random.seed(1)\nrandom.seed(1)\n"
        "data = pd.DataFrame(np.random.rand(rows, 4), columns=list('abcd'))\n"
        "data['y'] = data['a'] * 3 + data['b'] ** 2\n"
        "folder = tempfile.TemporaryDirectory()\ndata.to_parquet(f'{folder.name}/data.parquet')\n"
        "print('made', name)\ndata.describe()",
    ),
    (
        "",
        "first = HistGradientBoostingRegressor(max_iter=5).fit(data[list('abcd')], data['y'])\n"
        "squares = Parallel(n_jobs=2)(delayed(pow)(n, 2) for n in range(4))\n"
        "plt.plot(data['y'][:9]); plt.title('before'); plt.show()",
    ),
    (
        "",
        "def fit(again):\n    model = HistGradientBoostingRegressor(max_leaf_nodes=leaves, "
        "max_iter=10)\n    return model.fit(again[list('abcd')], again['y'])\n\n"
        "again = pd.read_parquet(f'{folder.name}/data.parquet')",
    ),
    ("", "model = fit(again)\nprint(leaves, random.random(), np.random.rand())"),
    ("", "plt.plot([leaves, 1]); plt.title(f'after {leaves}'); plt.show()\nawait_ = None"),
    (
        "metrics",
        "mae = float(np.abs(model.predict(again[list('abcd')]) - again['y']).mean()) + rate",
    ),
    ("", "{'rate': rate, 'squares': squares, 'mae': round(mae, 9)}"),
]
QUICK = [
    ("parameters", "k = 1\nm = 2"),
    ("", "print('shared', m)"),
    ("", "import os, time\nprint('own', k)\nif k == 13:\n    1 / 0"),
    ("metrics", "score = float(k * m)"),
]


@pytest.fixture(autouse=True)
def _no_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_WRITER", "off")


def _outputs(path: Path) -> list[Any]:
    """Return what each code cell shows, but for pictures' bytes that hold a time."""
    content = nbformat.read(path, as_version=4)
    nbformat.validate(content)
    found: list[Any] = []
    for cell in content.cells:
        if cell.cell_type != "code":
            continue
        # What is injected is told by papermill in words of its own.
        source = "" if cell.id == "injected-parameters" else cell.source
        texts: list[Any] = [source, cell.execution_count]
        for output in cell.outputs:
            if output.output_type == "stream":
                texts.append((output.name, output.text))
            elif output.output_type == "error":
                texts.append((output.ename, output.evalue))
            else:
                data = {k: v for k, v in output.data.items() if k != "image/png"}
                texts.append((output.output_type, sorted(output.data), data))
        found.append(texts)
    return found


def _executed(project: Project, run: str) -> Path:
    return project.state / "executed" / f"{run}.ipynb"


def _sweep(notebook: Path, space: dict[str, str], **options: Any) -> tuple[Sweep, list[Event]]:
    events: list[Event] = []
    return drain(sweep(notebook, space, **options), events.append), events


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sweep, list[Event]]:
    home = tmp_path_factory.mktemp("trained")
    (home / "mlops.toml").touch()
    notebook = write_notebook(home / "train.ipynb", TRAINING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_MLOPS_WRITER", "off")
        found, events = _sweep(notebook, {"leaves": "4,16", "rate": "0.1,0.2", "name": "'y'"})
    return notebook, found, events


def test_points_are_what_reruns_in_a_kernel_are(trained: tuple[Path, Sweep, list[Event]]) -> None:
    notebook, found, _ = trained
    project = Project.find(notebook)
    assert [row.status for row in found.rows] == ["ok"] * 4
    assert found.head.shared == 5
    for row in (found.rows[0], found.rows[3]):
        plain = drain(rerun(notebook, {"name": "y", **row.parameters}))
        assert row.metrics["mae"] == plain.metrics["mae"]
        assert _outputs(_executed(project, row.run)) == _outputs(plain.executed)


def test_without_sharing_points_are_the_same(trained: tuple[Path, Sweep, list[Event]]) -> None:
    notebook, shared, _ = trained
    project = Project.find(notebook)
    apart, _ = _sweep(notebook, {"leaves": "4", "rate": "0.1,0.2", "name": "'y'"}, share=False)
    assert apart.head.shared == 0
    for one, other in zip(shared.rows, apart.rows, strict=False):
        assert one.metrics == other.metrics
        assert _outputs(_executed(project, one.run)) == _outputs(_executed(project, other.run))


def test_what_points_share_ran_once(trained: tuple[Path, Sweep, list[Event]]) -> None:
    _, found, events = trained
    assert "5 of 9 cells ran once" in next(e for e in events if e.stage == "shared").message
    logs = Path(found.folder) / "logs"
    assert (logs / "trunk.log").read_text().count("made y") == 1
    # The model of each number of leaves was trained once, for both rates.
    everything = "".join(path.read_text() for path in logs.iterdir())
    assert everything.count("\n4 0.") + everything.count("\n16 0.") <= 2


def test_each_point_is_a_run_of_the_sweeps_run(trained: tuple[Path, Sweep, list[Event]]) -> None:
    notebook, found, _ = trained
    store = Store(Project.find(notebook))
    store.sync()
    parent = store.run(found.name)
    assert (parent.kind, parent.status) == ("sweep", "FINISHED")
    assert found.best is not None
    assert parent.metrics["mae"] == found.best.metrics["mae"]
    run = store.run(found.rows[1].run)
    assert (run.kind, run.status) == ("rerun", "FINISHED")
    assert run.parameters["leaves"] == "4"
    assert run.parameters["rate"] == "0.2"
    assert run.parameters["name"] == "y"
    assert run.metrics["mae"] == found.rows[1].metrics["mae"]
    assert run.model is not None
    assert len(run.cells) == 10  # those that were shared, too
    (injected,) = [cell for cell in run.cells if cell["id"] == "injected-parameters"]
    assert injected["source"] == "# Parameters\nleaves = 4\nrate = 0.2\nname = 'y'"
    tags = store.client.get_run(run.mlflow_id).data.tags
    assert tags["mlflow.parentRunId"] == parent.mlflow_id


def test_a_failed_point_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").touch()
    notebook = write_notebook(tmp_path / "quick.ipynb", QUICK)
    found, events = _sweep(notebook, {"k": "1,13,3"})
    assert [row.status for row in found.rows] == ["ok", "failed", "ok"]
    assert found.best is not None
    assert found.best.parameters == {"k": 3}
    error = found.rows[1].error
    assert "ZeroDivisionError" in error
    assert "quick.ipynb, cell 3, line 4" in error
    texts = str(_outputs(_executed(Project.find(notebook), found.rows[1].run)))
    assert "own 13" in texts
    assert "ZeroDivisionError" in texts
    store = Store(Project.find(notebook))
    store.sync()
    assert store.run(found.rows[1].run).status == "FAILED"
    (told,) = [e for e in events if e.data.get("point", {}).get("status") == "failed"]
    assert "k=13: failed" in told.message


def _code(notebook: Path, space: dict[str, str], **options: Any) -> MlopsError:
    with pytest.raises(MlopsError) as caught:
        _sweep(notebook, space, **options)
    return caught.value


def test_a_failure_in_what_is_shared_ends_the_sweep(tmp_path: Path) -> None:
    cells = [*QUICK[:2], ("", "x = 1\n1 / 0"), *QUICK[2:]]
    notebook = write_notebook(tmp_path / "quick.ipynb", cells)
    error = _code(notebook, {"k": "1,2"})
    assert error.code == "rerun.cell-failed"
    assert error.place is not None
    assert (error.place.cell, error.place.line) == (3, 2)
    (known,) = sweeps(Project.find(notebook))
    assert known.head.status == "failed"
    assert "ZeroDivisionError" in str(_outputs(_executed(Project.find(notebook), known.name)))


def test_where_every_point_fails_so_does_the_sweep(tmp_path: Path) -> None:
    cells = [*QUICK[:3], ("", "assert k > 9"), QUICK[3]]
    error = _code(write_notebook(tmp_path / "quick.ipynb", cells), {"k": "1,2"})
    assert error.code == "sweep.all-failed"
    assert "AssertionError" in error.message


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("import sqlite3\nc = sqlite3.connect('x.db')\nc.execute('create table if not exists t(a)')"
         , "x.db open"),
        ("import threading, time\nt = threading.Thread(target=time.sleep, args=(60,), name='mine', "
         "daemon=True)\nt.start()", "thread `mine`"),
        ("import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 0))", "a connection"),
        ("import asyncio\ntask = asyncio.get_event_loop().create_task(asyncio.sleep(60))\n"
         "await asyncio.sleep(0)", "asyncio task"),
    ],
)  # fmt: skip
def test_what_does_not_survive_a_fork_is_run_for_each_point(
    tmp_path: Path, cell: str, reason: str
) -> None:
    notebook = write_notebook(tmp_path / "quick.ipynb", [*QUICK[:2], ("", cell), *QUICK[2:]])
    found, events = _sweep(notebook, {"k": "4,5"})
    notices = [event.message for event in events if event.status == "notice"]
    assert any(reason in words and "runs from the first cell on" in words for words in notices)
    assert [row.metrics["score"] for row in found.rows] == [8.0, 10.0]
    assert found.head.shared == 0


def test_numbers_that_are_not_seeded_differ_from_point_to_point(tmp_path: Path) -> None:
    cells = [
        ("parameters", "k = 1"),
        ("", "import random\nimport numpy as np\nnp.random.rand(), random.random()"),
        ("metrics", "a, b = np.random.rand() + 0 * k, random.random()"),
    ]
    found, _ = _sweep(write_notebook(tmp_path / "quick.ipynb", cells), {"k": "1,2,3"})
    for name in ("a", "b"):
        assert len({row.metrics[name] for row in found.rows}) == 3


def test_a_point_that_dies_is_told_with_its_cell(tmp_path: Path) -> None:
    cells = [
        *QUICK[:2],
        ("", "import os\nif k == 2: os._exit(3)\nif k == 3: os.kill(os.getpid(), 9)"),
        QUICK[3],
    ]
    notebook = write_notebook(tmp_path / "quick.ipynb", cells)
    found, _ = _sweep(notebook, {"k": "1,2,3"})
    errors = [row.error for row in found.rows]
    assert errors[0] == ""
    assert "ended with code 3" in errors[1]
    assert "killed by SIGKILL" in errors[2]
    assert all("cell 3" in error for error in errors[1:])
    store = Store(Project.find(notebook))
    store.sync()
    assert store.run(found.rows[1].run).status == "KILLED"


def test_a_point_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    cells = [*QUICK[:2], ("", "import time\nif k == 2:\n    time.sleep(60)"), QUICK[3]]
    notebook = write_notebook(tmp_path / "quick.ipynb", cells)
    found, _ = _sweep(notebook, {"k": "1,2"}, timeout=1.0)
    assert [row.status for row in found.rows] == ["ok", "failed"]
    assert "took longer than 1 s" in found.rows[1].error
    assert "cell 3, line 3" in found.rows[1].error


def test_secrets_stay_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_WORD", "hunter2hunter2")
    cells = [
        ("parameters", "k = 1\npassword = ''"),
        ("", "print('with', password)"),
        ("", "print(k, password)"),
        ("metrics", "score = float(len(password) + k)"),
        ("", "if k == 3: raise ValueError(password)"),
    ]
    notebook = write_notebook(tmp_path / "quick.ipynb", cells)
    found, events = _sweep(notebook, {"k": "1,2,3", "password": "env:DATABASE_WORD"})
    assert [row.metrics["score"] for row in found.rows] == [15.0, 16.0, 17.0]
    assert "ValueError" in found.rows[2].error
    assert "hunter2" not in str([event.to_dict() for event in events])
    Store(Project.find(notebook)).sync()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"hunter2" not in path.read_bytes(), path


def _start(notebook: Path, *words: str) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from jupyter_mlops.progress import drain;"
        "from jupyter_mlops.sweeps import sweep;"
        "drain(sweep(sys.argv[1], {'k': '1:12'}), lambda e: print(e.message, flush=True))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(notebook), *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_sweep_that_was_ended_goes_on(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "mlops.toml").touch()
    cells = [*QUICK[:2], ("", "import time\ntime.sleep(0.5)\nprint(k)"), QUICK[3]]
    notebook = write_notebook(tmp_path / "quick.ipynb", cells)
    project = Project.find(notebook)
    running = _start(notebook)

    def done() -> list[Path]:
        return list((project.state / "sweeps").glob("*/points/*.json"))

    until(lambda: len(done()) >= 3)
    mine = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(how)
    running.wait(30)
    until(lambda: not any(each.is_running() and each.status() != "zombie" for each in mine), 10)
    before = {json.loads(path.read_text())["run"] for path in done()}
    assert 3 <= len(before) < 12
    store = Store(project)
    store.sync()
    assert store.run(find(project, "latest").name).status == "KILLED"
    found, _ = _sweep(notebook, {}, resume="latest")
    assert [row.status for row in found.rows] == ["ok"] * 12
    assert [row.metrics["score"] for row in found.rows] == [2.0 * k for k in range(1, 13)]
    assert before <= {row.run for row in found.rows}
    assert find(project, "latest").head.status == "ok"
    store.sync()
    assert store.run(found.name).status == "FINISHED"
    runs = {run.run: run.status for run in store.runs() if run.kind == "rerun"}
    assert {runs[row.run] for row in found.rows} == {"FINISHED"}
    assert set(runs.values()) <= {"FINISHED", "KILLED"}
    with pytest.raises(MlopsError, match="have ended well"):
        _sweep(notebook, {}, resume="latest")


def test_a_changed_notebook_is_not_gone_on_with(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "quick.ipynb", QUICK)
    _sweep(notebook, {"k": "1,13"})
    write_notebook(notebook, [*QUICK, ("", "1")])
    error = _code(notebook, {}, resume="latest")
    assert error.code == "sweep.changed"


def test_one_frame_is_in_memory_once(tmp_path: Path) -> None:
    cells = [
        ("parameters", "k = 1"),
        ("", "import numpy as np\ndata = np.ones(40_000_000)"),
        (
            "metrics",
            "import re, time\nscore = float(data[:: 1000].sum()) * k\n"
            "text = open('/proc/self/smaps_rollup').read()\n"
            "own = float(re.search(r'Private_Dirty:\\s+(\\d+)', text)[1]) / 1024",
        ),
    ]
    notebook = write_notebook(tmp_path / "quick.ipynb", cells)
    found, _ = _sweep(notebook, {"k": "1,2,3,4"})
    # The frame has 305 MB; a point's own memory is what its process has written to.
    assert all(row.metrics["own"] < 100 for row in found.rows)


def test_no_process_is_left(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "quick.ipynb", QUICK)
    _sweep(notebook, {"k": "1,2"})
    time.sleep(0.2)
    children = psutil.Process(os.getpid()).children(recursive=True)
    assert not [each for each in children if "sweeps.branch" in " ".join(each.cmdline())]


def test_points_go_on_where_the_trunk_is_killed(tmp_path: Path) -> None:
    cells = [*QUICK[:2], ("", "import time\ntime.sleep(0.3)\nprint(k)"), QUICK[3]]
    notebook = write_notebook(tmp_path / "quick.ipynb", cells)
    killed: list[int] = []

    def kill(event: Event) -> None:
        if event.status == "done" and event.stage == "point" and not killed:
            children = psutil.Process().children(recursive=False)
            (trunk,) = [each for each in children if "sweeps.branch" in " ".join(each.cmdline())]
            killed.append(trunk.pid)
            trunk.kill()

    found = drain(sweep(notebook, {"k": "1:6"}, workers=2), kill)
    assert killed
    assert [row.status for row in found.rows] == ["ok"] * 6


def test_values_with_which_shared_cells_fail_are_told_for_their_points(tmp_path: Path) -> None:
    cells = [
        ("parameters", "k = 1\nm = 1"),
        ("", "half = 6 / k"),
        ("", "print(m)"),
        ("metrics", "score = half * m"),
    ]
    notebook = write_notebook(tmp_path / "quick.ipynb", cells)
    found, _ = _sweep(notebook, {"k": "0,1", "m": "1,2"})
    assert [row.status for row in found.rows] == ["failed", "failed", "ok", "ok"]
    assert all("ZeroDivisionError" in row.error for row in found.rows[:2])
    assert [row.metrics.get("score") for row in found.rows[2:]] == [6.0, 12.0]
