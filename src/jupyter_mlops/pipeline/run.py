"""Run a notebook's pipeline on this machine: what has not changed is taken from the step cache."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ..capture.run_names import new_run_name
from ..errors import MlopsError, Place
from ..notebook.document import read
from ..notebook.moments import plain
from ..notebook.parameters import check_parameters
from ..os_errors import explain_os_errors
from ..progress import Progress, Stage
from ..project import Project
from ..tracking.pipelines import PipelineJournal
from .cache import StepCache
from .compile import compile_notebook
from .generate import generate
from .targets import PipelineRun
from .targets.local import LocalTarget
from .targets.memory import Memory
from .work import RESULT, step_folder

_RECORD = "run.json"
_FOLDER = "pipelines"
_PIPELINE = "pipeline"
_WORK = "work"

Status = Literal["running", "ok", "failed"]


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A run of a pipeline: where it is and how it ended.

    ``steps`` maps each step that has ended to its ``status``, ``seconds`` and whether it was
    ``cached``. ``status`` stays ``running`` where the process was killed.
    """

    name: str
    pipeline: str
    notebook: str
    status: Status
    started: str
    parameters: dict[str, Any]
    folder: Path
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def pipeline_folder(self) -> Path:
        return self.folder / _PIPELINE

    @property
    def work(self) -> Path:
        return self.folder / _WORK

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "pipeline": self.pipeline,
            "notebook": self.notebook,
            "status": self.status,
            "started": self.started,
            "parameters": self.parameters,
            "folder": str(self.folder),
            "steps": self.steps,
            "metrics": self.metrics,
            "seconds": self.seconds,
        }


def run(
    notebook: Path | str,
    parameters: Mapping[str, Any] | None = None,
    *,
    project: Project | None = None,
    workers: int | None = None,
    cached: bool = True,
    resume: str | None = None,
    timeout: float | None = None,
) -> Progress[LocalRun]:
    """Compile a tagged notebook and run its pipeline, one process for each step.

    Parameters
    ----------
    workers
        How many steps may run at a time; default: the number of CPUs.
    cached
        Take steps from the step cache where code, inputs, parameters, files that they read, and
        environment are what they were.
    resume
        A run that failed, by name, unique prefix or ``latest``: its parameters are taken, and
        what its finished steps left, also where they are not kept in the cache.
    timeout
        Seconds that each step may take; default: ``[run] timeout`` of ``mlops.toml``, or no limit.

    Raises
    ------
    MlopsError
        What is wrong with the notebook or the parameters, ``step.failed`` with the notebook's
        cell and line, ``step.timeout``, ``run.unknown``, or ``run.nothing-failed``.
    """
    path = Path(notebook)
    project = project or Project.find(path)
    source = read(path, name=project.relative(path))
    pipeline = compile_notebook(source)
    earlier = _failed(project, pipeline.name, resume) if resume is not None else None
    given = {**(earlier.parameters if earlier else {}), **(parameters or {})}
    values = check_parameters(source, pipeline.parameters, given)
    stage = Stage("compile")
    for notice in pipeline.notices:
        yield stage.notice(f"{notice.message} ({notice.place})")
    name = new_run_name(source.name)
    folder = project.folder(_FOLDER, pipeline.name, name)
    record = LocalRun(name, pipeline.name, source.name, "running", _now(), dict(values), folder)
    _write(record)
    generate(pipeline, source, record.pipeline_folder)
    yield stage.done(f"pipeline {pipeline.name}: {' → '.join(s.name for s in pipeline.steps)}")
    limit = int(project.settings.cache.max_gb * 1e9)
    cache = StepCache(project.state / "cache", limit) if cached else None
    memory = Memory(cache, earlier.work if earlier else None)
    limit_of_step = timeout or project.settings.run.timeout
    target = LocalTarget(workers=workers, memory=memory, timeout=limit_of_step)
    known = {p.name: values.get(p.name, p.default) for p in pipeline.parameters}
    journal = PipelineJournal(project, name, source.name, path, known)
    result: PipelineRun | None = None
    status = "FAILED"
    try:
        result = yield from target.run(
            pipeline,
            record.pipeline_folder,
            record.work,
            values,
            cwd=path.resolve().parent,
        )
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        words = f"`jupyter mlops run {source.name} --resume` goes on with the steps that are left"
        raise KeyboardInterrupt(words) from None
    finally:
        record = _ended(record, result)
        _write(record)
        journal.end(status, record.steps, record.metrics)
    return record


def runs(project: Project, pipeline: str | None = None) -> list[LocalRun]:
    """Return the runs of a pipeline, or of all, newest first."""
    pattern = f"{pipeline or '*'}/*/{_RECORD}"
    found = [_read(path) for path in (project.state / _FOLDER).glob(pattern)]
    return sorted((r for r in found if r is not None), key=lambda r: r.started, reverse=True)


def find(project: Project, ref: str, pipeline: str | None = None) -> LocalRun:
    """Return a run by name, unique prefix, or ``latest``; raises `MlopsError` ``run.unknown``."""
    known = runs(project, pipeline)
    found = known[:1] if ref == "latest" else [r for r in known if r.name.startswith(ref)]
    exact = [each for each in found if each.name == ref]
    if len(exact or found) == 1:
        return (exact or found)[0]
    names = ", ".join(each.name for each in (found or known)[:5])
    raise MlopsError(
        "run.unknown",
        f"`{ref}` names {'more than one run' if found else 'no run'} of a pipeline.",
        hint=f"the newest are: {names}." if names else "`jupyter mlops run NOTEBOOK` makes one.",
        place=Place(str(project.root)),
    )


def _failed(project: Project, pipeline: str, ref: str) -> LocalRun:
    if ref != "latest":
        return find(project, ref, pipeline)
    for each in runs(project, pipeline):
        if each.status != "ok":
            return each
    raise MlopsError(
        "run.nothing-failed",
        f"No run of the pipeline `{pipeline}` has failed.",
        hint="run it without `--resume`; steps that have not changed come from the cache.",
    )


def _ended(record: LocalRun, result: PipelineRun | None) -> LocalRun:
    """Return the record with what each step left, also where the run failed."""
    steps: dict[str, dict[str, Any]] = {}
    metrics: dict[str, float] = {}
    for place in sorted((record.work / "steps").glob("*")):
        try:
            content = json.loads((step_folder(record.work, place.name) / RESULT).read_text())
        except (OSError, ValueError):
            continue
        steps[place.name] = {"status": content["status"], "seconds": content["seconds"]}
        metrics |= content["metrics"]
    if result is not None:
        for name, step in result.steps.items():
            steps[name] = {"status": "ok", "seconds": step.seconds, "cached": step.cached}
        steps = {name: steps[name] for name in result.steps}
    seconds = result.seconds if result is not None else 0.0
    return dataclasses.replace(
        record,
        status="failed" if result is None else "ok",
        steps=steps,
        metrics=metrics,
        seconds=round(seconds, 3),
    )


def _read(path: Path) -> LocalRun | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return LocalRun(**{**content, "folder": path.parent})
    except (OSError, ValueError, TypeError):
        return None


def _write(record: LocalRun) -> None:
    path = record.folder / _RECORD
    with explain_os_errors(record.folder):
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(json.dumps(plain(record.to_dict()), indent=1, default=repr))
        os.replace(temporary, path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
