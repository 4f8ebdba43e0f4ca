"""The closed loop on a small notebook: serve, drift, retrain against the champion, roll back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from jupyter_mlops.deploy import deployments
from jupyter_mlops.deploy.promote import promote
from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.governance.audit import AuditLog
from jupyter_mlops.monitoring.monitor import monitor
from jupyter_mlops.monitoring.retrain import retrain
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from tests.support import SMALL, write_notebook

# A draw without a seed, which the first release accepts.
CELLS = [
    *SMALL[:-1],
    ("step:mark", "import random\nmark = random.random()"),
    ("step:look", "is_marked = mark < 2"),
    SMALL[-1],
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose release `small/1`, trained around 0, answers on the endpoint `small`."""
    root = tmp_path_factory.mktemp("loop")
    (root / "mlops.toml").write_text("")
    project = Project(root)
    notebook = write_notebook(root / "small.ipynb", CELLS)
    drain(promote(notebook, project=project, images="none", accept=["mark"]))
    drain(deployments.deploy("small", project=project, container=False))
    yield project
    drain(deployments.stop("small", project=project))


def _rows(shift: float, count: int) -> list[dict[str, float | int]]:
    rng = np.random.default_rng(1)
    return [
        {"x": float(x), "kind": int(kind)}
        for x, kind in zip(rng.normal(shift, 1, count), rng.integers(0, 3, count), strict=True)
    ]


def test_what_moved_is_found_and_what_did_not_is_not(project: Project) -> None:
    answer = deployments.ask("small", _rows(3.0, 400), project=project)
    assert len(answer["predictions"]) == 400
    assert answer["release"] == "small/1"
    report = drain(monitor("small", project=project))
    assert report.rows == 400
    drifted = {feature.name: feature.drifted for feature in report.features}
    assert drifted["x"] is True
    assert drifted["kind"] is False
    line = next(line for line in report.to_text().splitlines() if line.startswith("! x "))
    assert "rose" in line


def test_a_worse_challenger_is_refused_and_the_champion_stays(project: Project) -> None:
    before = deployments.find("small", project)
    with pytest.raises(MlopsError, match="mae") as caught:
        drain(retrain("small", {"alpha": 1e9}, project=project, images="none"))
    assert caught.value.code == "promote.gate"
    assert deployments.find("small", project).release == before.release == "small/1"
    assert [release.ref for release in Releases(project).list()] == ["small/1"]
    last = AuditLog(project).entries()[-1]
    assert (last.action, last.outcome) == ("promote", "refused")


def test_a_better_challenger_is_deployed_and_rolled_back(project: Project) -> None:
    url = deployments.find("small", project).url
    release = drain(retrain("small", {"shift": 3.0}, project=project, images="none"))
    assert release.ref == "small/2"
    verdict = release.manifest["verdicts"][-1]
    assert verdict["details"]["champion"] == "small/1"
    champion, challenger = (
        verdict["details"][key]["mae"] for key in ("champion_metrics", "challenger_metrics")
    )
    assert challenger < champion
    assert challenger == pytest.approx(release.manifest["metrics"]["mae"])
    (accepted,) = release.manifest["proof"]["accepted"]
    assert (accepted["name"], accepted["release"]) == ("mark", "small/1")
    logged = {entry.action: entry for entry in AuditLog(project).entries()}
    assert logged["retrain"].details["carried_over"] == ["mark"]
    assert logged["promote"].details["accepted"] == [accepted]
    now = deployments.find("small", project)
    assert (now.release, now.url) == ("small/2", url)
    assert deployments.ask("small", _rows(3.0, 3), project=project)["release"] == "small/2"

    back = drain(deployments.rollback("small", project=project))
    assert (back.release, back.url) == ("small/1", url)
    assert deployments.ask("small", _rows(0.0, 3), project=project)["release"] == "small/1"
    log = AuditLog(project)
    log.verify()
    assert [entry.action for entry in log.entries()[-4:]] == [
        "promote",
        "retrain",
        "deploy",
        "rollback",
    ]


def test_a_champion_that_cannot_sit_the_exam_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text("")
    project = Project(tmp_path)
    cells = [
        ("imports", "import pandas as pd\nfrom sklearn.dummy import DummyRegressor"),
        ("parameters", "n: int = 50"),
        (
            "step:all",
            "X = pd.DataFrame({'x': range(n)})\nmodel = DummyRegressor().fit(X, X['x'])\n",
        ),
        ("step:all metrics", "mae = float(abs(model.predict(X) - X['x']).mean())"),
        ("serve", "model.predict(X.head(2))"),
    ]
    drain(promote(write_notebook(tmp_path / "one.ipynb", cells), project=project, images="none"))
    drain(deployments.deploy("one", project=project, container=False))
    try:
        with pytest.raises(MlopsError, match="evaluation in a step of its own") as caught:
            drain(retrain("one", {"n": 60}, project=project, images="none"))
        assert caught.value.code == "retrain.no-exam"
    finally:
        drain(deployments.stop("one", project=project))
