"""Cached reruns in processes of their own: recorded as runs, killed, resumed, and by papermill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.capture import journal
from jupyter_mlops.capture.records import CellEnd, Metric, Start
from jupyter_mlops.pipeline.rerunning import rerun
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun.rerun import rerun as rerun_whole
from jupyter_mlops.tracking.store import Store
from tests.reruns import again, texts
from tests.support import SMALL, write_notebook

CELLS = [
    *SMALL,
    ("", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"),
    ("", "data"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose runs all tests of this module may share."""
    root = tmp_path_factory.mktemp("home")
    (root / "mlops.toml").write_text("")
    return root


@pytest.fixture(autouse=True)
def no_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_WRITER", "off")


def test_a_cached_rerun_is_a_run_as_any_other(home: Path) -> None:
    path = write_notebook(home / "small.ipynb", CELLS)
    full = drain(rerun_whole(path, {"alpha": 2.0}))
    cold = drain(rerun(path, {"alpha": 2.0}, cached=True))
    warm = drain(rerun(path, {"alpha": 2.0}, cached=True))
    assert (cold.reused, warm.reused, warm.cells) == (0, 9, 9)
    assert warm.metrics == cold.metrics == full.metrics
    store = Store(Project(home))
    store.sync()
    of_full, of_cold, of_warm = (store.run(each.run) for each in (full, cold, warm))
    for found in (of_cold, of_warm):
        assert (found.status, found.kind) == ("FINISHED", "rerun")
        assert found.parameters == of_full.parameters
        assert found.metrics == of_full.metrics
        assert [(c["id"], c["source"].strip()) for c in found.cells] == [
            (c["id"], c["source"].strip()) for c in of_full.cells
        ]
        assert [c["tags"] for c in found.cells] == [c["tags"] for c in of_full.cells]
        assert list(found.models) == list(of_full.models)
        assert found.environment == of_full.environment
        shown = [[s.partition("/")[0] for s in c["shown"]] for c in found.cells]
        assert shown == [[s.partition("/")[0] for s in c["shown"]] for c in of_full.cells]
        assert f"{found.run}.ipynb" in found.artifacts
        assert {f for c in found.cells for f in c["shown"]} <= set(found.artifacts)
    given = ("c2", "injected-parameters")
    assert {c.get("reused") for c in of_warm.cells if c["id"] not in given} == {cold.run}


def test_the_executed_notebook_is_that_of_a_full_rerun(home: Path) -> None:
    path = write_notebook(home / "same.ipynb", CELLS)
    full = nbformat.read(drain(rerun_whole(path, {"rows": 40})).executed, as_version=4)
    drain(rerun(path, {"rows": 40}, cached=True))
    warm = drain(rerun(path, {"rows": 40}, cached=True, output=home / "kept.ipynb"))
    found = nbformat.read(warm.executed, as_version=4)
    nbformat.validate(found)
    assert (home / "kept.ipynb").read_bytes() == warm.executed.read_bytes()
    assert found.metadata.jupyter_mlops.run == warm.run
    assert [c.id for c in found.cells] == [c.id for c in full.cells]
    for cell, other in zip(found.cells, full.cells, strict=True):
        assert cell.source.strip() == other.source.strip()
        assert cell.execution_count == other.execution_count
        assert [o.output_type for o in cell.outputs] == [o.output_type for o in other.outputs]
        for output, wanted in zip(cell.outputs, other.outputs, strict=True):
            assert output.get("text") == wanted.get("text")
            data, known = output.get("data", {}), wanted.get("data", {})
            assert data.keys() == known.keys()
            assert data.get("text/html") == known.get("text/html")


def test_a_cell_that_ends_its_process_is_told(home: Path) -> None:
    path = write_notebook(
        home / "dying.ipynb", [("", "a = 1\nprint(a)"), ("", "import os\nos._exit(3)")]
    )
    found = again(path)
    assert found.error is not None
    assert found.error.code == "rerun.kernel-died"
    assert "exit code 3" in found.error.message
    assert str(found.error.place) == "dying.ipynb, cell 2"
    assert found.texts["c1"] == "1\n"


