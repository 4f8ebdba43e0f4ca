"""Running the rebuilt notebook in the clean place, and reading what it has left there."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..governance.signing import VARIABLE
from ..progress import Event, Progress, Stage
from ..project import STATE
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


class Worker:
    """The process that will run the notebook; it loads what it needs while others are at work.

    ``place`` is the clean place, whose ``project`` is the restored project.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._variables = _variables(place)
        self._log = place / "worker.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_mlops.reproduction.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._variables,
            )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def run(self, run: Recorded, replay: Replay, environment: Environment) -> Progress[Ran]:
        """Execute the rebuilt notebook.

        Raises
        ------
        MlopsError
            What the rerun raises where the kernel does not start, has no capture, or dies.
        """
        root = self._place / "project"
        notebook = _notebook_path(run, root)
        notebook.parent.mkdir(parents=True, exist_ok=True)
        notebook.unlink(missing_ok=True)
        notebook.write_text(replay.text(), encoding="utf-8")
        executed = self._place / "executed.ipynb"
        _write_kernel(self._place, environment)
        order = {
            "notebook": str(notebook),
            "name": run.notebook,
            "root": str(root),
            "run": run.run,
            "parameters": replay.parameters,
            "kernel": KERNEL,
            "executed": str(executed),
        }
        stage = Stage("run")
        yield stage.started(f"{len(replay.executions)} cells of {run.notebook}")
        yield from self._follow(order, replay, run)
        found = of_journal(root / STATE / "journal" / run.run)
        yield stage.done(
            f"{len(found.cells)} of {len(replay.executions)} cells were executed again"
        )
        telling = {n: self._variables[n] for n in TELLING if n in self._variables}
        telling.setdefault("PYTHONHASHSEED", "0")  # reruns have one order of sets
        return Ran(found, executed, notebook.parent, telling)

    def _follow(self, order: dict[str, Any], replay: Replay, run: Recorded) -> Progress[None]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # why it has ended is told below
            process.stdin.write(json.dumps(order))
            process.stdin.close()
        for line in process.stdout:
            told = json.loads(line)
            if error := told.get("error"):
                raise _error(error)
            if told.get("done"):
                return
            cell = replay.executions[told["cell"] - 1]
            number = f"{told['cell']} of {len(replay.executions)}"
            data = {"cell": cell.position}
            yield Event("run", f"{cell.place} ({number})", "started", data=data)
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it has said nothing"
        raise MlopsError(
            "reproduce.broken-off",
            f"The notebook could not be run again: {last}",
            hint="`--keep` keeps the clean place, to look into.",
            place=Place(run.notebook),
        )


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


def _error(told: dict[str, Any]) -> MlopsError:
    place = Place(**told["place"]) if told["place"] else None
    return MlopsError(told["code"], told["message"], hint=told["hint"], place=place)
