"""papermill's own options with our engine: what plain papermill leaves, and nothing else."""

from __future__ import annotations

import copy
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from click.testing import CliRunner, Result

from jupyter_mlops.project import Project
from jupyter_mlops.tracking.store import Store
from tests.support import write_notebook

CELLS = [
    ("imports", "import os, sys\nfrom IPython.display import HTML, display"),
    ("parameters", "depth: int = 3  # how deep\npair = (1, 2)\nname = 'x'\nsizes = [1]"),
    ("", "print(depth, pair, type(pair).__name__, name, sizes, os.path.basename(os.getcwd()))"),
    ("", "# papermill_description=Telling\nprint('to err', file=sys.stderr)"),
    ("", "display(HTML('<b>bold</b>'))\ndepth * 2"),
]
FAILING = [*CELLS[:3], ("", "1 / 0"), ("", "print('never')")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("options")
    (root / "mlops.toml").write_text("")
    write_notebook(root / "nb.ipynb", CELLS)
    write_notebook(root / "failing.ipynb", FAILING)
    (root / "elsewhere").mkdir()
    (root / "p.yaml").write_text("depth: 7\nsizes: [4, 5]\n")
    return root


@pytest.fixture(autouse=True)
def _in_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JUPYTER_MLOPS_PROJECT", "MLFLOW_TRACKING_URI", "JUPYTER_MLOPS_RUN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(home)


def _papermill(*words: str, engine: bool) -> Result:
    from papermill.__main__ import papermill

    chosen = ["--engine", "mlops"] if engine else []
    return CliRunner().invoke(papermill, [*words, *chosen])


def _both(*words: str, notebook: str = "nb.ipynb", ok: bool = True) -> list[Any]:
    """Run plain papermill and ours, and return the two notebooks without what must differ."""
    found = []
    for engine in (False, True):
        output = Path(f"out-{engine}.ipynb")
        output.unlink(missing_ok=True)
        result = _papermill(notebook, str(output), *words, engine=engine)
        if (result.exit_code == 0) is not ok:
            raise AssertionError(result.output) from result.exception
        found.append(_comparable(nbformat.read(output, as_version=4)))
    return found


def _comparable(content: Any) -> Any:
    content = copy.deepcopy(json.loads(nbformat.writes(content)))
    content["metadata"].pop("jupyter_mlops", None)
    for each in (content, *content["cells"]):
        about = each["metadata"].get("papermill", {})
        for name in ("start_time", "end_time", "duration", "output_path"):
            about.pop(name, None)
        each["metadata"].pop("execution", None)
    for cell in content["cells"]:
        if {"injected-parameters", "papermill-error-cell-tag"} & set(
            cell["metadata"].get("tags", ())
        ):
            cell["id"] = ""
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error":
                # IPython numbers its cells' files by chance.
                output["traceback"] = [line.split("\n")[-1] for line in output["traceback"][-1:]]
    return content


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("-p", "depth", "5", "-p", "name", "y"),
        ("-f", "p.yaml", "-y", "{name: z}", "-r", "name", "12"),
        ("-b", "ZGVwdGg6IDkK", "--progress-bar", "--log-output", "--report-mode"),
        ("--cwd", "elsewhere", "--autosave-cell-every", "0", "--start-timeout", "120"),
        ("--prepare-only", "-p", "depth", "5"),
        ("--inject-input-path", "-p", "depth", "5"),
        ("--no-request-save-on-cell-execute", "--execution-timeout", "60", "-k", "python3"),
    ],
    ids=["plain", "parameters", "files", "base64", "cwd", "prepare", "path", "saving"],
)
def test_the_result_is_plain_papermill_s(words: tuple[str, ...]) -> None:
    plain, ours = _both(*words)
    assert ours == plain


def test_a_failing_notebook_ends_as_plain_papermill_s() -> None:
    plain, ours = _both(notebook="failing.ipynb", ok=False)
    assert [cell["source"] for cell in ours["cells"]] == [cell["source"] for cell in plain["cells"]]
    assert ours == plain


def test_tuples_stay_tuples() -> None:
    from papermill import execute_notebook

    execute_notebook(
        "nb.ipynb", "t.ipynb", {"pair": (3, 4)}, engine_name="mlops", progress_bar=False
    )
    content = nbformat.read("t.ipynb", as_version=4)
    assert "(3, 4) tuple" in "".join(
        o.text for c in content.cells for o in c.outputs if "text" in o
    )


