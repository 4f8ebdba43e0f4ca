"""Reruns on real kernels: tracked, kept, and every way to fail told with the cell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun import Rerun, rerun
from jupyter_mlops.tracking.store import Store
from jupyter_mlops.values import Observation, load
from tests.support import SMALL, write_notebook

GREETING = [
    ("", "%load_ext jupyter_mlops"),
    ("parameters", "depth: int = 3  # how deep\npair: tuple = (1, 2)\nname: str = 'x'"),
    ("step:show", "import os\nprint(depth, pair, name, os.path.basename(os.getcwd()))"),
    ("step:score metrics", "score = depth / 2"),
]
FAILING = [
    *GREETING,
    ("", "def broken():\n    return depth / 0\n\n\nbroken()"),
    ("", "print('no')"),
]
SLOW = [*GREETING, ("", "import time\nprint('waiting', flush=True)\ntime.sleep(60)"), ("", "1")]


def _papermill(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", "--engine", "mlops", "--no-progress-bar"]
    return subprocess.run(
        [*command, *words], cwd=folder, capture_output=True, text=True, timeout=120
    )


def _texts(path: Path) -> list[str]:
    content = nbformat.read(path, as_version=4)
    outputs = [output for cell in content.cells for output in cell.get("outputs", [])]
    return [output.text for output in outputs if output.output_type == "stream"]


def _failure(notebook: Path, **options: Any) -> MlopsError:
    with pytest.raises(MlopsError) as caught:
        drain(rerun(notebook, **options))
    return caught.value


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose runs all tests of this module may share."""
    root = tmp_path_factory.mktemp("home")
    (root / "mlops.toml").write_text("")
    return root


@pytest.fixture(scope="module")
def greeted(home: Path) -> tuple[Rerun, list[Event], Path]:
    notebook = write_notebook(home / "work" / "greeting.ipynb", GREETING)
    events: list[Event] = []
    copy = home / "copy.ipynb"
    given = {"depth": "5", "pair": [3, 4]}
    watched = Observation("c4", str(home / "watched"), ("score", "pair"))
    done = drain(rerun(notebook, given, output=copy, observe=[watched]), events.append)
    return done, events, copy


def test_the_notebook_runs_with_the_parameters_in_its_own_folder(
    greeted: tuple[Rerun, list[Event], Path],
) -> None:
    done, _, copy = greeted
    assert done.parameters == {"depth": 5, "pair": (3, 4)}
    assert _texts(done.executed) == ["5 (3, 4) x work\n"]
    assert copy.read_bytes() == done.executed.read_bytes()


def test_the_run_is_complete_in_mlflow(
    home: Path, greeted: tuple[Rerun, list[Event], Path]
) -> None:
    done, _, _ = greeted
    run = Store(Project(home)).run(done.run)
    assert run.status == "FINISHED"
    assert run.notebook == "work/greeting.ipynb"
    assert run.parameters["depth"] == "5"
    assert run.metrics == done.metrics == {"score": 2.5}
    assert f"{done.run}.ipynb" in run.artifacts
    assert [(cell["id"], cell["position"]) for cell in run.cells] == [
        ("c1", 1),
        ("c2", 2),
        ("injected-parameters", None),
        ("c3", 3),
        ("c4", 4),
    ]
    assert run.cells[-1]["tags"] == ["step:score", "metrics"]


def test_what_was_to_be_observed_is_kept(
    home: Path, greeted: tuple[Rerun, list[Event], Path]
) -> None:
    namespace: dict[str, Any] = {}
    load(home / "watched", namespace)
    assert namespace == {"score": 2.5, "pair": (3, 4)}


def test_the_source_is_not_touched(greeted: tuple[Rerun, list[Event], Path]) -> None:
    done, _, copy = greeted
    source = copy.parent / "work" / "greeting.ipynb"
    assert all(not cell["outputs"] for cell in json.loads(source.read_text())["cells"])
    assert sorted(path.name for path in source.parent.iterdir()) == ["greeting.ipynb"]
    assert sorted(path.name for path in done.executed.parent.iterdir()) == [done.executed.name]


