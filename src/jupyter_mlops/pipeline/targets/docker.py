"""The Docker target: one container of the training image per step."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._calm import CALM
from ...errors import MlopsError, Place
from ...images import containers
from ...images.dockerfile import PIPELINE
from ...notebook.moments import plain
from ...os_errors import explain_os_errors
from ...progress import Progress
from .. import whereabouts
from ..model import Pipeline, Step
from ..work import LOG, RESULT, step_folder
from . import PipelineRun, StepResult
from .schedule import last_line, place_of, read_result, run_steps

if TYPE_CHECKING:
    from ...images.engine import Engine

WORK = "/work"
NOTEBOOK = "/notebook"


class DockerTarget:
    """Runs each step in a container without privileges, from the pipeline in the image.

    The work folder is mounted at ``/work``; the notebook's folder at ``/notebook``, where cells
    can read but not write.

    Parameters
    ----------
    image
        The training image.
    workers
        How many steps may run at a time; default: the number of CPUs.
    network
        Docker network of the steps; default: the engine's bridge.
    timeout
        Seconds that each step may take; default: as long as it wants.
    """

    name = "docker"

    def __init__(
        self,
        engine: Engine,
        image: str,
        *,
        workers: int | None = None,
        network: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self.engine = engine
        self.image = image
        self._workers = workers or os.cpu_count() or 1
        self._network = network
        self._timeout = timeout

    def run(
        self,
        pipeline: Pipeline,
        folder: Path,
        work: Path,
        parameters: Mapping[str, Any],
        *,
        cwd: Path,
    ) -> Progress[PipelineRun]:
        """Run the steps; see `Target.run`. The first failure stops the steps that still run.

        ``folder`` is what the image was built from; the image's copy is run. Raises `MlopsError`
        ``docker.image-missing`` or ``docker.run-failed`` beside what the steps raise.
        """
        start = time.perf_counter()
        self.engine.image(self.image)
        work, cwd = work.resolve(), cwd.resolve()
        with explain_os_errors(work):
            for step in pipeline.steps:
                place = step_folder(work, step.name)
                place.mkdir(parents=True, exist_ok=True)
                (place / RESULT).unlink(missing_ok=True)
            given = work / "parameters.json"
            given.write_text(json.dumps(plain(dict(parameters))), encoding="utf-8")
            user = containers.user_of(work, reads=cwd)

        def launch(step: Step) -> _Container:
            return _Container(self, pipeline, step, work, cwd, user)

        steps, workers = pipeline.steps, self._workers
        results = yield from run_steps(pipeline, steps, workers, launch, self._timeout)
        return PipelineRun(work, results, time.perf_counter() - start)

    def start(self, step: Step, work: Path, cwd: Path, user: str) -> containers.Running:
        """Start the container of one step."""
        command = ["python", "-P", "-m", "jupyter_mlops.pipeline.runtime"]
        command += ["--pipeline", PIPELINE, "--step", step.name, "--work", WORK]
        command += ["--parameters", f"{WORK}/parameters.json", "--cwd", NOTEBOOK]
        return containers.start(
            self.engine.client,
            self.image,
            command,
            mounts=[
                containers.Mount(work, WORK, read_only=False),
                containers.Mount(cwd, NOTEBOOK),
            ],
            # Steps share what matplotlib finds out about fonts: each container is fresh.
            environment={"MPLCONFIGDIR": f"{WORK}/.matplotlib", **CALM},
            user=user,
            network=self._network,
            project=str(cwd),
        )


class _Container:
    """One step's container."""

    def __init__(
        self,
        target: DockerTarget,
        pipeline: Pipeline,
        step: Step,
        work: Path,
        cwd: Path,
        user: str,
    ) -> None:
        self._pipeline = pipeline
        self._step = step
        self._work = work
        self._folder = step_folder(work, step.name)
        self._start = time.perf_counter()
        self._running = target.start(step, work, cwd, user)

    def wait(self) -> StepResult:
        with (self._folder / LOG).open("w", encoding="utf-8") as log:
            finished = self._running.wait(lambda line: log.write(f"{line}\n"))
        seconds = time.perf_counter() - self._start
        result = read_result(self._folder, seconds, lambda: self._killed(finished))
        if result.error is None:
            return result
        # The container knows the work folder by another path than the user.
        hint = str(result.error["hint"]).replace(f"{WORK}/", f"{self._work}/")
        return dataclasses.replace(result, error={**result.error, "hint": hint})

    def place(self) -> Place:
        return whereabouts.ask(
            self._folder, self._pipeline, self._step, lambda: self._running.signal("SIGUSR1")
        )

    def stop(self) -> None:
        self._running.stop()

    def _killed(self, finished: containers.Finished) -> MlopsError:
        name, log = self._step.name, self._folder / LOG
        message = f"The container of step `{name}` ended with code {finished.exit_code}."
        hint = f"look at {log}."
        if finished.out_of_memory or finished.exit_code == 137:
            message = f"The container of step `{name}` was killed by SIGKILL."
            hint = "if it needed too much memory, work on less data or on a larger machine."
        elif last := last_line(log):
            message = f"{message} Its last line: {last}"
        place = place_of(self._pipeline, self._step)
        return MlopsError("step.killed", message, hint=hint, place=place)