def test_what_cells_print_goes_to_the_files() -> None:
    words = ("--stdout-file", "o.txt", "--stderr-file", "e.txt")
    plain, ours = _both(*words)
    assert ours == plain
    assert Path("o.txt").read_text().startswith("3 (1, 2) tuple x [1]")
    assert "to err" in Path("e.txt").read_text()


def _start(home: Path, source: str, *words: str) -> subprocess.Popen[str]:
    write_notebook(home / "slow.ipynb", [("", "print('begun', flush=True)"), ("", source)])
    command = [
        sys.executable,
        "-m",
        "papermill",
        "--engine",
        "mlops",
        "slow.ipynb",
        "slow-out.ipynb",
    ]
    return subprocess.Popen(
        [*command, "--no-progress-bar", "--log-output", *words],
        cwd=home,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end_of_slow(home: Path) -> tuple[str, Any]:
    content = nbformat.read(home / "slow-out.ipynb", as_version=4)
    assert content.cells[0].outputs[0].text == "begun\n"
    store = Store(Project(home))
    store.sync()
    run = content.metadata.jupyter_mlops.run
    assert (home / ".mlops" / "executed" / f"{run}.ipynb").exists()
    return store.run(run).status, content.cells[-1].outputs[-1]


def test_a_kernel_that_dies_ends_with_papermill_s_own_exit_code(home: Path) -> None:
    process = _start(home, "import os\nos._exit(3)")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 138
    assert "rerun.kernel-died: The kernel died while this cell ran." in errors
    assert "slow.ipynb, cell 2" in errors
    assert "Traceback" not in errors
    status, output = _end_of_slow(home)
    assert (status, output.ename) == ("KILLED", "DeadKernelError")


def test_a_cell_that_hangs_ends_by_the_timeout(home: Path) -> None:
    process = _start(home, "import time\ntime.sleep(60)", "--execution-timeout", "2")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "rerun.timeout" in errors
    assert "slow.ipynb, cell 2" in errors
    status, output = _end_of_slow(home)
    assert (status, output.output_type) == ("FAILED", "error")


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 1), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_an_interrupt_keeps_what_was_done(home: Path, sent: signal.Signals, code: int) -> None:
    process = _start(home, "import time\nprint('sleeping', flush=True)\ntime.sleep(60)")
    assert process.stderr is not None
    while "sleeping" not in process.stderr.readline():
        assert process.poll() is None
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Interrupted at slow.ipynb, cell 2" in errors
    assert children
    _, alive = psutil.wait_procs(children, timeout=5)
    left = [each.cmdline() for each in alive if each.status() != psutil.STATUS_ZOMBIE]
    assert left == []
    status, output = _end_of_slow(home)
    assert (status, output.ename) == ("FAILED", "KeyboardInterrupt")


def test_an_output_folder_that_goes_away_ends_with_the_cell_and_a_copy(home: Path) -> None:
    (home / "going").mkdir()
    removing = "import shutil, time\nshutil.rmtree('going')\ntime.sleep(1.5)"
    write_notebook(home / "removing.ipynb", [("", "print('begun')"), ("", removing), ("", "1")])
    result = _papermill("removing.ipynb", "going/out.ipynb", engine=True)
    assert result.exit_code == 1
    assert "rerun.not-saved" in result.output
    assert "removing.ipynb, cell 2" in result.output
    (run,) = Store(Project(home)).runs("removing.ipynb")
    assert run.status == "KILLED"
    kept = home / ".mlops" / "executed" / f"{run.run}.ipynb"
    assert str(kept) in result.output
    assert nbformat.read(kept, as_version=4).cells[0].outputs[0].text == "begun\n"


def test_a_notebook_comes_from_stdin_and_goes_to_stdout(home: Path) -> None:
    command = [sys.executable, "-m", "papermill", "--engine", "mlops", "-p", "depth", "6", "-", "-"]
    result = subprocess.run(
        command,
        input=(home / "nb.ipynb").read_text(),
        capture_output=True,
        text=True,
        cwd=home,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    content = nbformat.reads(result.stdout, as_version=4)
    assert any("6 (1, 2)" in str(cell.get("outputs")) for cell in content.cells)
