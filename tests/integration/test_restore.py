"""A run's notebook and variables come back as they were, and what has changed is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.run import run
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.restore import Restored, restore
from jupyter_mlops.tracking.store import Store
from tests.kernels import Kernel, start_kernel
from tests.support import SMALL, write_notebook

CELLS = [
    ("skip", "%load_ext jupyter_mlops"),
    *SMALL,
    ("skip", "here = pd.read_csv('here.csv')\ngone = pd.read_csv('gone.csv')"),
    ("skip", "password = 'hunter2hunter2'"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("restore")
    (root / "mlops.toml").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_MLOPS_PROJECT", "JUPYTER_MLOPS_RUN", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.setenv("JUPYTER_MLOPS_WRITER", "off")
        yield Project(root)


def _start(project: Project, name: str) -> dict[str, str]:
    return {"JPY_SESSION_NAME": str(project.root / name), "JUPYTER_MLOPS_WRITER": "off"}


@pytest.fixture(scope="module")
def executed(project: Project) -> str:
    """The name of a run of a notebook that was changed afterwards, and so was its data."""
    path = write_notebook(project.root / "work" / "nb.ipynb", CELLS)
    for name in ("here", "gone"):
        (path.parent / f"{name}.csv").write_text("a\n1\n")
    with start_kernel(path.parent, _start(project, "work/nb.ipynb")) as kernel:
        for number, (_, source) in enumerate(CELLS, 1):
            assert kernel.run(source, f"c{number}")[0]["status"] == "ok"
    (path.parent / "here.csv").write_text("a\n2\n")
    (path.parent / "gone.csv").unlink()
    drain(run(path, project=project))
    write_notebook(path, [("", "everything = 'else'")])
    (name,) = (folder.name for folder in project.journals.glob("nb-*") if _cells(folder))
    return name


def _cells(folder: Path) -> bool:
    return b"load_ext" in (folder / "journal").read_bytes()


@pytest.fixture(scope="module")
def restored(project: Project, executed: str) -> Restored:
    found = drain(restore(executed, project=project))
    assert isinstance(found, Restored)
    return found


def test_the_notebook_is_a_new_file_beside_the_other(
    project: Project, executed: str, restored: Restored
) -> None:
    path = Path(restored.file)
    assert path == project.root / "work" / f"{executed}.ipynb"
    content = json.loads(path.read_text(encoding="utf-8"))
    cells = [(" ".join(c["metadata"].get("tags", [])), c["source"]) for c in content["cells"]]
    assert cells[:-1] == CELLS[:-1]
    assert "hunter2" not in cells[-1][1]
    assert [c["id"] for c in content["cells"]] == [f"c{n}" for n in range(1, len(CELLS) + 1)]
    now = json.loads((path.parent / "nb.ipynb").read_text(encoding="utf-8"))
    assert len(now["cells"]) == 1


def test_what_is_not_as_it_was_is_told(restored: Restored) -> None:
    words = "\n".join(restored.changes)
    assert "Data has changed since: work/here.csv." in words
    assert "Data is not there any more: work/gone.csv." in words
    assert "Secrets were not kept" in words
    assert "Distributions" not in words


def test_nothing_is_ever_overwritten(project: Project, executed: str, restored: Restored) -> None:
    before = Path(restored.file).read_bytes()
    again = drain(restore(executed, project=project))
    assert again.file == restored.file.replace(".ipynb", "-2.ipynb")
    other = project.root / "mine.ipynb"
    other.write_text("precious")
    with pytest.raises(MlopsError) as caught:
        drain(restore(executed, other, project=project))
    assert caught.value.code == "restore.exists"
    assert other.read_text() == "precious"
    assert Path(restored.file).read_bytes() == before
    left = {path.suffix for path in project.root.rglob("*") if path.parent.name == "work"}
    assert ".tmp" not in left


def test_a_changed_environment_is_told(project: Project, executed: str) -> None:
    store = Store(project)
    run_id = store.run_id(executed)
    path = Path(store.client.download_artifacts(run_id, "environment.json"))
    content = json.loads(path.read_text(encoding="utf-8"))
    content["distributions"]["numpy"] = "1.0"
    content["distributions"]["lost-one"] = "2.0"
    store.client.log_text(run_id, json.dumps(content), "environment.json")
    changes = drain(restore(executed, project.root / "other.ipynb", project=project)).changes
    assert any("changed since: numpy 1.0 → " in line for line in changes)
    assert any("not installed here: lost-one 2.0." in line for line in changes)


def test_a_run_that_is_not_there(project: Project, executed: str) -> None:
    with pytest.raises(MlopsError) as caught:
        drain(restore("nope", project=project))
    assert caught.value.code == "run.unknown"


def test_a_run_without_cells_has_no_notebook(project: Project, executed: str) -> None:
    pipelines = [each.run for each in Store(project).runs() if each.kind == "pipeline"]
    with pytest.raises(MlopsError) as caught:
        drain(restore(pipelines[0], project=project))
    assert caught.value.code == "restore.no-notebook"


def test_variables_of_a_pipelines_own_run(project: Project, executed: str) -> None:
    (name,) = (each.run for each in Store(project).runs() if each.kind == "pipeline")
    with start_kernel(project.root, _start(project, "work/nb.ipynb")) as kernel:
        kernel.run("%load_ext jupyter_mlops")
        reply, shown = kernel.run(f"%mlops restore {name} --variables")
        assert reply["status"] == "ok"
        assert f"of {name} left them" in shown
        assert kernel.run("model.alpha == alpha == 1.0 and X_test.shape")[1] == "(100, 2)"


def test_variables_come_back_where_a_pipeline_has_kept_them(
    project: Project, executed: str
) -> None:
    def said(kernel: Kernel, source: str) -> str:
        reply, text = kernel.run(source)
        assert reply["status"] == "ok", reply
        return text

    with start_kernel(project.root, _start(project, "work/nb.ipynb")) as kernel:
        said(kernel, "%load_ext jupyter_mlops\nmodel = 'mine'")
        shown = said(kernel, f"%mlops restore {executed} --variables")
        assert "model_before_restore" in shown
        assert "Not kept, so run the cells that make them: " in shown
        missing = shown.partition("make them: ")[2].partition(".")[0].split(", ")
        assert {"rng", "here"} <= set(missing)
        assert not {"model", "np", "pd", "alpha", "mae"} & set(missing)
        assert said(kernel, "model_before_restore, alpha, X_train.shape") == (
            "('mine', 1.0, (300, 2))"
        )
        assert said(kernel, "float(np.abs(model.predict(X_test) - y_test).mean()) == mae") == "True"
