"""Clean-up of real projects: what is needed stays, what else is old goes, also after kill -9."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_mlops.deploy.cleanup import Cleanup, clean_up
from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.pipeline.cache import StepCache
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun import rerun
from jupyter_mlops.tracking.store import Store
from tests.support import write_notebook

CELLS = [
    ("parameters", "alpha = 1.0"),
    ("", "from sklearn.linear_model import Ridge\nmodel = Ridge(alpha).fit([[0], [1]], [0, 1])"),
    ("metrics", "r2 = model.score([[0], [1]], [0, 1])"),
]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with three runs of a notebook that fits a model."""
    root = tmp_path_factory.mktemp("project")
    (root / "mlops.toml").write_text("")
    path = write_notebook(root / "fit.ipynb", CELLS)
    for alpha in ("1.0", "2.0", "3.0"):
        drain(rerun(path, {"alpha": alpha}))
    return root


def clean(project: Project, *, runs: bool = False) -> Cleanup:
    return drain(clean_up(project, older_than=0, runs=runs, remove=True))


def test_what_releases_name_and_what_is_tagged_stays(done: Path) -> None:
    project = Project(done)
    store = Store(project)
    released, tagged, other = store.runs()
    releases = Releases(project)
    with releases.staging("fit") as staged:
        releases.publish("fit", 1, staged, {"run": released.run})
    store.client.set_tag(tagged.mlflow_id, "keep", "for the paper")
    shown = drain(clean_up(project, older_than=0, runs=True))
    assert not shown.removed
    assert len(store.runs()) == 3

    copied = Project(shutil.copytree(done, done.parent / f"{done.name}-copy"))
    clean(copied, runs=True)
    assert {each.run for each in Store(copied).runs()} == {released.run, tagged.run}
    models = project.artifact_root / "models"
    assert len(list(models.iterdir())) == 3, "files of the project that was copied have gone"

    gone = clean(project, runs=True)
    assert [each.name for each in gone.found if each.kind == "run"] == [other.run]
    assert {each.run for each in Store(project).runs()} == {released.run, tagged.run}
    assert len(list(models.iterdir())) == 2
    assert not (project.artifact_root / other.mlflow_id).exists()
    assert store.run(released.run).artifacts
    assert (project.state / "executed" / f"{released.run}.ipynb").exists()
    assert not (project.state / "executed" / f"{other.run}.ipynb").exists()
    assert not any(each.kind == "run" for each in clean(project, runs=True).found)


def test_a_run_that_is_not_in_the_store_yet_stays(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for number in range(9):
        folder = project.folder("journal", f"fit-20260101-00000{number}-abcd")
        (folder / "journal").write_bytes(b"")
        os.utime(folder / "journal", (0, number))
        (project.folder("executed") / f"{folder.name}.ipynb").write_text("{}")
    assert clean(project).found == ()


def test_old_leftovers_go_and_new_ones_stay(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for name, age in (("prove-new", 3600), ("prove-old", 2 * 86_400)):
        file = project.folder("work", name) / "file"
        file.write_bytes(b"x" * 1000)
        for path in (file, file.parent):
            os.utime(path, (time.time() - age,) * 2)
    (found,) = clean(project).found
    assert (found.name, found.kind, found.size) == ("prove-old", "leftover", 1000)
    assert [path.name for path in (project.state / "work").iterdir()] == ["prove-new"]


def test_killed_at_any_moment(tmp_path: Path) -> None:
    project = Project(tmp_path)
    cache = StepCache(project.folder("cache"), 10**12)
    step = tmp_path / "step"
    (step / "out").mkdir(parents=True)
    for number in range(300):
        (step / "out" / f"{number % 40}.bin").write_bytes(b"x" * 100)
    keys = [f"{number:064x}" for number in range(60)]
    for key in keys:
        cache.keep(key, step, {})
    script = "from jupyter_mlops.faces.cli import main; main(['gc', '--older-than', '0', '--yes'])"
    chance, ended = random.Random(0), -9
    for number in range(60):
        process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path)
        try:
            # Longer from time to time, as a busy machine needs longer before it removes anything.
            ended = process.wait(chance.uniform(0.4, 1.2) * (1 + number / 10))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        whole = {path.name for path in cache.folder.iterdir()}
        for key in whole:
            files = json.loads((cache.folder / key / "entry.json").read_text())["files"]
            assert all((cache.folder / key / "step" / name).exists() for name in files)
        if ended == 0:
            break
    assert ended == 0
    clean(project)
    assert list(cache.folder.iterdir()) == []
