"""Suggested tags and ghost state in real projects and kernels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_mlops.deploy.promote import promote
from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.cli import main
from jupyter_mlops.notebook.document import read
from jupyter_mlops.pipeline.proving import prove
from jupyter_mlops.pipeline.suggestion import suggest
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.project import Project
from tests import tutorials
from tests.kernels import Kernel, start_kernel
from tests.support import write_notebook

CELLS = [
    ("skip", "%load_ext jupyter_mlops"),
    ("parameters", "start = 1"),
    ("step:count", "total = start"),
    ("step:count", "total += 1"),
    ("step:show", "print(total)"),
]


@pytest.fixture
def kernel(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    path = write_notebook(project_root / "nb.ipynb", CELLS)
    for name in ("JUPYTER_MLOPS_PROJECT", "JUPYTER_MLOPS_RUN", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    with start_kernel(project_root, {"JPY_SESSION_NAME": str(path)}) as started:
        started.run(CELLS[0][1], "c1")
        yield started


def run(kernel: Kernel, *numbers: int) -> None:
    for number in numbers:
        reply, _ = kernel.run(CELLS[number - 1][1], f"c{number}")
        assert reply["status"] == "ok", reply


def test_a_kernel_with_hidden_state_is_not_promoted(kernel: Kernel, project_root: Path) -> None:
    run(kernel, 2, 3, 4, 4, 5)
    reply, _ = kernel.run("%mlops promote --images none")
    assert reply["status"] == "error"
    words = "\n".join(reply["traceback"])
    assert "promote.hidden-state" in words
    assert "Cell 4 was executed more than once, and changes `total` each time" in words
    assert "nb.ipynb, cell 4, line 1" in words
    assert Releases(Project(project_root)).list("nb") == []
    reply, _ = kernel.run("%mlops prove")
    assert "prove.hidden-state" in "\n".join(reply["traceback"])

    # the same is told where nothing is refused, and is gone once the cells have run in order
    _, shown = kernel.run("%mlops pipeline")
    assert "Cell 4 was executed more than once" in shown
    run(kernel, 2, 3, 4, 5)
    _, shown = kernel.run("%mlops pipeline")
    assert "count" in shown
    assert "executed more than once" not in shown


def test_a_failed_execution_counts_for_nothing(kernel: Kernel) -> None:
    run(kernel, 2, 3)
    reply, _ = kernel.run("total += 1; never_there", "c4")
    assert reply["status"] == "error"
    run(kernel, 3, 4, 5)
    _, shown = kernel.run("%mlops suggest")
    assert "Every cell has its tags already" in shown
    assert "executed" not in shown


def test_a_deleted_cell_is_named(kernel: Kernel) -> None:
    run(kernel, 2, 3, 4)
    kernel.run("total = 100", "deleted")
    run(kernel, 5)
    reply, _ = kernel.run("%mlops promote")
    assert "A cell that was deleted or edited had made or changed `total`" in "\n".join(
        reply["traceback"]
    )


def test_saved_counts_are_enough(project_root: Path) -> None:
    import nbformat

    path = write_notebook(project_root / "nb.ipynb", CELLS)
    content = nbformat.read(path, as_version=4)
    for cell, count in zip(content.cells, (1, 2, 3, 5, 4), strict=True):
        cell.execution_count = count
    nbformat.write(content, path)
    project = Project(project_root)
    for code, verb in (
        ("promote.hidden-state", promote(path, project=project, images="none")),
        ("prove.hidden-state", prove(path, project=project)),
    ):
        with pytest.raises(MlopsError) as caught:
            drain(verb)
        assert caught.value.code == code
        assert caught.value.place is not None
        assert caught.value.place.cell == 5


def test_the_command_suggests_and_writes(project_root: Path) -> None:
    path = tutorials.write(project_root / "houses.ipynb", tutorials.HOUSES)
    before = path.read_bytes()
    shown = CliRunner().invoke(main, ["suggest", "houses.ipynb"])
    assert shown.exit_code == 0, shown.stderr
    assert "step:features" in shown.stdout
    assert "assigns constants that cells 13 and 15 read" in shown.stdout
    assert "--apply` writes these tags" in shown.stdout
    assert path.read_bytes() == before

    applied = CliRunner().invoke(main, ["suggest", "houses.ipynb", "--apply"])
    assert "Wrote the tags of 13 cells" in applied.stdout
    assert suggest(read(path)) == ()
    written = path.read_bytes()
    again = CliRunner().invoke(main, ["suggest", "houses.ipynb", "--apply"])
    assert "Every cell has its tags already" in again.stdout
    assert path.read_bytes() == written


def test_an_untagged_notebook_is_promoted_with_the_suggested_tags(project_root: Path) -> None:
    path = tutorials.write(project_root / "houses.ipynb", tutorials.HOUSES)
    project = Project(project_root)
    events: list[Event] = []
    release = drain(promote(path, project=project, images="none", auto=True), events.append)
    assert release.manifest["metrics"]["mae"] > 0
    assert release.manifest["model_version"] == 1 or release.manifest["model_version"] == "1"
    told = [event.message for event in events if event.stage == "tags"]
    assert "cell 15: step:train (fits `model`)" in told
    assert read(path).cells[14].tags == ("step:train",)
    assert (release.folder / "notebook.ipynb").read_bytes() == path.read_bytes()
