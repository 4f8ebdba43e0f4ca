"""Retraining: the same notebook on newer data, through the same gates, against the champion."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import values
from ..deploy import deployments as deploying
from ..deploy.building import Images
from ..deploy.promote import Candidate, Verdict, promote
from ..deploy.releases import Release, Releases
from ..errors import MlopsError, Place
from ..governance import gates
from ..governance.audit import AuditLog
from ..pipeline import work as work_files
from ..pipeline.model import Pipeline
from ..pipeline.targets.local import LocalTarget
from ..progress import Progress, Stage, drain
from ..project import Project


def retrain(
    endpoint: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    project: Project | None = None,
    deploy: bool = True,
    images: Images = "auto",
) -> Progress[Release]:
    """Rerun the notebook behind an endpoint and promote the result where it is better.

    The champion is the release that the endpoint serves. Challenger and champion are measured
    on the challenger's own test data: the steps that compute the metrics run a second time with
    the champion's served variables in place of the challenger's.

    Parameters
    ----------
    parameters
        What differs from the champion's parameters, such as the months of newer data.
    deploy
        Whether to deploy the new release to the endpoint.

    Raises
    ------
    MlopsError
        ``promote.gate`` where the challenger is not better, and whatever `promote` raises; the
        endpoint goes on with the champion then.
    """
    project = project or Project.find()
    deployment = deploying.find(endpoint, project)
    champion = Releases(project).get(deployment.release)
    champion.verify()
    stage = Stage("retrain")
    yield stage.started(f"{champion.ref} serves {endpoint}: it is the champion")
    notebook = project.root / champion.manifest["notebook"]
    if not notebook.is_file():
        raise MlopsError(
            "retrain.no-notebook",
            f"The notebook of {champion.ref} is not there any more.",
            hint=f"restore it; a copy is kept in {project.relative(champion.folder)}.",
            place=Place(champion.manifest["notebook"]),
        )
    given = {**champion.manifest["parameters"], **(parameters or {})}

    def judge(candidate: Candidate) -> Verdict:
        return against_champion(candidate, champion, project)

    release = yield from promote(
        notebook,
        given,
        project=project,
        images=images,
        kind="retrain",
        judge=judge,
        champion=champion,
    )
    accepted = release.manifest["proof"]["accepted"]
    AuditLog(project).append(
        "retrain",
        release.ref,
        "ok",
        endpoint=endpoint,
        champion=champion.ref,
        parameters=given,
        carried_over=[each["name"] for each in accepted if each.get("release") == champion.ref],
    )
    yield stage.done(f"{release.ref} replaces {champion.ref} as the champion")
    if deploy:
        yield from deploying.deploy(release.ref, endpoint=endpoint, project=project)
    return release


def against_champion(candidate: Candidate, champion: Release, project: Project) -> Verdict:
    """Measure the champion on the candidate's own test data, and compare."""
    metrics = champion_metrics(candidate, champion)
    comparison = gates.against_champion(candidate.metrics, metrics, project.settings.retrain)
    return Verdict(
        comparison.better,
        comparison.words,
        {
            "champion": champion.ref,
            "metric": comparison.metric,
            "champion_metrics": metrics,
            "challenger_metrics": candidate.metrics,
        },
    )


def champion_metrics(candidate: Candidate, champion: Release) -> dict[str, float]:
    """Return the metrics that the champion gets on the candidate's test data.

    Raises
    ------
    MlopsError
        ``retrain.no-exam`` where the notebook computes no metrics, or trains and evaluates in
        one step, so that the champion cannot sit the same exam.
    """
    pipeline = candidate.pipeline
    state = champion.folder / "serving" / "state"
    served = values.read_index(state)["names"]
    makers = {name: step.name for step in pipeline.steps for name in step.outputs if name in served}
    exam = _exam_steps(pipeline, set(makers.values()))
    examined = any(pipeline.step(name).metrics for name in exam)
    if not examined:
        raise MlopsError(
            "retrain.no-exam",
            "The champion cannot be measured on the new test data: no step after training "
            "computes metrics.",
            hint="put the evaluation in a step of its own, with a cell tagged `metrics`.",
            place=Place(pipeline.notebook),
        )
    work = candidate.work.parent / "exam"
    _seat(candidate.work, work, makers, state)
    target = LocalTarget(only=exam)
    result = drain(
        target.run(pipeline, candidate.folder, work, candidate.parameters, cwd=candidate.cwd)
    )
    return result.metrics


def _exam_steps(pipeline: Pipeline, makers: set[str]) -> tuple[str, ...]:
    """Return the steps between the makers of the model and the metrics, in order."""
    touched: set[str] = set()
    for step in pipeline.steps:
        if step.name not in makers and {*makers, *touched} & set(step.inputs.values()):
            touched.add(step.name)
    wanted: set[str] = set()
    for step in reversed(pipeline.steps):
        feeds = any(step.name in pipeline.step(name).inputs.values() for name in wanted)
        if step.name in touched and (step.metrics or feeds):
            wanted.add(step.name)
    return tuple(step.name for step in pipeline.steps if step.name in wanted)


def _seat(run: Path, work: Path, makers: dict[str, str], champion: Path) -> None:
    """Copy a run's step outputs to ``work``, with the champion's variables for the makers'."""
    for outputs in sorted(run.glob("steps/*/outputs")):
        step = outputs.parent.name
        target = work_files.outputs_folder(work, step)
        target.parent.mkdir(parents=True, exist_ok=True)
        replaced = [name for name, maker in makers.items() if maker == step]
        if not replaced:
            shutil.copytree(outputs, target)
            continue
        # Both loads share the namespace, so that the notebook's functions are bound to it.
        namespace: dict[str, Any] = {}
        names = values.load(outputs, namespace)
        values.load(champion, namespace, replaced)
        values.dump(namespace, names, target)
