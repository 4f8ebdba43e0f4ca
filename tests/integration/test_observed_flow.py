"""Notebooks whose library changes what they pass to it: real kernels, real promotions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jupyter_mlops.deploy.promote import promote
from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.cli import main
from jupyter_mlops.notebook.document import read
from jupyter_mlops.notebook.observed import ObservedFlow
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.flows import latest_flow
from jupyter_mlops.tracking.store import Store
from tests.kernels import start_kernel
from tests.support import replaced, write_notebook

LIB = """
_kept = []

def clean(frame):
    frame["y"] = frame["y"] * 2
    return len(frame)

def keep(frame):
    _kept.append(frame)

def scale():
    for frame in _kept:
        frame["y"] = frame["y"] + 1
    return len(_kept)
"""
CELLS = [
    ("imports", "import pandas as pd\nimport lib"),
    ("step:load", "data = pd.DataFrame({'y': [1.0, 2.0, 3.0]})\nalias = data"),
    ("step:clean", "limit = 3\nrows = lib.clean(alias)"),
    ("step:sum metrics", "total = float(data['y'].sum())"),
]
HIDDEN = replaced(
    "step:clean",
    "limit = 3\nrows = lib.scale()",
    replaced("step:load", CELLS[1][1] + "\nlib.keep(alias)", CELLS),
)


def _project(root: Path, cells: list[tuple[str, str]]) -> tuple[Project, Path]:
    (root / "mlops.toml").write_text("")
    return Project(root), write_notebook(root / "book.ipynb", cells)


@pytest.fixture(scope="module", autouse=True)
def _lib_is_installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A package of somebody else, whose source is not analysed."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "lib.py").write_text(LIB)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """A notebook that has run under capture, once with another second cell."""
    project, notebook = _project(tmp_path_factory.mktemp("captured"), CELLS)
    environment = {"JPY_SESSION_NAME": str(notebook), "JUPYTER_MLOPS_WRITER": "off"}
    with (
        pytest.MonkeyPatch.context() as patch,
        start_kernel(notebook.parent, environment) as kernel,
    ):
        for name in ("JUPYTER_MLOPS_PROJECT", "MLFLOW_TRACKING_URI", "JUPYTER_MLOPS_RUN"):
            patch.delenv(name, raising=False)
        kernel.run("%load_ext jupyter_mlops", "c0")
        kernel.run("data = alias = 'an earlier version of this cell'", "c2")
        for number, (_, source) in enumerate(CELLS, 1):
            assert kernel.run(source, f"c{number}")[0]["status"] == "ok"
    return project, notebook


def test_the_latest_flow_is_of_the_cells_as_they_are(captured: tuple[Project, Path]) -> None:
    project, path = captured
    notebook = read(path, name="book.ipynb")
    flow = latest_flow(project, notebook)
    assert flow is not None
    assert [cell.cell for cell in flow.cells] == ["c1", "c2", "c3", "c4"]
    made, cleaned = (flow.of(notebook.cells[number]) for number in (1, 2))
    assert made is not None
    assert cleaned is not None
    assert made.binds == ("alias", "data")
    assert list(made.sharing()) == [(("alias", "data"), ())]
    assert (cleaned.binds, cleaned.changes) == (("limit", "rows"), ("alias", "data"))
    write_notebook(path, replaced("step:clean", "rows = lib.clean(data)", CELLS))
    changed = latest_flow(project, read(path, name="book.ipynb"))
    write_notebook(path, CELLS)
    assert changed is not None
    assert [cell.cell for cell in changed.cells] == ["c1", "c2", "c4"]


def test_a_notebook_that_never_ran_has_no_flow(captured: tuple[Project, Path]) -> None:
    project, path = captured
    other = write_notebook(path.with_name("other.ipynb"), CELLS)
    assert latest_flow(project, read(other)) is None


def test_the_pipeline_shows_what_the_run_showed(
    captured: tuple[Project, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, path = captured
    monkeypatch.delenv("JUPYTER_MLOPS_PROJECT", raising=False)
    monkeypatch.chdir(project.root)
    result = CliRunner().invoke(main, ["pipeline", str(path), "--json"])
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)["data"]
    (notice,) = [n for n in content["notices"] if "as a run of it showed" in n["message"]]
    assert "cell 3 changes `alias` and `data` in place" in notice["message"]
    assert (notice["place"]["cell"], notice["place"]["line"]) == (3, 2)
    source = read(path, name="book.ipynb")
    joined = compile_notebook(source, latest_flow(project, source))
    assert joined.step("sum").inputs == {"data": "clean"}
    assert compile_notebook(source).step("sum").inputs == {"data": "load"}


def test_the_flow_is_an_artifact_of_the_run(captured: tuple[Project, Path], tmp_path: Path) -> None:
    project, _ = captured
    store = Store(project)
    store.sync()
    file = store.client.download_artifacts(store.run_id("latest"), "flow.json", str(tmp_path))
    flow = ObservedFlow.from_dict(json.loads(Path(file).read_text()))
    assert [cell.cell for cell in flow.cells] == ["c0", "c2", "c1", "c2", "c3", "c4"]


def test_a_changed_argument_is_promoted_as_the_notebook_has_it(tmp_path: Path) -> None:
    project, notebook = _project(tmp_path, CELLS)
    events: list[Event] = []
    release = drain(promote(notebook, project=project, images="none"), events.append)
    assert release.manifest["metrics"] == {"total": 12.0}
    told = [event.message for event in events if event.status == "notice"]
    assert any("cell 3 changes `alias` and `data` in place" in words for words in told)
    assert any(words.startswith("the run showed other steps than the code") for words in told)
    steps = _steps(project, release.ref)
    assert steps["sum"]["inputs"] == {"data": "clean"}


def test_a_change_out_of_a_step_s_reach_is_refused_with_the_place(tmp_path: Path) -> None:
    project, notebook = _project(tmp_path, HIDDEN)
    with pytest.raises(MlopsError, match="without using it") as caught:
        drain(promote(notebook, project=project, images="none"))
    assert caught.value.code == "pipeline.entangled"
    assert caught.value.place is not None
    assert (caught.value.place.cell, caught.value.place.line) == (3, 2)
    assert Releases(project).list() == []


def _steps(project: Project, ref: str) -> dict[str, Any]:
    import yaml

    name = ref.partition("/")[0]
    content = yaml.safe_load((project.root / "pipelines" / name / "pipeline.yaml").read_text())
    return {step["name"]: step for step in content["steps"]}
