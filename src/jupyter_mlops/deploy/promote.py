"""Promotion: compile, run, prove, check the gates, build, and publish a release."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..governance.audit import AuditLog
from ..notebook.document import Notebook, read
from ..notebook.parameters import check_parameters
from ..os_errors import explain_os_errors
from ..pipeline.compile import compile_notebook
from ..pipeline.model import Pipeline
from ..pipeline.prove import Proof, compare
from ..pipeline.reference import run_reference
from ..pipeline.targets import Target
from ..progress import Progress, Stage
from ..project import Project
from ..rerun.rerun import Rerun
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

    Raises
    ------
    MlopsError
        Whatever is wrong with the notebook, ``promote.different`` where the pipeline is not equal
        to the notebook, ``promote.gate`` where a gate does not hold. Nothing is published then.
    """
    path = Path(notebook)
    project = project or Project.find(path)
    source = read(path, name=project.relative(path))
    pipeline = compile_notebook(source)
    given = check_parameters(source, pipeline.parameters, parameters or {})
    with project.lock(f"promote-{pipeline.name}", what=f"a promotion of {source.name}"):
        try:
            return (yield from _promote(project, source, pipeline, given, images, kind, judge))
        except MlopsError as error:
            refused = error.code in ("promote.different", "promote.gate")
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


def _promote(
    project: Project,
    notebook: Notebook,
    pipeline: Pipeline,
    given: dict[str, Any],
    images: Images,
    kind: str,
    judge: Judge | None,
) -> Progress[Release]:
    stage = Stage("compile")
    for notice in pipeline.notices:
        yield stage.notice(f"{notice.message} ({notice.place})")
    names = " → ".join(step.name for step in pipeline.steps)
    yield stage.done(f"pipeline {pipeline.name}: {names}", steps=[s.name for s in pipeline.steps])

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
        )
        pipeline, run = reference.pipeline, reference.run
        loaded = building.loaded_modules(reference.folder)
        builder = Builder(project, notebook, pipeline, version, engine, work, loaded)
        folder = staged / "pipeline"
        builder.generate(folder)
        target = yield from builder.target(folder)
        proof, metrics = yield from _prove(notebook, pipeline, target, folder, work, given)
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
            "parameters": {p.name: given.get(p.name, p.default) for p in pipeline.parameters},
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


def _prove(
    notebook: Notebook,
    pipeline: Pipeline,
    target: Target,
    folder: Path,
    work: Path,
    given: dict[str, Any],
) -> Progress[tuple[Proof, dict[str, float]]]:
    """Run the pipeline from clean state and compare it with the notebook."""
    stage = Stage("prove")
    yield stage.started(f"running the pipeline from clean state on {target.name}")
    result = yield from target.run(
        pipeline, folder, work / "run", given, cwd=notebook.path.resolve().parent
    )
    proof = compare(pipeline, work / "reference", work / "run")
    if not proof.ok:
        different = proof.differences[0]
        raise MlopsError(
            "promote.different",
            f"The pipeline is not equal to the notebook: `{different.name}` of step "
            f"{different.step}: {different.words}",
            hint="seed what draws random numbers, and merge steps that share a changed object.",
            place=different.place or notebook.place(),
        )
    yield stage.done(proof.words, **proof.summary())
    return proof, result.metrics


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
    import json

    evidence = staged / "evidence"
    evidence.mkdir()
    (evidence / "proof.json").write_text(json.dumps(proof.to_dict(), indent=2), encoding="utf-8")
    (evidence / "proof.html").write_text(proof.to_html(), encoding="utf-8")
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
    )
    version_words = f", model version {model_version}" if model_version else ""
    yield stage.done(f"release {release.ref}{version_words}", release=release.ref)
    return release
