"""A real kernel, a real journal, a real MLflow store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlops.capture import journal
from jupyter_mlops.capture.records import Model
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.cursor import NAME as CURSOR
from jupyter_mlops.tracking.feeder import Feeder, pending
from jupyter_mlops.tracking.runs import RunDetail
from jupyter_mlops.tracking.store import Store
from jupyter_mlops.values import Observation, load
from tests.kernels import Kernel, start_kernel
from tests.support import SMALL, write_notebook

CELLS = [
    ("skip", "%load_ext jupyter_mlops"),
    *SMALL,
    ("", "password = 'hunter2hunter2'\n1 / 0"),
    ("metrics", "mae = float(error.mean()) + 1"),
]
SLOW = [
    ("skip", "%load_ext jupyter_mlops"),
    ("metrics", "score = 0.5"),
    ("", "import time\ntime.sleep(60)"),
]


def _environment(notebook: Path, **more: str) -> dict[str, str]:
    return {"JPY_SESSION_NAME": str(notebook), "JUPYTER_MLOPS_WRITER": "off", **more}


def _run_all(kernel: Kernel, cells: list[tuple[str, str]]) -> None:
    for number, (_, source) in enumerate(cells, 1):
        kernel.run(source, f"c{number}")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A git repository with uncommitted changes, in which one notebook has run."""
    root = tmp_path_factory.mktemp("project")
    (root / "mlops.toml").write_text("")
    (root / "helper.py").write_text("x = 1\n")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q", "-b", "trunk"], ["add", "."], [*identity, "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "helper.py").write_text("x = 2\napi_key = 'q8Zr4vLw0xTb6nKd2mPs'\n")
    notebook = write_notebook(root / "work" / "small.ipynb", CELLS)
    with (
        pytest.MonkeyPatch.context() as patch,
        start_kernel(notebook.parent, _environment(notebook)) as kernel,
    ):
        for name in ("JUPYTER_MLOPS_PROJECT", "MLFLOW_TRACKING_URI", "JUPYTER_MLOPS_RUN"):
            patch.delenv(name, raising=False)
        _run_all(kernel, CELLS)
        reply, text = kernel.run("'mlflow' in __import__('sys').modules", "c-check")
        assert (reply["status"], text) == ("ok", "False")
    return Project(root)


@pytest.fixture(scope="module")
def run(project: Project) -> RunDetail:
    store = Store(project)
    store.sync()
    (summary,) = store.runs("work/small.ipynb")
    found = store.run(summary.run)
    assert {key: found.to_dict()[key] for key in summary.to_dict()} == summary.to_dict()
    return found


def test_the_run_is_known_by_its_notebook(project: Project, run: RunDetail) -> None:
    assert run.run.startswith("small-2")
    assert run.notebook == "work/small.ipynb"
    assert run.path == str(project.root / "work" / "small.ipynb")
    assert (run.kind, run.status) == ("interactive", "FINISHED")
    assert run.seconds is not None
    assert run.seconds > 0


def test_every_cell_is_kept_with_order_time_and_outcome(run: RunDetail) -> None:
    assert [cell["order"] for cell in run.cells] == list(range(1, len(CELLS) + 2))
    assert [cell["id"] for cell in run.cells[:-1]] == [f"c{n}" for n in range(1, len(CELLS) + 1)]
    assert [cell["position"] for cell in run.cells[:-1]] == list(range(1, len(CELLS) + 1))
    sources = [cell["source"] for cell in run.cells[:-3]]
    assert sources == [source for _, source in CELLS[:-2]]
    failed = run.cells[len(CELLS) - 2]
    assert (failed["outcome"], failed["line"]) == ("failed", 2)
    assert failed["error"] == "ZeroDivisionError: division by zero"
    assert {cell["outcome"] for cell in run.cells if cell is not failed} == {"ok"}
    assert all(cell["seconds"] >= 0 for cell in run.cells)
    assert run.cells[2]["tags"] == ["parameters"]


def test_secrets_never_enter_the_store(project: Project, run: RunDetail) -> None:
    for path in project.state.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"hunter2" not in content, path
            assert b"q8Zr4vLw0xTb6nKd2mPs" not in content, path
    assert "[redacted]" in run.cells[len(CELLS) - 2]["source"]


