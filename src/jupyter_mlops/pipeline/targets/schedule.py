"""What targets that run steps here share: the order, what runs side by side, what went wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Protocol

from ...errors import MlopsError, Place
from ...progress import Event, Progress
from ..model import Pipeline, Step
from ..work import RESULT
from . import StepResult


class Job(Protocol):
    """A step that was started."""

    def wait(self) -> StepResult:
        """Return the step's result when it has ended; called once, in a thread."""
        ...

    def place(self) -> Place:
        """Return which cell and line it runs just now, as far as that can be told."""
        ...

    def stop(self) -> None:
        """End the step early; `wait` then returns."""
        ...


def run_steps(
    pipeline: Pipeline,
    steps: Sequence[Step],
    workers: int,
    start: Callable[[Step], Job],
    timeout: float | None = None,
) -> Progress[dict[str, StepResult]]:
    """Start each step when those before it have ended, at most ``workers`` at a time.

    Returns the results in the order of ``steps``. Raises `MlopsError` (``step.failed`` with the
    notebook's cell and line, or ``step.killed``) for the first step that fails, after the steps
    that still ran were stopped. So it does with ``step.timeout`` for the first step that takes
    longer than ``timeout`` seconds.
    """
    waiting = {step.name: step for step in steps}
    results: dict[str, StepResult] = {}
    running: dict[Future[StepResult], tuple[Step, Job, float]] = {}
    with ThreadPoolExecutor(workers) as pool:
        try:
            while waiting or running:
                busy = [step.name for step, _, _ in running.values()]
                for step in _ready(waiting, busy)[: workers - len(running)]:
                    del waiting[step.name]
                    yield Event("step", f"running {step.name}", "started", data=_data(step))
                    job = start(step)
                    running[pool.submit(job.wait)] = (step, job, time.monotonic())
                done = _await(running, timeout)
                for future in done:
                    step, _, _ = running.pop(future)
                    result = results[step.name] = future.result()
                    if result.error is not None:
                        raise failure(pipeline, result)
                    data = _data(step, result)
                    words = "is taken from the cache" if result.cached else "is done"
                    yield Event("step", f"{step.name} {words}", "done", result.seconds, data)
        finally:
            stop_all([job for _, job, _ in running.values()])
    return {step.name: results[step.name] for step in steps}


def stop_all(jobs: Sequence[Job]) -> None:
    """End jobs side by side; a second interrupt does not keep any from being ended."""
    enders = [threading.Thread(target=job.stop) for job in jobs]
    for ender in enders:
        ender.start()
    interrupt: KeyboardInterrupt | None = None
    for ender in enders:
        while ender.is_alive():
            try:
                ender.join()
            except KeyboardInterrupt as error:
                interrupt = error
    if interrupt is not None:
        raise interrupt


def _await(
    running: Mapping[Future[StepResult], tuple[Step, Job, float]], timeout: float | None
) -> set[Future[StepResult]]:
    """Wait until a step has ended; raises ``step.timeout`` where one takes too long."""
    if timeout is None:
        return wait(running, return_when=FIRST_COMPLETED).done
    first, job, start = min(running.values(), key=lambda each: each[2])
    done = wait(running, max(0.0, start + timeout - time.monotonic()), FIRST_COMPLETED).done
    if done:
        return done
    place = job.place()
    code = next((c.source.split("\n") for c in first.cells if c.id == place.cell_id), [])
    doing = f" It was at `{code[place.line - 1].strip()}`." if place.line and code else ""
    raise MlopsError(
        "step.timeout",
        f"The step `{first.name}` took longer than {timeout:g} s.{doing}",
        hint="give it more time (`--timeout`, or `[run] timeout` in mlops.toml), or less to do.",
        place=place,
    )


def read_result(folder: Path, seconds: float, killed: Callable[[], MlopsError]) -> StepResult:
    """Return what a step left in its folder; ``killed`` tells why it left no ``result.json``.

    ``seconds`` is the time that the user waited, with the start of the process.
    """
    try:
        content = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        content = {
            "step": folder.name,
            "status": "failed",
            "outputs": {},
            "metrics": {},
            "error": {**killed().to_dict(), "traceback": []},
        }
    return StepResult.from_dict({**content, "seconds": round(seconds, 3)}, folder)


def failure(pipeline: Pipeline, result: StepResult) -> MlopsError:
    """Return the error of a failed step; its hint names the executed notebook."""
    error = result.error or {}
    place = Place(**error["place"]) if error.get("place") else Place(pipeline.notebook)
    kept = f"executed notebook: {result.executed}" if result.executed.exists() else ""
    hint = str(error.get("hint", ""))
    if kept and str(result.executed) not in hint:
        hint = f"{hint} {kept}".strip()
    code, message = str(error.get("code", "step.failed")), str(error.get("message", ""))
    return MlopsError(code, message, hint=hint, place=place)


def place_of(pipeline: Pipeline, step: Step) -> Place:
    """Return where a step begins in the notebook."""
    if not step.cells:
        return Place(pipeline.notebook)
    return Place(pipeline.notebook, step.cells[0].position, step.cells[0].id)


def last_line(path: Path) -> str:
    """Return the last line of a log that says something."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 4000))
            lines = log.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _ready(waiting: Mapping[str, Step], busy: Sequence[str]) -> list[Step]:
    return [
        step
        for step in waiting.values()
        if not any(name in waiting or name in busy for name in step.upstream)
    ]


def _data(step: Step, result: StepResult | None = None) -> dict[str, Any]:
    data: dict[str, Any] = {"step": step.name}
    if result is not None:
        data |= {"executed": str(result.executed), "metrics": result.metrics}
        data["cached"] = result.cached
    return data
