"""The verb `prove`: notebook and pipeline run from clean state, and are compared name by name."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import MlopsError
from ..notebook import tags
from ..notebook.document import Notebook, read
from ..notebook.kernel_state import KernelState
from ..notebook.parameters import check_parameters
from ..os_errors import explain_os_errors
from ..progress import Progress, Stage
from ..project import Project
from ..rerun.rerun import rerun
from .acceptance import Accepted, read_accepted
from .chance import tell_chance
from .compile import compile_notebook
from .generate import generate
from .hidden_state import refuse_hidden_state
from .model import Pipeline
from .proof import Proof
from .prove import compare, reference_plan
from .reference import Reference, run_reference
from .targets import PipelineRun, Target
from .targets.local import LocalTarget
from .work import EXECUTED, step_folder

JSON, PAGE = "proof.json", "proof.html"

_PASSES = (
    "the notebook itself passes here, so the step misses something that is no variable, such as a "
    "file or a setting that ended with the process of another step; give this cell and the one "
    "that makes it the same step tag."
)


@dataclass(frozen=True, slots=True)
class Proven:
    """A proof and the folder that holds it: ``proof.json``, ``proof.html``, executed notebooks."""

    proof: Proof
    folder: Path

    @property
    def page(self) -> Path:
        return self.folder / PAGE


def prove(
    notebook: Path | str,
    parameters: Mapping[str, Any] | None = None,
    *,
    project: Project | None = None,
    accept: Iterable[str] = (),
    kernel: KernelState | None = None,
) -> Progress[Proven]:
    """Run a notebook and its pipeline from clean state and compare what both leave and show.

    Nothing is published. The evidence is kept in ``.mlops/pipelines/<pipeline>/<run>/``.

    Parameters
    ----------
    parameters
        Values for the notebook's parameters; text is read as the parameter's type.
    accept
        Names of differences that the user accepts: ``variable``, ``step.variable``, ``cell 7``.
    kernel
        The live kernel in which the notebook was worked on.

    Raises
    ------
    MlopsError
        Whatever is wrong with the notebook or fails in its run; ``prove.hidden-state`` where its
        cells did not run in order; ``proof.unknown-name``. A difference is no error here: see
        `Proof.ok`.
    """
    path = Path(notebook)
    project = project or Project.find(path)
    source = read(path, name=project.relative(path))
    refuse_hidden_state(source, kernel, "prove.hidden-state")
    pipeline = compile_notebook(source)
    given = check_parameters(source, pipeline.parameters, parameters or {})
    accepted = read_accepted(pipeline, accept, project.root)
    timeout = project.settings.run.timeout
    stage = Stage("compile")
    for notice in pipeline.notices:
        yield stage.notice(f"{notice.message} ({notice.place})")
    with (
        explain_os_errors(project.root),
        tempfile.TemporaryDirectory(prefix="prove-", dir=project.folder("work")) as scratch,
    ):
        work = Path(scratch)
        reference = yield from run_reference(
            project, source, pipeline, given, work / "reference", kind="proof", timeout=timeout
        )
        folder = work / "pipeline"
        generate(reference.pipeline, source, folder)
        target = LocalTarget(timeout=timeout)
        proof, _ = yield from prove_pipeline(
            project, source, reference, target, folder, work, given, accepted, kind="proof"
        )
        kept = keep_evidence(project, proof, reference, work / "run")
    return Proven(proof, kept)


def prove_pipeline(
    project: Project,
    notebook: Notebook,
    reference: Reference,
    target: Target,
    folder: Path,
    work: Path,
    given: Mapping[str, Any],
    accepted: Accepted,
    *,
    kind: str,
) -> Progress[tuple[Proof, PipelineRun]]:
    """Run the generated pipeline of ``folder`` on ``target`` and compare it with the notebook.

    Where something differs, the notebook is run once more, of that ``kind``, to tell chance from
    a difference that the pipeline makes. ``work / "run"`` is what the steps leave.
    """
    pipeline, cwd = reference.pipeline, notebook.path.resolve().parent
    stage = Stage("prove")
    started, clock = datetime.now(UTC), time.perf_counter()
    yield stage.started(f"running the pipeline from clean state on {target.name}")
    try:
        run = yield from target.run(pipeline, folder, work / "run", given, cwd=cwd)
    except MlopsError as error:
        kept = _keep_executed(project, reference, work / "run")
        error.hint = error.hint.replace(str(work / "run"), project.relative(kept))
        if error.code == "step.failed":
            _, executed, where = error.hint.partition("executed notebook:")
            error.hint = f"{_PASSES} {executed}{where}".strip()
        raise
    reference.folder.mkdir(exist_ok=True)
    shutil.copyfile(reference.run.executed, reference.folder / EXECUTED)
    proof = compare(pipeline, reference.folder, work / "run", cwd=cwd)
    runs = {"notebook": reference.run.run}
    if not proof.ok:
        count = len(proof.differences)
        yield stage.notice(
            f"{count} difference{'s' * (count > 1)}; running {notebook.name} once more to tell "
            "chance from the pipeline's doing"
        )
        again = work / "again"
        second = yield from rerun(
            notebook.path,
            given,
            project=project,
            observe=reference_plan(pipeline, again),
            without=tags.SKIP,
            kind=kind,
        )
        again.mkdir(exist_ok=True)
        shutil.copyfile(second.executed, again / EXECUTED)
        proof = tell_chance(pipeline, proof, reference.folder, again, work / "run", cwd=cwd)
        runs["notebook again"] = second.run
    proof = replace(proof.accepting(accepted), facts=_facts(pipeline, given, target.name, runs))
    proof.facts["started"] = started.isoformat(timespec="seconds")
    proof.facts["seconds"] = {
        "notebook": round(reference.run.seconds, 1),
        "pipeline": round(run.seconds, 1),
        "proof": round(time.perf_counter() - clock, 1),
    }
    for each in proof.accepted:
        yield stage.notice(f"{each.label} is {each.verdict}: {each.accepted}")
    for name in accepted.unneeded(proof.comparisons):
        yield stage.notice(f"accepting `{name}` was not needed: nothing of that name differs")
    yield stage.done(proof.words, **proof.summary())
    return proof, run


def write_evidence(proof: Proof, folder: Path) -> None:
    """Write ``proof.json`` and ``proof.html`` to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        (JSON, json.dumps(proof.to_dict(), indent=2, default=str)),
        (PAGE, proof.to_html()),
    ):
        staged = folder / f".{name}.{uuid.uuid4().hex[:8]}"
        staged.write_text(text, encoding="utf-8")
        os.replace(staged, folder / name)


def keep_evidence(project: Project, proof: Proof, reference: Reference, run: Path) -> Path:
    """Keep a proof that goes into no release, with the executed notebooks; return its folder."""
    folder = _keep_executed(project, reference, run)
    write_evidence(proof, folder)
    return folder


def _keep_executed(project: Project, reference: Reference, run: Path) -> Path:
    folder = project.folder("pipelines", reference.pipeline.name, reference.run.run)
    shutil.copyfile(reference.run.executed, folder / EXECUTED)
    for step in reference.pipeline.steps:
        executed = step_folder(run, step.name) / EXECUTED
        if executed.exists():
            target = step_folder(folder, step.name)
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(executed, target / EXECUTED)
    return folder


def _facts(
    pipeline: Pipeline, given: Mapping[str, Any], target: str, runs: dict[str, str]
) -> dict[str, Any]:
    packages = {
        str(each.metadata["Name"]): each.version for each in importlib.metadata.distributions()
    }
    return {
        "runs": runs,
        "target": target,
        "parameters": {p.name: given.get(p.name, p.default) for p in pipeline.parameters},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items(), key=lambda each: each[0].lower())),
    }
