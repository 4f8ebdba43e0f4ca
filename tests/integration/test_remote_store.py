"""An MLflow server on PostgreSQL keeps the store: present, away, and back again."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.capture.waiting import Waiting, waiting
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.feeder import pending
from jupyter_mlops.tracking.store import Store
from tests.kernels import Kernel, start_kernel
from tests.servers import MlflowServer, mlflow_server, postgres
from tests.support import SMALL, stop_writer, until, write_notebook

pytestmark = [pytest.mark.postgres, pytest.mark.writer]
POINTS = 3000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    with (
        postgres() as database,
        mlflow_server(database, tmp_path_factory.mktemp("server") / "mlflow") as running,
    ):
        yield running


@pytest.fixture
def project(server: MlflowServer, project_root: Path) -> Iterator[Project]:
    (project_root / "mlops.toml").write_text(f'[tracking]\nuri = "{server.uri}"\n')
    project = Project(project_root)
    yield project
    stop_writer(project)


def _run(kernel: Kernel, cells: list[tuple[str, str]] = SMALL) -> None:
    for number, (_, source) in enumerate([("", "%load_ext jupyter_mlops"), *cells]):
        reply, text = kernel.run(source, f"c{number}")
        assert reply["status"] == "ok", text


def _environment(notebook: Path) -> dict[str, str]:
    return {"JPY_SESSION_NAME": str(notebook)}


def _count(server: MlflowServer, run: str, key: str) -> int:
    import sqlalchemy

    engine = sqlalchemy.create_engine(server.store)
    with engine.connect() as database:
        found = database.execute(
            sqlalchemy.text(
                "SELECT COUNT(*) FROM metrics JOIN tags USING (run_uuid)"
                " WHERE tags.key = 'mlops.run' AND tags.value = :run AND metrics.key = :key"
            ),
            {"run": run, "key": key},
        ).scalar_one()
    engine.dispose()
    return int(found)


def test_a_notebook_is_captured_into_the_server(project: Project, server: MlflowServer) -> None:
    notebook = write_notebook(project.root / "small.ipynb")
    with start_kernel(project.root, _environment(notebook)) as kernel:
        _run(kernel)
    until(lambda: not pending(project), 120)
    store = Store(project)
    run = store.run()
    assert (run.status, run.notebook) == ("FINISHED", "small.ipynb")
    assert run.parameters == {"rows": "400", "alpha": "1.0", "shift": "0.0"}
    assert _count(server, run.run, "mae") == 1
    assert len(run.frames) == 5
    assert {"cells.json", "requirements.txt"} <= set(run.artifacts)
    # The artifacts went through the server: there are none beside the journal.
    assert not project.artifact_root.exists()
    assert list((server.folder / "artifacts").rglob("cells.json"))


def test_promotion_through_the_server(project: Project, server: MlflowServer) -> None:
    import mlflow
    import pandas as pd

    from jupyter_mlops.deploy.promote import promote
    from jupyter_mlops.progress import drain

    notebook = write_notebook(project.root / "remote.ipynb")
    release = drain(promote(notebook, {"alpha": "0.5"}, project=project, images="none"))
    store = Store(project)
    run = store.run(release.manifest["run"])
    assert run.metrics["mae"] == pytest.approx(release.manifest["metrics"]["mae"])
    assert any(name.endswith(".ipynb") for name in run.artifacts)
    mlflow.set_tracking_uri(server.uri)
    mlflow.set_registry_uri(server.uri)
    store.set_alias("remote", "champion", str(release.manifest["model_version"]))
    model = mlflow.pyfunc.load_model("models:/remote@champion")
    assert len(model.predict(pd.DataFrame({"x": [0.5, -1.0], "kind": [0, 2]}))) == 2


def test_the_server_is_away_and_comes_back(project: Project, server: MlflowServer) -> None:
    from jupyter_mlops.deploy.promote import promote
    from jupyter_mlops.progress import drain
    from jupyter_mlops.rerun.rerun import rerun

    notebook = write_notebook(project.root / "away.ipynb")
    other = write_notebook(project.root / "other.ipynb")
    loop = (
        f"import jupyter_mlops\nfor step in range({POINTS}):\n"
        "    jupyter_mlops.log(loss=1 / (step + 1))"
    )
    with start_kernel(project.root, _environment(notebook)) as kernel:
        _run(kernel)
        store = Store(project)
        until(lambda: any(run.metrics for run in store.runs("away.ipynb")), 60)
        server.stop()
        began = time.monotonic()
        kernel.run(loop, "c20")
        kernel.run("1 / 0", "c21")
        assert time.monotonic() - began < 5
        until(lambda: "does not answer" in kernel.run("%mlops", "c22")[1], 30)
        found = re.search(r"waiting +([\d,]+) records of this run", kernel.run("%mlops", "c23")[1])
        assert found is not None
        assert POINTS < int(found[1].replace(",", "")) < POINTS + 400
        # A notebook that begins and ends while the server is away.
        with start_kernel(project.root, _environment(other)) as second:
            _run(second)
        began = time.monotonic()
        with pytest.raises(MlopsError, match="does not answer"):
            Store(project).runs()
        with pytest.raises(MlopsError, match="does not answer"):
            drain(promote(other, project=project, images="none"))
        assert time.monotonic() - began < 5
        result = drain(rerun(notebook, {"rows": "100"}, project=project))
    assert result.metrics["mae"] > 0
    assert len(pending(project)) == 3
    server.start()
    until(lambda: not pending(project), 120)
    store = Store(project)
    runs = {run.notebook + run.kind: run for run in store.runs()}
    assert set(runs) >= {"away.ipynbinteractive", "other.ipynbinteractive", "away.ipynbrerun"}
    mine = runs["away.ipynbinteractive"]
    assert mine.status == "FINISHED"
    assert _count(server, mine.run, "loss") == POINTS
    assert _count(server, mine.run, "mae") == 1
    for run in store.runs():
        assert _count(server, run.run, "mae") == 1
    assert any(name.endswith(".ipynb") for name in store.run(result.run).artifacts)
    assert waiting(project, mine.run, 0) == Waiting(records=0, runs=0, trouble=None)


def test_two_notebooks_of_two_projects_at_once(project: Project, server: MlflowServer) -> None:
    other = project.root / "elsewhere"
    other.mkdir()
    (other / "mlops.toml").write_text((project.root / "mlops.toml").read_text())
    programs = [
        (project.root, "one.ipynb"),
        (project.root, "two.ipynb"),
        (other, "one.ipynb"),
    ]
    loop = (
        f"import jupyter_mlops\nfor _ in range({POINTS}):\n    jupyter_mlops.log(same=0.5, step=1)"
    )
    kernels = []
    for root, name in programs:
        notebook = write_notebook(root / name)
        context = start_kernel(root, _environment(notebook))
        kernels.append((context, context.__enter__()))
    for _, kernel in kernels:
        kernel.start("%load_ext jupyter_mlops", "c0")
        kernel.start(loop, "c1")
    for context, kernel in kernels:
        assert kernel.run("1", "c2")[1] == "1"
        context.__exit__(None, None, None)
    projects = [project, Project(other)]
    until(lambda: not any(pending(each) for each in projects), 120)
    names = [folder.name for each in projects for folder in each.journals.iterdir()]
    assert len(set(names)) == 3
    assert [_count(server, name, "same") for name in names] == [POINTS] * 3
    stop_writer(projects[1])
