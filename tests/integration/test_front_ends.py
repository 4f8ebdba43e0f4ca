"""Programs that run notebooks leave runs of that notebook, by its path and its cells' ids."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.project import Project
from jupyter_mlops.tracking.store import Store
from tests.support import write_notebook

CELLS = [("", "%load_ext jupyter_mlops"), ("parameters", "depth = 3"), ("metrics", "score = depth")]
NBCLIENT = """
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read("nb.ipynb", as_version=4)
NotebookClient(notebook, resources={"metadata": {"path": "."}}).execute()
"""
TERMINAL = "".join(f"{source}\n" for _, source in CELLS)
COMMANDS = {
    "papermill": (
        [sys.executable, "-m", "papermill", "nb.ipynb", "out.ipynb", "-p", "depth", "4"],
        "nb.ipynb",
        ["c1", "c2", "injected-parameters", "c3"],
    ),
    "nbconvert": (
        ["jupyter", "nbconvert", "--to", "notebook", "--execute", "nb.ipynb", "--output", "out"],
        "nb.ipynb",
        ["c1", "c2", "c3"],
    ),
    "nbclient": ([sys.executable, "-c", NBCLIENT], "nb.ipynb", ["c1", "c2", "c3"]),
    "terminal": (
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor"],
        "<interactive>",
        [None, None, None],
    ),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("front-ends")
    (root / "mlops.toml").write_text("")
    write_notebook(root / "nb.ipynb", CELLS)
    write_notebook(root / "beside.ipynb", [("", "unrelated = 1")])
    return root


@pytest.mark.parametrize("program", COMMANDS)
def test_a_run_knows_its_notebook(program: str, root: Path) -> None:
    command, notebook, cells = COMMANDS[program]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JPY_", "JUPYTER_MLOPS_"))}
    environment = {**kept, "JUPYTER_MLOPS_WRITER": "off", "PATH": _path()}
    before = set(Project(root).journals.glob("*"))
    subprocess.run(
        command,
        cwd=root,
        env=environment,
        check=True,
        input=TERMINAL,
        text=True,
        capture_output=True,
        timeout=120,
    )
    (root / "out.ipynb").unlink(missing_ok=True)
    (folder,) = set(Project(root).journals.glob("*")) - before
    store = Store(Project(root))
    store.sync(folder.name)
    run = store.run(folder.name)
    assert run.notebook == notebook
    executed = [cell["id"] for cell in run.cells if not cell["source"].startswith("exit")]
    assert executed == cells
    expected = 4.0 if program == "papermill" else 3.0
    assert run.metrics == ({} if program == "terminal" else {"score": expected})
    assert run.problems == []


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