def test_progress_names_the_run_and_the_steps(
    greeted: tuple[Rerun, list[Event], Path],
) -> None:
    done, events, _ = greeted
    assert [event.status for event in events] == ["started", "started", "started", "done"]
    assert done.run in events[0].message
    assert "step show: cell 3" in events[1].message
    assert events[-1].seconds == done.seconds


@pytest.mark.parametrize(
    ("given", "code"),
    [({"dept": 4}, "parameters.unknown"), ({"depth": "deep"}, "parameters.type")],
)
def test_wrong_parameters_are_refused_before_anything_runs(
    project_root: Path, given: dict[str, Any], code: str
) -> None:
    notebook = write_notebook(project_root / "nb.ipynb", GREETING)
    error = _failure(notebook, parameters=given)
    assert error.code == code
    assert error.place is not None
    assert error.place.cell == 2
    assert not (project_root / ".mlops").exists()


def test_a_missing_kernel_is_named_with_those_there_are(project_root: Path) -> None:
    error = _failure(write_notebook(project_root / "nb.ipynb", GREETING, kernel="old-env"))
    assert error.code == "rerun.no-kernel"
    assert "`old-env`" in error.message
    assert "python3" in error.message
    assert "ipykernel install" in error.hint


def test_an_error_that_ipython_only_prints_is_told(project_root: Path) -> None:
    cells = [("", "x = 1"), ("", "%nosuchmagic")]
    error = _failure(write_notebook(project_root / "nb.ipynb", cells))
    assert error.code == "rerun.cell-failed"
    assert error.message.startswith("UsageError: ")
    assert "nosuchmagic" in error.message
    assert error.place is not None
    assert error.place.cell == 2


def test_a_failing_cell_is_told_and_the_run_is_kept_as_failed(home: Path) -> None:
    notebook = write_notebook(home / "failing.ipynb", FAILING)
    error = _failure(notebook, parameters={"depth": 7}, run="failing-1")
    assert error.code == "rerun.cell-failed"
    assert error.message == "ZeroDivisionError: division by zero"
    assert str(error.place) == "failing.ipynb, cell 5, line 5"
    executed = home / ".mlops" / "executed" / "failing-1.ipynb"
    assert str(executed) in error.hint
    assert _texts(executed) == ["7 (1, 2) x " + home.name + "\n"]
    assert Store(Project(home)).run("failing-1").status == "FAILED"


def test_a_kernel_that_dies_is_told_with_the_cell(home: Path) -> None:
    notebook = write_notebook(home / "dying.ipynb", [*GREETING, ("", "import os\nos._exit(3)")])
    error = _failure(notebook, run="dying-1")
    assert error.code == "rerun.kernel-died"
    assert str(error.place) == "dying.ipynb, cell 5"
    executed = nbformat.read(home / ".mlops" / "executed" / "dying-1.ipynb", as_version=4)
    assert executed.cells[4].outputs[-1].ename == "DeadKernelError"
    assert Store(Project(home)).run("dying-1").status == "KILLED"


def _kernel(folder: Path, argv: list[str]) -> None:
    spec = {"argv": argv, "display_name": "bare", "language": "python"}
    (folder / "kernels" / "bare").mkdir(parents=True)
    (folder / "kernels" / "bare" / "kernel.json").write_text(json.dumps(spec))


@pytest.mark.parametrize(
    ("starter", "code", "words"),
    [
        # An environment without the package.
        ("import sys; sys.modules['jupyter_mlops'] = None; {run}", "rerun.no-capture", "`bare`"),
        ("import sys; sys.exit(1)", "rerun.kernel-died", "did not start"),
        ("", "rerun.kernel-died", "No such file"),
    ],
)
def test_a_kernel_that_cannot_work_is_told(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    starter: str,
    code: str,
    words: str,
) -> None:
    run = "import runpy; runpy.run_module('ipykernel_launcher', run_name='__main__')"
    python = sys.executable if starter else str(tmp_path / "gone" / "python")
    _kernel(tmp_path, [python, "-c", starter.format(run=run), "-f", "{connection_file}"])
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    error = _failure(write_notebook(home / "bare.ipynb", [("", "print('never')")], kernel="bare"))
    assert error.code == code
    assert words in error.message
    assert not list(home.glob(".mlops/*/bare-*"))