def test_a_cell_that_takes_too_long_is_told(home: Path) -> None:
    path = write_notebook(home / "late.ipynb", [("", "a = 1"), ("", "import time\ntime.sleep(60)")])
    found = again(path, timeout=2)
    assert found.error is not None
    assert found.error.code == "rerun.timeout"
    assert str(found.error.place) == "late.ipynb, cell 2, line 2"


WAITING = """\
import os, time
open('started', 'w').close()
while not os.path.exists('go'):
    time.sleep(0.05)"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_rerun_that_was_ended_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    (tmp_path / "mlops.toml").write_text("")
    cells = [
        ("parameters", "k = 1"),
        ("", "open('count', 'a').write('x')\nprint(k)"),
        ("", f"print(k)\n{WAITING}"),
        ("", "print('end', k)"),
    ]
    path = write_notebook(tmp_path / "nb.ipynb", cells)
    words = ["-m", "jupyter_mlops.faces.cli", "rerun", "nb.ipynb", "--cached", "-p", "k=5"]
    process = subprocess.Popen([sys.executable, *words], cwd=tmp_path)
    while not (tmp_path / "started").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(60) != 0
    (tmp_path / "go").touch()
    monkeypatch.chdir(tmp_path)
    found = again(path, resume="latest")
    assert found.error is None
    assert found.ran == {3, 4}
    assert found.texts["c4"] == "end 5\n"
    assert (tmp_path / "count").read_text() == "x"


def test_many_at_once_share_one_cache(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text("")
    path = write_notebook(tmp_path / "nb.ipynb", [("", "a = [1]\nprint(a)"), ("", "print(a * 2)")])
    words = ["-m", "jupyter_mlops.faces.cli", "rerun", "nb.ipynb", "--cached", "--json"]
    several = [
        subprocess.Popen([sys.executable, *words], cwd=tmp_path, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [process.wait(120) for process in several] == [0, 0, 0]
    last = again(path)
    assert last.ran == set()
    executed = list((tmp_path / ".mlops" / "executed").glob("*.ipynb"))
    assert len(executed) == 4
    assert all(texts(each) == last.texts for each in executed)


def test_papermill_takes_what_has_not_changed(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text("[rerun]\ncached = true\n")
    cells = [("parameters", "k = 1"), ("metrics", "m = k * 2\nprint(m)"), ("", "print('same')")]
    write_notebook(tmp_path / "nb.ipynb", cells)
    command = [sys.executable, "-m", "papermill", "--engine", "mlops", "nb.ipynb", "out.ipynb"]
    for value in ("3", "4"):
        subprocess.run([*command, "-p", "k", value], cwd=tmp_path, check=True, timeout=120)
    assert texts(tmp_path / "out.ipynb") == {
        "c1": "",
        "injected-parameters": "",
        "c2": "8\n",
        "c3": "same\n",
    }
    out = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    reused = [cell.id for cell in out.cells if "reused" in cell.metadata.get("jupyter_mlops", {})]
    assert reused == ["c3"]
    assert out.cells[2].metadata.papermill.status == "completed"
    write_notebook(tmp_path / "nb.ipynb", [*cells, ("", "print(k / 0)")])
    failed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert failed.returncode == 1
    assert "ZeroDivisionError" in failed.stderr
    assert texts(tmp_path / "out.ipynb")["c3"] == "same\n"


def test_what_was_captured_of_each_cell_is_told_once(home: Path) -> None:
    cells = [
        ("metrics", "loss = 3.0"),
        ("metrics", "loss = 2.0"),
        ("", "from jupyter_mlops import log\nlog(loss=1.0, other=5)"),
    ]
    path = write_notebook(home / "metrics.ipynb", cells)
    for turn in range(2):
        done = drain(rerun(path, cached=True))
        records = journal.read_all(home / ".mlops" / "journal" / done.run / journal.NAME)
        points = [(r.name, r.step, r.value) for r in records if isinstance(r, Metric)]
        assert points == [("loss", 0, 3.0), ("loss", 1, 2.0), ("loss", 2, 1.0), ("other", 0, 5.0)]
        assert isinstance(records[0], Start)
        ends = [r for r in records if isinstance(r, CellEnd)]
        assert [bool(r.reused) for r in ends] == [bool(turn)] * 3
    assert os.path.exists(done.executed)
