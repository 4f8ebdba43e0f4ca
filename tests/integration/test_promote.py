"""Promotion of a small real notebook, with processes for steps and server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlops.deploy.promote import promote
from jupyter_mlops.deploy.releases import Release, Releases
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.governance.audit import AuditLog
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.store import Store
from tests.support import replaced, write_notebook


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Release, list[Event], Project]:
    root = tmp_path_factory.mktemp("promoted")
    (root / "mlops.toml").write_text('[[gates]]\nmetric = "mae"\nmax = 10.0\n')
    notebook = write_notebook(root / "small.ipynb")
    events: list[Event] = []
    project = Project(root)
    release = drain(
        promote(notebook, {"alpha": "0.5"}, project=project, images="none"), events.append
    )
    return release, events, project


def test_the_release_holds_what_was_proven(promoted: tuple[Release, list[Event], Project]) -> None:
    release, _, project = promoted
    release.verify()
    assert release.ref == "small/1"
    assert release.manifest["parameters"] == {"rows": 400, "alpha": 0.5, "shift": 0.0}
    assert release.manifest["metrics"]["mae"] > 0
    proof = json.loads((release.folder / "evidence" / "proof.json").read_text())
    assert proof["summary"]["ok"] is True
    assert (release.folder / "notebook.ipynb").read_bytes() == (
        project.root / "small.ipynb"
    ).read_bytes()


def test_the_run_and_the_model_version_stand_in_mlflow(
    promoted: tuple[Release, list[Event], Project],
) -> None:
    release, _, project = promoted
    run = Store(project).run(release.manifest["run"])
    assert run.status == "FINISHED"
    assert run.metrics["mae"] == pytest.approx(release.manifest["metrics"]["mae"])
    assert str(release.manifest["model_version"]) == "1"


def test_the_packed_model_answers_as_the_notebook(
    promoted: tuple[Release, list[Event], Project],
) -> None:
    from jupyter_mlops.serving.predictor import Predictor

    release, _, _ = promoted
    examples = json.loads((release.folder / "serving" / "examples.json").read_text())
    predictor = Predictor.load(release.folder)
    frame = predictor.contract.frame(examples["rows"])
    assert list(predictor.predict(frame)) == pytest.approx(examples["predictions"], rel=1e-12)


def test_the_same_notebook_gives_the_same_folder(
    promoted: tuple[Release, list[Event], Project],
) -> None:
    _, _, project = promoted
    folder = project.root / "pipelines" / "small"
    first = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert {Path("pipeline.yaml"), Path("serve.py"), Path("steps/load.py")} <= set(first)
    (folder / "notes.txt").write_text("mine")
    drain(promote(project.root / "small.ipynb", {"alpha": 0.5}, project=project, images="none"))
    again = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert again.pop(Path("notes.txt")) == b"mine"
    assert again == first
    assert Releases(project).get("small").version == 2


def test_each_promotion_is_in_the_audit_log(
    promoted: tuple[Release, list[Event], Project],
) -> None:
    _, _, project = promoted
    log = AuditLog(project)
    log.verify()
    first = log.entries()[0]
    assert (first.action, first.subject, first.outcome) == ("promote", "small/1", "ok")


# A step knows that it is one, so the pipeline is different each time.
DIFFERENT = "import os\nalpha_of = 2.0 if 'JUPYTER_MLOPS_STEP' in os.environ else 1.0\n"
FIT = "model = Ridge(alpha=alpha_of).fit(X_train, y_train)"


def test_unequal_is_refused_and_nothing_is_published(project_root: Path) -> None:
    cells = replaced("step:train", DIFFERENT + FIT)
    notebook = write_notebook(project_root / "small.ipynb", cells)
    project = Project(project_root)
    with pytest.raises(MlopsError) as caught:
        drain(promote(notebook, project=project, images="none"))
    assert caught.value.code == "promote.different"
    assert "`model` of step train: alpha: 1.0 in the notebook" in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.cell == 5
    assert '--accept "train.model"' in caught.value.hint
    assert Releases(project).list() == []
    assert not (project_root / "pipelines").exists()
    entry = AuditLog(project).entries()[-1]
    assert (entry.outcome, entry.details["code"]) == ("refused", "promote.different")
    (page,) = project.state.glob("pipelines/small/*/proof.html")
    assert "not equal to the notebook" in page.read_text()


def test_what_is_accepted_by_name_is_recorded(project_root: Path) -> None:
    notebook = write_notebook(project_root / "small.ipynb", replaced("step:train", DIFFERENT + FIT))
    project = Project(project_root)
    names = ["model", "mae", "predictions", "cell 8", "train"]
    events: list[Event] = []
    release = drain(promote(notebook, project=project, images="none", accept=names), events.append)
    proof = release.manifest["proof"]
    assert proof["ok"] is True
    assert proof["different"] == len(proof["accepted"]) == 5
    assert {each["name"] for each in proof["accepted"]} == set(names) - {"train"}
    assert {each["kind"] for each in proof["accepted"]} == {
        "output",
        "metric",
        "serving",
        "printed",
    }
    assert all(each["by"] and each["at"] and each["words"] for each in proof["accepted"])
    assert AuditLog(project).entries()[-1].details["accepted"] == proof["accepted"]
    evidence = json.loads((release.folder / "evidence" / "proof.json").read_text())
    assert evidence["summary"] == proof
    assert evidence["target"] == "local"
    page = (release.folder / "evidence" / "proof.html").read_text()
    assert "accepted as <code>mae</code> by" in page
    told = [event.message for event in events]
    assert "accepting `train` was not needed: nothing of that name differs" in told


def test_unknown_names_are_refused_before_anything_runs(project_root: Path) -> None:
    notebook = write_notebook(project_root / "small.ipynb")
    with pytest.raises(MlopsError, match="`modle`") as caught:
        drain(promote(notebook, project=Project(project_root), accept=["modle"]))
    assert caught.value.code == "proof.unknown-name"
    assert not (project_root / ".mlops" / "executed").exists()


def test_a_gate_that_does_not_hold_refuses(project_root: Path) -> None:
    (project_root / "mlops.toml").write_text('[[gates]]\nmetric = "mae"\nmax = 0.001\n')
    notebook = write_notebook(project_root / "small.ipynb")
    project = Project(project_root)
    with pytest.raises(MlopsError, match="mae") as caught:
        drain(promote(notebook, project=project, images="none"))
    assert caught.value.code == "promote.gate"
    assert Releases(project).list() == []
    assert AuditLog(project).entries()[-1].outcome == "refused"
