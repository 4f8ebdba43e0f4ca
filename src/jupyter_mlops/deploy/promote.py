"""Promotion: compile, run, prove, check the gates, build, and publish a release."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..governance.audit import AuditLog
from ..notebook.document import Notebook, read
from ..notebook.kernel_state import KernelState
from ..notebook.moments import plain
from ..notebook.parameters import check_parameters
from ..os_errors import explain_os_errors
from ..pipeline.acceptance import Accepted, carry_over, read_accepted
from ..pipeline.compile import compile_notebook
from ..pipeline.hidden_state import refuse_hidden_state
from ..pipeline.model import Pipeline
from ..pipeline.proof import Proof
from ..pipeline.proving import keep_evidence, prove_pipeline, write_evidence
from ..pipeline.reference import run_reference
from ..pipeline.tag_writing import accept_tags
from ..progress import Progress, Stage
from ..project import Project
from ..rerun.rerun import Rerun
from ..tracking.client import check_reachable
from . import building
from .building import Builder, Images
from .packaging import Baseline, package_serving
from .releases import Release, Releases


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proven pipeline run that asks to become a release."""

    pipeline: Pipeline
    folder: Path
    work: Path
    cwd: Path
    parameters: dict[str, Any]
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of a candidate; ``details`` go into the release and the audit log."""

    passed: bool
    words: str
    details: dict[str, Any] = field(default_factory=dict)


Judge = Callable[[Candidate], Verdict]


def promote(
    notebook: Path | str,
    parameters: Mapping[str, Any] | None = None,
    *,
    project: Project | None = None,
    images: Images = "auto",
    kind: str = "promotion",
    judge: Judge | None = None,
    accept: Iterable[str] = (),
    auto: bool = False,
    kernel: KernelState | None = None,
    champion: Release | None = None,
    timeout: float | None = None,
) -> Progress[Release]:
    """Turn a tagged notebook into a release, or refuse with the place and the reason.

    The notebook is run from a clean kernel; its compiled pipeline is run from clean processes
    (in the training image where there is a Docker engine); each step's outputs are compared with
    the notebook's own. What is equal, passes the gates and answers the notebook's example rows
    with the notebook's predictions is published under ``.mlops/releases/`` and ``pipelines/``.

    Parameters
    ----------
    parameters
        Values for the notebook's parameters; text is read as the parameter's type.
    images
        ``auto`` builds images where an engine answers, ``require`` raises where none does,
        ``none`` makes a local release.
    judge
        A last gate, such as the comparison with the champion.
    accept
        Names of differences that the user accepts, as for `jupyter_mlops.pipeline.proving.prove`.
        They stand in the proof, in the release and in the audit log.
    auto
        Writes suggested tags into the notebook first, where it lacks some.
    kernel
        The live kernel in which the notebook was worked on.
    champion
        A release of this notebook: what was accepted with it stays accepted where it still fits.
    timeout
        Seconds that each step, and each cell of the notebook, may take; default: ``[run] timeout``
        of ``mlops.toml``, or no limit.

    Raises
    ------
    MlopsError
        Whatever is wrong with the notebook, ``promote.hidden-state`` where its cells did not run
        in order, ``promote.different`` where the pipeline is not equal to the notebook,
        ``promote.random`` where the notebook itself differs from run to run, ``promote.gate``
        where a gate does not hold. Nothing is published then.
    """
    path = Path(notebook)
    project = project or Project.find(path)
    source = read(path, name=project.relative(path))
    if auto:
        source = yield from accept_tags(source)
    if kind == "promotion":
        refuse_hidden_state(source, kernel, "promote.hidden-state")
    pipeline = compile_notebook(source)
    given = check_parameters(source, pipeline.parameters, parameters or {})
    accepted = read_accepted(pipeline, accept, project.root)
    if champion is not None:
        accepted = yield from _carried_over(accepted, pipeline, champion)
    timeout = timeout or project.settings.run.timeout
    with project.lock(f"promote-{pipeline.name}", what=f"a promotion of {source.name}"):
        try:
            return (
                yield from _promote(
                    project, source, pipeline, given, accepted, images, kind, judge, timeout
                )
            )
        except MlopsError as error:
            refused = error.code in ("promote.different", "promote.random", "promote.gate")
            AuditLog(project).append(
                "promote",
                pipeline.name,
                "refused" if refused else "failed",
                notebook=source.name,
                parameters=given,
                code=error.code,
                reason=error.message,
            )
            raise


def _carried_over(accepted: Accepted, pipeline: Pipeline, champion: Release) -> Progress[Accepted]:
    """Return what is accepted, with what was accepted with the champion."""
    records = champion.manifest["proof"].get("accepted", ())
    cells = read(champion.folder / "notebook.ipynb").cells if records else ()
    carried, others = carry_over(pipeline, champion.ref, records, cells)
    for name in others:
        yield Stage("compile").notice(
            f"accepting `{name}` is not carried over from {champion.ref}: it is no longer there, "
            "or its cell has changed"
        )
    return accepted.joined(carried)


def _promote(
    project: Project,
    notebook: Notebook,
    pipeline: Pipeline,
    given: dict[str, Any],
    accepted: Accepted,
    images: Images,
    kind: str,
    judge: Judge | None,
    timeout: float | None,
) -> Progress[Release]:
    stage = Stage("compile")
    for notice in pipeline.notices:
        yield stage.notice(f"{notice.message} ({notice.place})")
    names = " → ".join(step.name for step in pipeline.steps)
    yield stage.done(f"pipeline {pipeline.name}: {names}", steps=[s.name for s in pipeline.steps])

    check_reachable(project.tracking_uri)  # the model is registered there, after minutes
    releases = Releases(project)
    with (
        explain_os_errors(project.root),
        tempfile.TemporaryDirectory(prefix="promote-", dir=project.folder("work")) as scratch,
        releases.staging(pipeline.name) as staged,
    ):
        work = Path(scratch)
        engine = yield from building.connect(images, project)
        version = releases.next_version(pipeline.name)
        reference = yield from run_reference(
            project,
            notebook,
            pipeline,
            given,
            work / "reference",
            kind=kind,
            plan=building.plan_modules,
            timeout=timeout,
        )
        pipeline, run = reference.pipeline, reference.run
        loaded = building.loaded_modules(reference.folder)
        builder = Builder(project, notebook, pipeline, version, engine, work, loaded)
        folder = staged / "pipeline"
        builder.generate(folder)
        target = yield from builder.target(folder, timeout)
        proof, ran = yield from prove_pipeline(
            project, notebook, reference, target, folder, work, given, accepted, kind=kind
        )
        if not proof.ok:
            kept = keep_evidence(project, proof, reference, work / "run")
            yield Stage("prove").notice(f"the proof is kept in {project.relative(kept)}/")
            raise proof.error()
        metrics = ran.metrics
        candidate = Candidate(
            pipeline, folder, work / "run", notebook.path.resolve().parent, given, metrics
        )
        verdicts = yield from _pass_gates(project, notebook, candidate, judge)
        _evidence(staged, notebook, run, proof)
        manifest: dict[str, Any] = {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "kind": kind,
            "notebook": notebook.name,
            "notebook_digest": pipeline.notebook_digest,
            "parameters": plain(
                {p.name: given.get(p.name, p.default) for p in pipeline.parameters}
            ),
            "run": run.run,
            "python": platform.python_version(),
            "target": target.name,
            "metrics": metrics,
            "proof": proof.summary(),
            "verdicts": verdicts,
            "images": {"training": builder.tag("training")} if engine else None,
        }
        if pipeline.serving is not None:
            baseline = yield from _package(notebook, pipeline, candidate, staged)
            manifest["baseline"] = {"variable": baseline.variable, "rows": baseline.rows}
            builder.add_serving(staged)
            if engine is not None:
                manifest["images"]["serving"] = builder.tag("serving")
                releases.seal(pipeline.name, version, staged, manifest)
                yield from builder.serving_image(staged)
        release = yield from _publish(project, releases, pipeline, version, staged, manifest)
    name, edited = building.publish_folder(project, release)
    yield Stage("pipeline").notice(f"the readable pipeline is in {name}/", folder=name)
    for each in edited:
        yield Stage("pipeline").notice(
            f"a generated file had been edited; the edit is kept as {name}/{each}"
        )
    return release


def _pass_gates(
    project: Project, notebook: Notebook, candidate: Candidate, judge: Judge | None
) -> Progress[list[dict[str, Any]]]:
    from ..governance import gates

    stage = Stage("gates")
    verdicts: list[dict[str, Any]] = []
    for result in gates.check(project.settings.gates, candidate.metrics):
        verdicts.append({"passed": result.passed, "words": result.words})
        yield stage.notice(result.words, passed=result.passed)
    if judge is not None:
        verdict = judge(candidate)
        verdicts.append(
            {"passed": verdict.passed, "words": verdict.words, "details": verdict.details}
        )
        yield stage.notice(verdict.words, passed=verdict.passed)
    for each in verdicts:
        if not each["passed"]:
            raise MlopsError(
                "promote.gate",
                f"Refused: {each['words']}",
                hint="the present release stays as it is; change the model or the gate, then "
                "promote again.",
                place=Place(notebook.name),
            )
    return verdicts


def _package(
    notebook: Notebook, pipeline: Pipeline, candidate: Candidate, staged: Path
) -> Progress[Baseline]:
    stage = Stage("package")
    yield stage.started("packing the served model")
    baseline = package_serving(notebook, pipeline, candidate.work, staged)
    yield stage.done(
        f"the packed model answers the notebook's example rows with the notebook's predictions; "
        f"baseline: {baseline.rows} rows of `{baseline.variable}`"
    )
    return baseline


def _evidence(staged: Path, notebook: Notebook, run: Rerun, proof: Proof) -> None:
    write_evidence(proof, staged / "evidence")
    shutil.copyfile(notebook.path, staged / "notebook.ipynb")
    shutil.copyfile(run.executed, staged / "executed.ipynb")


def _publish(
    project: Project,
    releases: Releases,
    pipeline: Pipeline,
    version: int,
    staged: Path,
    manifest: dict[str, Any],
) -> Progress[Release]:
    from ..tracking.store import Store

    stage = Stage("release")
    ref = f"{pipeline.name}/{version}"
    yield stage.started(f"publishing {ref}")
    store = Store(project)
    model_version = None
    if pipeline.serving is not None:
        model_version = store.register(manifest["run"], pipeline.name, {"mlops.release": ref})
    release = releases.publish(
        pipeline.name, version, staged, {**manifest, "model_version": model_version}
    )
    AuditLog(project).append(
        "promote",
        release.ref,
        "ok",
        notebook=manifest["notebook"],
        notebook_digest=manifest["notebook_digest"],
        run=manifest["run"],
        model_version=model_version,
        parameters=manifest["parameters"],
        metrics=manifest["metrics"],
        kind=manifest["kind"],
        accepted=manifest["proof"]["accepted"],
    )
    version_words = f", model version {model_version}" if model_version else ""
    yield stage.done(f"release {release.ref}{version_words}", release=release.ref)
    return release
