"""The generated workflow's commands for real, and the same steps by `jupyter mlops ci run`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.faces.cli import main
from jupyter_mlops.project import Project
from tests.support import SMALL, stop_writer, write_notebook

SETTINGS = '[ci]\nimages = "none"\n[ci.metrics]\nmae = "> 0, < 3"\n'


def _bash(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub's runners do."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_the_workflow_s_commands_check_rerun_assert_report_and_promote(project_root: Path) -> None:
    write_notebook(project_root / "notebooks" / "small one.ipynb", SMALL)
    (project_root / "mlops.toml").write_text(SETTINGS)
    made = CliRunner().invoke(main, ["ci", "init", "--github"])
    assert made.exit_code == 0, made.output
    workflow = yaml.safe_load((project_root / ".github/workflows/mlops.yml").read_text())
    steps = [step for step in workflow["jobs"]["mlops"]["steps"] if "run" in step]
    assert [step["name"] for step in steps] == [
        *("Install", "Check", "Rerun", "Metrics", "Report", "Promote")
    ]
    for step in steps[1:]:  # the package is installed already
        done = _bash(step["run"], project_root)
        assert done.returncode == 0, done.stdout + done.stderr
        if step["name"] == "Metrics":
            assert "wanted > 0, < 3" in done.stdout
    page = (project_root / "ci-results" / "notebooks--small one.html").read_text()
    assert "mlops-card" in page
    assert not re.search(r"<script[^>]+src=|<link|@import|url\([\"']?http", page)
    project = Project(project_root)
    (release,) = Releases(project).list("small-one")
    stop_writer(project)

    # A worse model, which the threshold lets pass and the last release does not.
    (project_root / "ci.yaml").write_text("alpha: 100000\n")
    settings = SETTINGS.replace("[ci]\n", '[ci]\nparameters = "ci.yaml"\n')
    (project_root / "mlops.toml").write_text(settings.replace("< 3", "< 30"))
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.faces.cli", "ci", "run", "--promote", "--json"],
        cwd=project_root,
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
    assert len(Releases(project).list("small-one")) == 1
    stop_writer(project)


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