def test_an_interrupt_ends_the_cell_and_keeps_what_was_done(home: Path) -> None:
    notebook = write_notebook(home / "slow.ipynb", SLOW)
    program = (
        "from jupyter_mlops.rerun import rerun\n"
        "from jupyter_mlops.progress import drain\n"
        f"drain(rerun({str(notebook)!r}, run='slow-1'), lambda e: print(e.message, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=home
    )
    assert process.stdout is not None
    while "step score" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(1)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert time.monotonic() - start < 30
    executed = nbformat.read(home / ".mlops" / "executed" / "slow-1.ipynb", as_version=4)
    errors = [o for cell in executed.cells for o in cell.get("outputs", []) if "ename" in o]
    assert [error.ename for error in errors] == ["KeyboardInterrupt"]
    assert Store(Project(home)).run("slow-1").status == "FAILED"


def test_papermill_itself_is_tracked_with_our_engine(home: Path) -> None:
    write_notebook(home / "plain" / "nb.ipynb", SMALL)
    result = _papermill(home / "plain", "nb.ipynb", "out.ipynb", "-p", "alpha", "2")
    assert result.returncode == 0, result.stderr
    store = Store(Project(home))
    store.sync()
    (found,) = store.runs("plain/nb.ipynb")
    run = store.run(found.run)
    assert run.status == "FINISHED"
    assert run.kind == "rerun"
    assert run.parameters["alpha"] == "2.0"
    assert run.metrics["mae"] > 0
    assert run.model == "Ridge"
    assert f"{run.run}.ipynb" in run.artifacts


@pytest.mark.parametrize(
    ("kernel", "words", "code"),
    [
        ("python3", ["-p", "dept", "4"], "parameters.unknown"),
        ("python3", ["-r", "depth", "deep"], "parameters.type"),
        ("old-env", [], "rerun.no-kernel"),
    ],
)
def test_papermill_shows_our_errors_without_a_stack(
    project_root: Path, kernel: str, words: list[str], code: str
) -> None:
    write_notebook(project_root / "nb.ipynb", GREETING, kernel=kernel)
    result = _papermill(project_root, "nb.ipynb", "out.ipynb", *words)
    assert result.returncode == 1
    assert f"Error: {code}: " in result.stderr
    assert "to do:" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (project_root / "out.ipynb").exists()


def test_papermill_says_which_cell_took_too_long(project_root: Path) -> None:
    write_notebook(project_root / "nb.ipynb", SLOW)
    result = _papermill(project_root, "nb.ipynb", "out.ipynb", "--execution-timeout", "2")
    assert result.returncode == 1
    assert "rerun.timeout: " in result.stderr
    assert "nb.ipynb, cell 5" in result.stderr
    assert "Traceback" not in result.stderr
    assert os.path.getsize(project_root / "out.ipynb") > 0


def test_a_kernel_that_is_done_is_not_interrupted(home: Path) -> None:
    # An idle kernel ignores interrupts; this one notes them.
    listening = (
        "import pathlib, signal\n"
        "noted = pathlib.Path('interrupted').resolve()\n"
        "listen = lambda: signal.signal(signal.SIGINT, lambda *_: noted.touch())\n"
        "get_ipython().kernel.post_handler_hook = listen"
    )
    notebook = write_notebook(home / "quiet" / "quiet.ipynb", [("", listening), ("", "x = 1")])
    drain(rerun(notebook))
    assert not (notebook.parent / "interrupted").exists()


def test_reruns_side_by_side_leave_no_folder_to_papermill(project_root: Path) -> None:
    from papermill.iorw import papermill_io

    short = write_notebook(project_root / "short.ipynb", [("", "import time; time.sleep(1)")])
    long = write_notebook(project_root / "long.ipynb", [("", "import time; time.sleep(3)")])
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(drain, rerun(short))
        second = pool.submit(drain, rerun(long))
        first.result()
        second.result()
    assert papermill_io.get_handler("local").cwd(None) is None