def test_parameters_and_metrics(project: Project, run: RunDetail) -> None:
    assert run.parameters == {"rows": "400", "alpha": "1.0", "shift": "0.0"}
    assert run.estimator_parameters["fit_intercept"] == "True"
    history = Store(project).client.get_metric_history(run.mlflow_id, "mae")
    assert [point.step for point in history] == [0, 1]
    assert history[1].value == pytest.approx(history[0].value + 1)
    assert run.metrics == {"mae": history[1].value}


def test_data_is_fingerprinted(run: RunDetail) -> None:
    frames = {frame["name"]: frame for frame in run.frames}
    assert set(frames) == {"data", "train", "test", "X_train", "X_test"}
    assert frames["data"]["shape"] == [400, 3]
    assert frames["data"]["columns"][0] == ["x", "float64"]
    assert len({frame["fingerprint"] for frame in run.frames}) == 5
    assert all(len(frame["fingerprint"]) == 32 for frame in run.frames)


def test_environment_and_git(project: Project, run: RunDetail) -> None:
    from importlib.metadata import version

    assert run.environment["scikit-learn"] == version("scikit-learn")
    assert run.python.count(".") == 2
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project.root, check=True, capture_output=True, text=True
    )
    assert run.git == {"commit": head.stdout.strip(), "branch": "trunk", "dirty": True}
    store = Store(project)
    diff = Path(store.client.download_artifacts(run.mlflow_id, "git.diff")).read_text()
    assert "-x = 1\n+x = 2\n+api_key = '[redacted]'" in diff
    assert {"cells.json", "cells.py", "requirements.txt"} <= set(run.artifacts)


