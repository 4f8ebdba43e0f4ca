"""Running the rebuilt notebook in the clean place, and reading what it has left there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..governance.signing import VARIABLE
from ..progress import Event, Progress, Stage
from .environment import Environment
from .recorded import Recorded, of_journal
from .replay import KERNEL, Replay

_PATIENCE = 10.0
_NOT_HERE = ("PYTHONSTARTUP", "VIRTUAL_ENV", "JPY_SESSION_NAME", VARIABLE)
TELLING = (
    "PYTHONHASHSEED",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TZ",
    "LANG",
)
"""Environment variables that may change results; the run's own are not recorded."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What the reproduction has left; ``executed`` is its notebook, in the folder ``cwd``."""

    recorded: Recorded
    executed: Path
    cwd: Path
    variables: dict[str, str]


def run_again(
    run: Recorded, replay: Replay, environment: Environment, place: Path
) -> Progress[Ran]:
    """Execute the rebuilt notebook in ``place``, whose ``project`` is the restored project.

    Raises
    ------
    MlopsError
        What the rerun raises where the kernel does not start, has no capture, or dies.
    """
    root = place / "project"
    notebook = _notebook_path(run, root)
    notebook.parent.mkdir(parents=True, exist_ok=True)
    notebook.unlink(missing_ok=True)
    notebook.write_text(replay.text(), encoding="utf-8")
    executed = place / "executed.ipynb"
    _write_kernel(place, environment)
    order = {
        "notebook": str(notebook),
        "name": run.notebook,
        "root": str(root),
        "run": run.run,
        "parameters": replay.parameters,
        "kernel": KERNEL,
        "executed": str(executed),
    }
    variables = _variables(place)
    stage = Stage("run")
    yield stage.started(f"{len(replay.executions)} cells of {run.notebook}")
    yield from _follow(order, variables, stage, replay, run)
    journal = root / ".mlops" / "journal" / run.run
    found = of_journal(journal)
    yield stage.done(f"{len(found.cells)} of {len(replay.executions)} cells were executed again")
    telling = {name: variables[name] for name in TELLING if name in variables}
    telling.setdefault("PYTHONHASHSEED", "0")  # reruns have one order of sets
    return Ran(found, executed, notebook.parent, telling)


def _notebook_path(run: Recorded, root: Path) -> Path:
    given = Path(run.notebook)
    if run.notebook.startswith("<") or not given.name:
        return root / "interactive.ipynb"
    return root / (given.name if given.is_absolute() else given)


def _write_kernel(place: Path, environment: Environment) -> None:
    """Describe a kernel on the environment's Python, found through ``JUPYTER_PATH``."""
    folder = place / "jupyter" / "kernels" / KERNEL
    folder.mkdir(parents=True)
    binaries = environment.python.parent
    # Modules come from the environment and from beside the notebook, and from nowhere else.
    more = {
        "PATH": os.pathsep.join((str(binaries), os.environ.get("PATH", ""))),
        "PYTHONPATH": "",
        "PYTHONNOUSERSITE": "1",
    }
    if environment.fresh:
        more["VIRTUAL_ENV"] = str(binaries.parent)
    python = str(environment.python)
    content = {
        "argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": KERNEL,
        "language": "python",
        "env": more,
    }
    (folder / "kernel.json").write_text(json.dumps(content))


def _variables(place: Path) -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if name not in _NOT_HERE}
    paths = [str(place / "jupyter"), *filter(None, [found.get("JUPYTER_PATH")])]
    return {
        **found,
        "JUPYTER_PATH": os.pathsep.join(paths),
        # A notebook that logs to MLflow itself must not write into the user's store.
        "MLFLOW_TRACKING_URI": f"sqlite:///{place / 'mlflow.db'}",
    }


def _follow(
    order: dict[str, Any],
    variables: dict[str, str],
    stage: Stage,
    replay: Replay,
    run: Recorded,
) -> Progress[None]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlops.reproduction.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=variables,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(order))
            process.stdin.close()
            is_done = False
            for line in process.stdout:
                told = json.loads(line)
                if error := told.get("error"):
                    raise _error(error)
                if position := told.get("cell"):
                    cell = replay.executions[position - 1]
                    number = f"{position} of {len(replay.executions)}"
                    data = {"cell": cell.position}
                    yield Event(stage.name, f"{cell.place} ({number})", "started", data=data)
                is_done = is_done or bool(told.get("done"))
            process.wait()
            if not is_done:
                log.seek(0)
                last = (log.read().strip().splitlines() or ["no word of it"])[-1]
                raise MlopsError(
                    "reproduce.broken-off",
                    f"The notebook could not be run again: {last}",
                    hint="`--keep` keeps the clean place, to look into.",
                    place=Place(run.notebook),
                )
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _error(told: dict[str, Any]) -> MlopsError:
    place = Place(**told["place"]) if told["place"] else None
    return MlopsError(told["code"], told["message"], hint=told["hint"], place=place)
