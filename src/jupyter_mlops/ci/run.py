"""Run the steps of continuous integration here, one after another, as the server would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..progress import Progress, Stage
from ..project import Project
from .plan import RESULTS, Step, plan

_STDERR = 2
_SHELL = "set -euo pipefail\n"


@dataclass(frozen=True, slots=True)
class StepRun:
    """How one step ended."""

    name: str
    outcome: Literal["ok", "failed", "skipped"]
    seconds: float = 0.0
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def run(
    project: Project, notebooks: Iterable[str] = (), *, promote: bool = False
) -> Progress[list[StepRun]]:
    """Run the steps of `plan` in the project's root; what they print goes to standard error.

    Parameters
    ----------
    promote
        Run what the server does on the main branch too.

    Raises
    ------
    MlopsError
        ``ci.no-shell`` where there is no bash, which workflows are written for.
    """
    shell = shutil.which("bash")
    if shell is None:
        raise MlopsError("ci.no-shell", "There is no `bash` here, which the steps are written for.")
    steps = plan(project, tuple(project.relative(name) for name in notebooks) or None)
    with explain_os_errors(project.root):
        shutil.rmtree(project.root / RESULTS, ignore_errors=True)
    found: list[StepRun] = []
    failed = ""
    for step in steps:
        reason = _reason(step, failed, promote)
        if reason:
            found.append(StepRun(step.name, "skipped", reason=reason))
            continue
        stage = Stage(step.name.lower())
        yield stage.started(" && ".join(step.commands))
        start = time.perf_counter()
        code = _execute(shell, step, project.root)
        seconds = round(time.perf_counter() - start, 3)
        if code:
            failed = failed or step.name
            found.append(StepRun(step.name, "failed", seconds, f"exit code {code}"))
            yield stage.done(f"failed with exit code {code}")
        else:
            found.append(StepRun(step.name, "ok", seconds))
            yield stage.done("ok")
    return found


def _reason(step: Step, failed: str, promote: bool) -> str:
    if step.on_main and not promote:
        return "runs on the main branch; `--promote` runs it here"
    if failed and not step.always:
        return f"{failed} failed"
    return ""


def _execute(shell: str, step: Step, root: Path) -> int:
    environment = {key: value for key, value in os.environ.items() if key != "JUPYTER_MLOPS_RUN"}
    # `jupyter` and `papermill` of this Python, also where its environment is not activated.
    folder = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join([folder, environment.get("PATH", "")])
    script = _SHELL + "\n".join(step.commands)
    try:
        process = subprocess.Popen([shell, "-c", script], cwd=root, env=environment, stdout=_STDERR)
    except OSError as error:
        raise MlopsError(
            "ci.no-shell", f"{shell} does not start: {error.strerror}.", place=Place(str(root))
        ) from None
    with process:
        try:
            return process.wait()
        except BaseException:
            # An interrupt at the keyboard reaches the step too; another way to end does not.
            process.terminate()
            raise
