"""What CI servers do with a workflow file: its lines, in order, in a fresh clone of the project.

Only what installs this package itself is left out: it is installed already.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_INSTALL_US = "python -m pip install jupyter-mlops"
_REF = re.compile(r"github\.ref == 'refs/heads/([^']+)'")
_RULE = re.compile(r'\$(\w+) == (?:"([^"]*)"|\$(\w+))')


@dataclass
class Job:
    """How a job ended: its folder, the outcome of each of its parts, and what they printed."""

    folder: Path
    outcomes: dict[str, str] = field(default_factory=dict)
    printed: str = ""
    artifacts: list[str] = field(default_factory=list)

    def run(self, name: str, lines: Sequence[str]) -> None:
        """Run lines in one shell, as a server's runner does."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        # What else is to be installed is there too; nothing may be fetched.
        environment = {**os.environ, "PATH": path, "CI": "true", "PIP_NO_INDEX": "1"}
        script = "\n".join(line for line in lines if line.strip() != _INSTALL_US)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.outcomes[name] = "ok" if done.returncode == 0 else "failed"
        self.printed += done.stdout

    @property
    def failed(self) -> bool:
        return "failed" in self.outcomes.values()

    def keep_artifacts(self, path: str) -> None:
        self.artifacts = sorted(each.name for each in (self.folder / path).iterdir())


def commit(project: Path) -> None:
    """Make a repository of a project, with all of it committed on the branch ``main``."""
    git = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], cwd=project, check=True)


def github(project: Path, folder: Path, *, branch: str = "main") -> Job:
    """Run the workflow for GitHub, for a push to a branch."""
    job = Job(_clone(project, folder))
    workflow = yaml.safe_load((job.folder / ".github/workflows/mlops.yml").read_text("utf-8"))
    for step in workflow["jobs"]["mlops"]["steps"]:
        if not _holds(step.get("if"), job, branch):
            job.outcomes[step["name"]] = "skipped"
        elif "run" in step:
            job.run(step["name"], step["run"].splitlines())
        elif step["uses"].startswith("actions/upload-artifact@"):
            job.keep_artifacts(step["with"]["path"])
    return job


def gitlab(project: Path, folder: Path, *, branch: str = "main") -> dict[str, Job]:
    """Run the workflow for GitLab, for a push to a branch: each job in a clone of its own."""
    pipeline = yaml.safe_load((project / ".gitlab-ci.yml").read_text("utf-8"))
    default = pipeline["default"]
    found: dict[str, Job] = {}
    for stage in pipeline["stages"]:
        for name, wanted in pipeline.items():
            if name in ("stages", "default") or wanted["stage"] != stage:
                continue
            if not _is_ruled_in(wanted["rules"], branch):
                continue
            job = found[name] = Job(_clone(project, folder / name))
            _restore(default["cache"]["paths"], folder / "cache", job.folder)
            job.run("script", [*default["before_script"], *wanted["script"]])
            if after := wanted.get("after_script"):
                job.run("after_script", after)
            _restore(default["cache"]["paths"], job.folder, folder / "cache")
            for path in wanted.get("artifacts", {}).get("paths", ()):
                job.keep_artifacts(path)
        if any(job.failed for job in found.values()):
            break
    return found


def _clone(project: Path, folder: Path) -> Path:
    subprocess.run(["git", "clone", "-q", str(project), str(folder)], check=True)
    return folder


def _holds(condition: str | None, job: Job, branch: str) -> bool:
    if condition is None:
        return not job.failed
    if condition == "${{ !cancelled() }}":
        return True
    found = _REF.fullmatch(condition)
    assert found is not None, condition
    return not job.failed and found[1] == branch


def _is_ruled_in(rules: list[dict[str, Any]], branch: str) -> bool:
    variables = {
        "CI_COMMIT_BRANCH": branch,
        "CI_DEFAULT_BRANCH": "main",
        "CI_PIPELINE_SOURCE": "push",
    }
    for rule in rules:
        found = _RULE.fullmatch(rule["if"])
        assert found is not None, rule
        if variables[found[1]] == (found[2] if found[3] is None else variables[found[3]]):
            return True
    return False


def _restore(paths: list[str], source: Path, target: Path) -> None:
    for path in paths:
        if (source / path).exists():
            shutil.rmtree(target / path, ignore_errors=True)
            shutil.copytree(source / path, target / path)