def test_the_model_is_registered_and_predicts_as_the_notebook(
    project: Project, run: RunDetail, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(project)
    assert run.model == "Ridge"
    version = store.register(run.run, "small", {"mlops.release": "small/1"})
    assert version == "1"
    store.set_alias("small", "champion", version)
    import mlflow
    import numpy as np
    import pandas as pd

    mlflow.set_tracking_uri(project.tracking_uri)
    mlflow.set_registry_uri(project.tracking_uri)
    model = mlflow.pyfunc.load_model("models:/small@champion")
    assert model.metadata.signature.inputs.input_names() == ["x", "kind"]
    rows = pd.DataFrame({"x": [0.5, -1.0], "kind": [0, 2]})
    own = mlflow.sklearn.load_model(f"models:/{run.models['model']}")
    assert np.array_equal(model.predict(rows), own.predict(rows))
    requirements = Path(mlflow.artifacts.download_artifacts("models:/small/1")) / "requirements.txt"
    assert "scikit-learn==" in requirements.read_text()


def test_a_lost_cursor_writes_nothing_twice(project: Project, run: RunDetail) -> None:
    store = Store(project)
    (folder,) = (path.parent for path in project.journals.glob("small-*/journal"))
    (folder / "models").mkdir()
    for _, record in journal.read(folder / journal.NAME)[0]:
        if isinstance(record, Model):
            (folder / record.file).write_bytes(b"")
    (folder / CURSOR).unlink()
    assert pending(project) == [folder]
    store.sync(run.run)
    again = store.run(run.run)
    assert again == run
    assert len(store.client.get_metric_history(run.mlflow_id, "mae")) == 2
    assert len(store.runs()) == 1


def test_references(project: Project, run: RunDetail) -> None:
    from jupyter_mlops.errors import MlopsError

    store = Store(project)
    for ref in ("latest", "small-2", run.run, run.mlflow_id, run.mlflow_id[:8]):
        assert store.run(ref).mlflow_id == run.mlflow_id
    for ref in ("smoll", "x' OR '1'='1", "%"):
        with pytest.raises(MlopsError, match="There is no run"):
            store.run(ref)


def test_a_killed_kernel_is_finished_by_the_writer(project_root: Path) -> None:
    notebook = write_notebook(project_root / "slow.ipynb", SLOW)
    environment = {"JPY_SESSION_NAME": str(notebook), "JUPYTER_MLOPS_WRITER": ""}
    project = Project(project_root)
    with start_kernel(project_root, environment) as kernel:
        kernel.run(SLOW[0][1], "c1")
        kernel.run(SLOW[1][1], "c2")
        kernel.start(SLOW[2][1], "c3")
        (path,) = project.journals.glob("*/journal")
        _until(lambda: len(journal.read(path)[0]) >= 10)
        os.kill(kernel.pid, signal.SIGKILL)
        # No one else syncs: the writer, which the kernel has started, finds out by itself.
        _until(lambda: not pending(project), seconds=200)
    store = Store(project)
    run = store.run()
    assert run.status == "KILLED"
    assert run.metrics == {"score": 0.5}
    assert [cell["outcome"] for cell in run.cells] == ["ok", "ok", "killed"]
    assert (project.state / "writer.log").read_text() == ""
    _stop_writer(project)


def test_a_rerun_is_observed_and_fails_with_its_last_cell(project_root: Path) -> None:
    cells = [
        ("parameters", "depth = 3"),
        ("", "import threading\nvalue = depth * 2\nlock = threading.Lock()\nvalue"),
        ("", "%load_ext jupyter_mlops"),
        ("", "raise RuntimeError('no')"),
    ]
    notebook = write_notebook(project_root / "nb.ipynb", cells)
    good = Observation(
        "c2", str(project_root / "out" / "a"), ("value",), {"more": "value + 1"}, "r"
    )
    bad = Observation("c2", str(project_root / "out" / "b"), ("lock",))
    order = {
        "run": "nb-ordered-1",
        "kind": "promotion",
        "notebook": str(notebook),
        "parameters": {"depth": 4},
        "observe": [good.to_dict(), bad.to_dict()],
    }
    environment = _environment(notebook, JUPYTER_MLOPS_RUN=json.dumps(order))
    with start_kernel(project_root, environment) as kernel:
        program = "__import__('jupyter_mlops').load_ipython_extension(get_ipython())"
        kernel.client.execute(program, silent=True)
        kernel.run(cells[0][1], "c1")
        kernel.run("# Parameters\ndepth = 4", "injected-parameters")
        for number in (2, 3, 4):
            kernel.run(cells[number - 1][1], f"c{number}")
    namespace: dict[str, object] = {}
    load(Path(good.folder), namespace)
    assert [namespace[name] for name in ("value", "more", "r")] == [8, 9, 8]
    error = json.loads((Path(bad.folder) / "observe-error.json").read_text())
    assert error["code"] == "values.unserialisable"
    store = Store(Project(project_root))
    store.sync("nb-ordered-1")
    run = store.run("nb-ordered-1")
    assert (run.status, run.kind) == ("FAILED", "promotion")
    assert run.parameters == {"depth": "4"}
    assert [cell["id"] for cell in run.cells] == ["c1", "injected-parameters", "c2", "c3", "c4"]
    assert "lock" in run.problems[0]


def test_where_nothing_can_be_written_the_notebook_goes_on(project_root: Path) -> None:
    notebook = write_notebook(project_root / "nb.ipynb", SLOW)
    (project_root / ".mlops").write_text("in the way")
    with start_kernel(project_root, _environment(notebook)) as kernel:
        reply, text = kernel.run(SLOW[0][1], "c1")
        assert reply["status"] == "ok"
        assert text.count("\n") == 1
        assert "capture is off" in text
        assert kernel.run("1 + 1", "c2")[1] == "2"


def test_two_processes_feed_one_run_once(project_root: Path) -> None:
    notebook = write_notebook(project_root / "nb.ipynb", SMALL)
    with start_kernel(project_root, _environment(notebook)) as kernel:
        kernel.run("%load_ext jupyter_mlops", "c0")
        _run_all(kernel, SMALL)
    program = (
        "from jupyter_mlops.project import Project\n"
        "from jupyter_mlops.tracking.store import Store\n"
        f"Store(Project.find({str(project_root)!r})).sync({_only(project_root)!r})\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    store = Store(Project(project_root))
    (run,) = store.runs()
    assert len(store.client.get_metric_history(run.mlflow_id, "mae")) == 1
    assert len(store.run().models) == 1
    (folder,) = Project(project_root).journals.iterdir()
    assert Feeder(Project(project_root), folder).finished


def _only(root: Path) -> str:
    (folder,) = Project(root).journals.iterdir()
    return folder.name


def _until(done: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def _stop_writer(project: Project) -> None:
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "jupyter_mlops.tracking.writer" in words and str(project.root) in words:
            process.terminate()
