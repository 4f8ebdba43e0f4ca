"""The local target: one process per step, independent steps side by side."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ..._calm import calm
from ..._hashes import with_hashes
from ...errors import MlopsError, Place
from ...notebook.moments import plain
from ...os_errors import explain_os_errors
from ...progress import Progress
from .. import whereabouts
from ..forks import modules_ahead
from ..lifeline import Lifeline
from ..model import Pipeline, Step
from ..work import LOG, RESULT, step_folder
from . import PipelineRun, StepResult
from .memory import Memory
from .schedule import Job, last_line, place_of, read_result, run_steps
from .warm import WarmParent

_PATIENCE = 5.0
"""Seconds that a step gets to end after it was told to stop."""


class LocalTarget:
    """Runs each step with this Python.

    Parameters
    ----------
    only
        Names of the steps to run; the outputs of the others must be in the work folder.
        Default: all.
    workers
        How many steps may run at a time; default: the number of CPUs.
    memory
        Where results of earlier runs are taken from and kept; default: every step runs.
    timeout
        Seconds that each step may take; default: as long as it wants.
    """

    name = "local"

    def __init__(
        self,
        only: Sequence[str] | None = None,
        workers: int | None = None,
        memory: Memory | None = None,
        timeout: float | None = None,
    ) -> None:
        self._only = None if only is None else frozenset(only)
        self._workers = workers or os.cpu_count() or 1
        self._memory = memory
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
        """Run the steps; see `Target.run`. The first failure stops the steps that still run."""
        start = time.perf_counter()
        work = work.resolve()
        with explain_os_errors(work):
            work.mkdir(parents=True, exist_ok=True)
            given = work / "parameters.json"
            given.write_text(json.dumps(plain(dict(parameters))), encoding="utf-8")
        steps = [s for s in pipeline.steps if self._only is None or s.name in self._only]
        with (
            Lifeline() as lifeline,
            _Launcher(cwd.resolve(), steps, lifeline.inherited) as launch,
        ):
            command = _Command(
                pipeline, folder.resolve(), work, given, cwd.resolve(), lifeline.arguments
            )

            def begin(step: Step) -> Job:
                return _Process(command, step, launch)

            start_step: Callable[[Step], Job] = begin
            if self._memory is not None:
                recall = self._memory.opened(pipeline, work, parameters, cwd.resolve())
                start_step = partial(recall, start=begin)
            workers, timeout = self._workers, self._timeout
            results = yield from run_steps(pipeline, steps, workers, start_step, timeout)
        return PipelineRun(work, results, time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class _Command:
    """What is the same for every step of a run."""

    pipeline: Pipeline
    folder: Path
    work: Path
    parameters: Path
    cwd: Path
    more: Sequence[str] = ()

    def arguments(self, step: str) -> list[str]:
        return [
            *("--pipeline", str(self.folder)),
            *("--step", step),
            *("--work", str(self.work)),
            *("--parameters", str(self.parameters)),
            *("--cwd", str(self.cwd)),
            *self.more,
        ]


class _Running(Protocol):
    """A process as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...

    def wait(self, timeout: float | None = None) -> int: ...


_Launch = Callable[[list[str], Path, Path], _Running]
"""Starts a step: arguments of the runtime, log file, working directory."""


class _Launcher:
    """Starts steps: as forks of a warm process where that saves imports.

    The warm process is started with the first step that really runs.
    """

    def __init__(self, cwd: Path, steps: Sequence[Step], inherited: Sequence[int]) -> None:
        self._cwd = cwd
        self._inherited = inherited
        self._modules = modules_ahead(steps)
        # Elsewhere than on Linux, system libraries forbid to go on after a fork.
        self._is_warm = sys.platform == "linux" and len(steps) > 1 and bool(self._modules)
        self._parent: WarmParent | None = None

    def __enter__(self) -> _Launch:
        return self._start

    def __exit__(self, *_: object) -> None:
        if self._parent is not None:
            self._parent.close()

    def _start(self, arguments: list[str], log: Path, cwd: Path) -> _Running:
        if not self._is_warm:
            return _launch_cold(arguments, log, cwd, self._inherited)
        if self._parent is None:
            self._parent = WarmParent(
                _python("forks"), self._modules, step_environment(), self._cwd, self._inherited
            )
        return self._parent.start(arguments, log, cwd)


def _launch_cold(arguments: list[str], log: Path, cwd: Path, inherited: Sequence[int]) -> _Running:
    with log.open("wb") as stream:
        return subprocess.Popen(
            [*_python("runtime"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=step_environment(),
            start_new_session=True,
            pass_fds=inherited,
        )


def _python(module: str) -> list[str]:
    # -P: modules beside the notebook are found by the cells, but must not hide our own.
    return [sys.executable, "-P", "-m", f"{__package__.rpartition('.')[0]}.{module}"]


class _Process:
    """One step's process."""

    def __init__(self, command: _Command, step: Step, launch: _Launch) -> None:
        self.step = step
        self._pipeline = command.pipeline
        self._folder = step_folder(command.work, step.name)
        self._start = time.perf_counter()
        with explain_os_errors(command.work):
            self._folder.mkdir(parents=True, exist_ok=True)
            for name in (RESULT, LOG):  # the log may be linked to one that the cache keeps
                (self._folder / name).unlink(missing_ok=True)
            self._process = launch(command.arguments(step.name), self._folder / LOG, command.cwd)

    def wait(self) -> StepResult:
        code = self._process.wait()
        seconds = time.perf_counter() - self._start
        return read_result(self._folder, seconds, lambda: self._killed(code))

    def place(self) -> Place:
        """Return which cell and line it runs."""
        signal_ = whereabouts.SIGNAL
        return whereabouts.ask(
            self._folder,
            self._pipeline,
            self.step,
            lambda: os.kill(self._process.pid, signal_) if signal_ is not None else None,
        )

    def stop(self) -> None:
        """End the process and what it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return  # it has ended by itself
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                continue
            return

    def _killed(self, code: int) -> MlopsError:
        name, log = self.step.name, self._folder / LOG
        message = f"The process of step `{name}` ended with code {code}."
        hint = f"look at {log}."
        if code < 0:
            signal_name = signal.Signals(-code).name
            message = f"The process of step `{name}` was killed by {signal_name}."
            if signal_name == "SIGKILL":
                hint = "if it needed too much memory, work on less data or on a larger machine."
        elif last := last_line(log):
            message = f"{message} Its last line: {last}"
        place = place_of(self._pipeline, self.step)
        return MlopsError("step.killed", message, hint=hint, place=place)


def step_environment() -> dict[str, str]:
    """Return the environment of a process that runs a notebook's cells with this Python."""
    source = str(Path(__file__).resolve().parents[3])
    environment = {k: v for k, v in os.environ.items() if k != "JUPYTER_MLOPS_RUN"}
    environment = with_hashes(calm(environment))
    # The step must run this very package, also from a checkout that is not installed.
    known = environment.get("PYTHONPATH", "").split(os.pathsep)
    if source not in known and "site-packages" not in source:
        environment["PYTHONPATH"] = os.pathsep.join([source, *filter(None, known)])
    # A kernel's choice of backend is of no use in a process without a kernel.
    if environment.get("MPLBACKEND", "").startswith("module://ipykernel"):
        del environment["MPLBACKEND"]
    return environment
