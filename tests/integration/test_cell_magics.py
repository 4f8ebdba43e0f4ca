"""Cells with ``%%mlops step NAME`` run as they would without that line, wherever they run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.capture import journal
from jupyter_mlops.capture.records import CellStart, Metric, Parameter
from jupyter_mlops.pipeline.proving import prove
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun.rerun import rerun
from tests.support import write_notebook

CELLS = [
    ("skip", "%load_ext jupyter_mlops"),
    ("", "%%mlops parameters\nrows = 4"),
    ("", "%%mlops step load\n\nnumbers = list(range(rows))\nsum(numbers)"),
    ("", "%%mlops step total metrics --after load\n%%time\ntotal = sum(numbers) + 0.5"),
    ("skip", "_ + 1"),
    ("", "%%mlops skip\nimport asyncio\nawait asyncio.sleep(0)\n%pwd\nrows * 2"),
    ("raises-exception", "%%mlops skip\n\n\n1 / 0"),
    ("", "%%capture\n%%mlops skip\nprint('hidden')\nseen = 1"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cells")
    (root / "mlops.toml").write_text("")
    write_notebook(root / "nb.ipynb", CELLS)
    return root


@pytest.fixture(scope="module")
def executed(root: Path) -> Any:
    """The notebook as plain papermill, which knows nothing of us, has executed it."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("JUPYTER_MLOPS", "MLFLOW"))
    }
    environment["JUPYTER_MLOPS_WRITER"] = "off"
    words = [sys.executable, "-m", "papermill", "nb.ipynb", "out.ipynb", "--no-progress-bar"]
    done = subprocess.run(
        words, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    # papermill takes the error that is meant for a failure, and has run all the same.
    assert "ZeroDivisionError" in done.stderr
    return nbformat.read(root / "out.ipynb", as_version=4)  # type: ignore[no-untyped-call]


def _result(cell: Any) -> str:
    return "".join(out["data"]["text/plain"] for out in cell.outputs if "data" in out)


def test_the_last_expression_is_shown_and_kept(executed: Any) -> None:
    cells = [cell for cell in executed.cells if cell.metadata.get("papermill")]
    by_source = {cell.source: cell for cell in cells}
    assert _result(by_source[CELLS[2][1]]) == "6"
    assert _result(by_source[CELLS[4][1]]) == "7"
    assert _result(by_source[CELLS[5][1]]) == "8"
    assert "Wall time" in by_source[CELLS[3][1]].outputs[0]["text"]


def test_a_traceback_has_the_lines_of_the_cell(executed: Any) -> None:
    cell = next(cell for cell in executed.cells if cell.source == CELLS[6][1])
    (error,) = [out for out in cell.outputs if out.output_type == "error"]
    assert "line 4" in "\n".join(error.traceback)


def test_capture_knows_the_tags(root: Path, executed: Any) -> None:
    (folder,) = Project(root).journals.iterdir()
    records = journal.read_all(folder / journal.NAME)
    cells = [record for record in records if isinstance(record, CellStart)]
    assert [cell.source for cell in cells] == [source for _, source in CELLS[: len(cells)]]
    assert cells[1].tags == ("parameters",)
    assert cells[3].tags == ("step:total", "metrics", "after:load")
    assert [(r.name, r.value) for r in records if isinstance(r, Parameter)] == [("rows", "4")]
    assert [(r.name, r.value) for r in records if isinstance(r, Metric)] == [("total", 6.5)]


def test_a_rerun_has_its_parameters_behind_the_cell_of_that_line(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text("")
    path = write_notebook(tmp_path / "nb.ipynb", CELLS)
    done = drain(rerun(path, {"rows": "6"}, project=Project(tmp_path)))
    assert done.parameters == {"rows": 6}
    assert done.metrics == {"total": 15.5}
    executed = nbformat.read(done.executed, as_version=4)  # type: ignore[no-untyped-call]
    assert executed.cells[2].source.rstrip() == "# Parameters\nrows = 6"
    assert executed.cells[1].source == CELLS[1][1]


def test_a_pipeline_of_such_cells_is_proven_equal(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text("")
    path = write_notebook(tmp_path / "nb.ipynb", CELLS)
    proof = drain(prove(path, project=Project(tmp_path))).proof
    verdicts = {(c.step, c.name): c.verdict for c in proof.comparisons}
    assert verdicts["load", "numbers"] == "equal"
    assert verdicts["total", "total"] == "equal"
