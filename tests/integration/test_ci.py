"""The generated workflow's commands for real, and the same steps by `jupyter mlops ci run`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.faces.cli import main
from jupyter_mlops.project import Project
from tests import workflows
from tests.support import SMALL, stop_writer, write_notebook

pytestmark = pytest.mark.writer

SETTINGS = '[ci]\nimages = "none"\n[ci.metrics]\nmae = "> 0, < 3"\n'


SAME = ["notebooks--zażółć one.html", "notebooks--zażółć one.ipynb"]


def _project(root: Path, *servers: str) -> None:
    """Two notebooks of one name, a requirement, and the workflow; all of it committed."""
    write_notebook(root / "notebooks" / "zażółć one.ipynb", SMALL)
    write_notebook(
        root / "more" / "zażółć one.ipynb", [("parameters", "alpha = 1.0"), ("", "alpha + 1")]
    )
    (root / "mlops.toml").write_text(SETTINGS)
    (root / "requirements.txt").write_text("numpy\n")
    made = CliRunner().invoke(main, ["ci", "init", *(f"--{server}" for server in servers)])
    assert made.exit_code == 0, made.output
    workflows.commit(root)


def test_github_s_steps_check_rerun_assert_report_and_promote(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _project(project_root, "github")
    clone = tmp_path_factory.mktemp("github") / "clone"
    job = workflows.github(project_root, clone)
    names = ("Install", "Check", "Rerun", "Metrics", "Report", "Promote")
    assert job.outcomes == dict.fromkeys(names, "ok"), job.printed
    assert "wanted > 0, < 3" in job.printed
    assert [name for name in job.artifacts if name.startswith("notebooks")] == SAME
    assert len(job.artifacts) == 4
    page = (clone / "ci-results" / "notebooks--zażółć one.html").read_text()
    assert "mlops-card" in page
    assert not re.search(r"<script[^>]+src=|<link|@import|url\([\"']?http", page)
    project = Project(clone)
    (release,) = Releases(project).list()
    stop_writer(project)

    # A worse model, which the threshold lets pass and the last release does not.
    (clone / "ci.yaml").write_text("alpha: 100000\n")
    settings = SETTINGS.replace("[ci]\n", '[ci]\nparameters = "ci.yaml"\n')
    (clone / "mlops.toml").write_text(settings.replace("< 3", "< 30"))
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.faces.cli", "ci", "run", "--promote", "--json"],
        cwd=clone,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = {step["name"]: step["outcome"] for step in events[-1]["data"]}
    assert outcomes == {
        "Check": "ok",
        "Rerun": "ok",
        "Metrics": "failed",
        "Report": "ok",
        "Promote": "skipped",
    }
    assert f"is worse than {release.ref}'s" in done.stderr
    assert len(Releases(project).list()) == 1
    stop_writer(project)


def test_gitlab_s_jobs_do_the_same_and_pass_on_what_was_run(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _project(project_root, "gitlab")
    folder = tmp_path_factory.mktemp("gitlab")
    jobs = workflows.gitlab(project_root, folder)
    assert list(jobs) == ["mlops", "promote"]
    checked, promoted = jobs.values()
    assert checked.outcomes == {"script": "ok", "after_script": "ok"}, checked.printed
    assert promoted.outcomes == {"script": "ok"}, promoted.printed
    assert [name for name in checked.artifacts if name.startswith("notebooks")] == SAME
    assert len(Releases(Project(promoted.folder)).list()) == 1
    for job in jobs.values():
        stop_writer(Project(job.folder))


@pytest.mark.parametrize("server", ["github", "gitlab"])
def test_what_fails_on_a_branch_is_kept_and_not_promoted(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory, server: str
) -> None:
    cells = [("parameters", "x = 1"), ("step:a", "y = x / 0"), ("step:b", "print(y)")]
    write_notebook(project_root / "nb.ipynb", cells)
    made = CliRunner().invoke(main, ["ci", "init", f"--{server}"])
    assert made.exit_code == 0, made.output
    workflows.commit(project_root)
    folder = tmp_path_factory.mktemp(server)
    if server == "github":
        job = workflows.github(project_root, folder / "clone", branch="main")
        outcomes = {"Rerun": "failed", "Metrics": "skipped", "Report": "ok", "Promote": "skipped"}
        assert job.outcomes == {"Install": "ok", "Check": "ok", **outcomes}, job.printed
    else:
        jobs = workflows.gitlab(project_root, folder, branch="main")
        assert list(jobs) == ["mlops"]
        job = jobs["mlops"]
        assert job.outcomes == {"script": "failed", "after_script": "ok"}, job.printed
    assert job.artifacts == ["nb.html", "nb.ipynb"]
    assert "ZeroDivisionError" in (job.folder / "ci-results" / "nb.html").read_text()
    stop_writer(Project(job.folder))


def test_a_notebook_that_fails_stops_the_steps_but_is_reported(project_root: Path) -> None:
    write_notebook(project_root / "nb.ipynb", [("parameters", "x = 1"), ("", "x / 0")])
    done = CliRunner().invoke(main, ["ci", "run"])
    assert done.exit_code == 1, done.output
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [
        ["Check", "ok"],
        ["Rerun", "failed"],
        ["Metrics", "skipped"],
        ["Report", "ok"],
    ]
    page = (project_root / "ci-results" / "nb.html").read_text()
    assert "ZeroDivisionError" in page
    assert "FAILED" in page
    metrics = CliRunner().invoke(main, ["ci", "metrics", "ci-results/nb.ipynb"])
    assert metrics.exit_code == 1
    assert "ci.not-finished" in metrics.output


@pytest.mark.parametrize("words", [["ci", "init"], ["ci", "metrics"]])
def test_what_is_missing_is_told(project_root: Path, words: list[str]) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
