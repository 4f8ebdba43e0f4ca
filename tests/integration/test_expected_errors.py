"""Errors that Jupyter's tag expects: notebook and pipeline go on after them, and are equal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.proving import prove
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun.rerun import rerun
from tests.support import write_notebook

CELLS = [
    ("step:a", "x = 1\ny = [1]"),
    ("step:b raises-exception", "y.append(2)\nprint('before')\n1 / 0\nx = 2"),
    ("", "z = x + 1"),
    ("step:c", "print(x, y, z)"),
    ("step:d raises-exception metrics", "score = 2\nnowhere()"),
]


def test_the_pipeline_goes_on_as_the_notebook_does(project_root: Path) -> None:
    path = write_notebook(project_root / "raises.ipynb", CELLS)
    found = drain(prove(path, project=Project(project_root)))
    verdicts = {(each.step, each.name): each.verdict for each in found.proof.comparisons}
    assert set(verdicts.values()) == {"equal"}
    assert {("b", "x"), ("b", "y"), ("b", "cell 2"), ("c", "cell 4"), ("d", "score")} <= set(
        verdicts
    )
    (executed,) = (project_root / ".mlops" / "executed").glob("*.ipynb")
    cells = json.loads(executed.read_text())["cells"]
    assert [cell["cell_type"] for cell in cells] == ["code"] * 5
    assert [output["output_type"] for output in cells[1]["outputs"]] == ["stream", "error"]


def test_an_error_after_it_is_told_as_ever(project_root: Path) -> None:
    path = write_notebook(project_root / "fails.ipynb", [*CELLS[:2], ("step:c", "y[9]")])
    with pytest.raises(MlopsError) as caught:
        drain(rerun(path, project=Project(project_root)))
    assert caught.value.code == "rerun.cell-failed"
    assert caught.value.place is not None
    assert (caught.value.place.cell, caught.value.place.line) == (3, 1)
