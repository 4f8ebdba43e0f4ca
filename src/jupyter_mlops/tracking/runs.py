"""Runs as they stand in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .datasets import Input, frame_of, inputs_of, is_frame
from .feeder import PARENT, RUN

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from .artifacts import Artifacts

_NOT_OF_PEOPLE = ("mlflow.", "mlops.")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list. ``parameters`` are the notebook's own; ``model`` is the model's class.

    ``started`` is an ISO time with zone; ``seconds`` is None while the run goes on. ``tags`` are
    those that people gave it, not those of MLflow and of this package. ``parent`` is the run that
    it is a part of, such as a sweep; ``parts`` counts its own, as far as the store can tell.
    """

    run: str
    notebook: str
    kind: str
    status: str
    started: str
    seconds: float | None
    parameters: dict[str, str]
    metrics: dict[str, float]
    model: str | None
    mlflow_id: str
    estimator_parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    user: str = ""
    parent: str = ""
    parts: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail(RunSummary):
    """One run in full.

    ``cells`` are dicts of order, id, position, tags, source, started, seconds, outcome, error and
    line; ``frames`` as `datasets.frame_of` gives them; ``environment`` maps distributions to
    versions; ``git`` has commit, branch and dirty, and is empty outside a repository.
    ``models`` maps variables to MLflow's model ids, ``calls`` metrics to how they were computed,
    ``steps`` the steps of a pipeline's run to status, seconds and whether they were cached.
    ``datasets`` and ``seeds`` are as in the artifacts of their names.
    """

    path: str
    python: str
    models: dict[str, str]
    cells: list[dict[str, Any]]
    frames: list[dict[str, Any]]
    environment: dict[str, str]
    git: dict[str, Any]
    notes: str
    problems: list[str]
    artifacts: list[str]
    datasets: list[dict[str, Any]] = field(default_factory=list)
    seeds: list[dict[str, Any]] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the store's tables hold of one run; ``models`` as in `RunDetail`."""

    facts: dict[str, Any]
    tags: Mapping[str, str]
    inputs: list[Input]
    models: dict[str, str]


def summary(run: Run) -> RunSummary:
    """Return the summary of a run of MLflow's."""
    return RunSummary(**_facts(run))


def record(client: MlflowClient, run: Run) -> RunRecord:
    """Return what MLflow holds of a run, but for its artifacts."""
    return RunRecord(_facts(run), run.data.tags, inputs_of(run), _models(client, run))


def detail(of: RunRecord, artifacts: Artifacts) -> RunDetail:
    """Return everything about a run; reads its artifacts."""
    tags = of.tags
    files = artifacts.names()

    def content(name: str) -> Any:
        return artifacts.json(name) if name in files else None

    environment = content("environment.json") or {}
    frames = [frame_of(found) for found in of.inputs if is_frame(found)]
    git = {}
    if "mlops.git.dirty" in tags:
        git = {
            "commit": tags.get("mlflow.source.git.commit", ""),
            "branch": tags.get("mlflow.source.git.branch", ""),
            "dirty": tags["mlops.git.dirty"] == "true",
        }
    return RunDetail(
        **of.facts,
        path=tags.get("mlflow.source.name", ""),
        python=tags.get("mlops.python", ""),
        models=of.models,
        cells=content("cells.json") or [],
        frames=sorted(frames, key=lambda frame: frame["cell"] or 0),
        environment=environment.get("distributions", {}),
        git=git,
        notes=tags.get("mlflow.note.content", ""),
        problems=_list(tags.get("mlops.problems")),
        artifacts=files,
        datasets=content("datasets.json") or [],
        seeds=content("seeds.json") or [],
        calls=content("metric_info.json") or {},
        steps=_steps(tags),
    )


def _steps(tags: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(tags.get("mlops.steps", "{}"))
    except ValueError:  # too long to be kept whole
        return {}
    return found if isinstance(found, dict) else {}


def facts(
    run_id: str,
    name: str | None,
    status: str,
    started: int | None,
    ended: int | None,
    parameters: Mapping[str, str],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """Return the fields of a summary, from what MLflow holds; times are in milliseconds."""
    own = _list(tags.get("mlops.parameters"))
    begun = datetime.fromtimestamp((started or 0) / 1000, UTC).astimezone()
    model = json.loads(tags["mlops.model"])["type"] if "mlops.model" in tags else None
    return {
        "run": tags.get(RUN) or name or run_id,
        "notebook": tags.get("mlops.notebook", ""),
        "kind": tags.get("mlops.kind", ""),
        "status": status,
        "started": begun.isoformat(timespec="seconds"),
        "seconds": (ended - (started or 0)) / 1000 if ended else None,
        "parameters": {key: parameters[key] for key in own if key in parameters},
        "metrics": dict(metrics),
        "model": model.rpartition(".")[2] if model else None,
        "mlflow_id": run_id,
        "estimator_parameters": {k: v for k, v in parameters.items() if k not in own},
        "tags": {k: v for k, v in tags.items() if not k.startswith(_NOT_OF_PEOPLE)},
        "user": tags.get("mlflow.user", ""),
        "parent": tags.get(PARENT, ""),
    }


def _facts(run: Run) -> dict[str, Any]:
    data, info = run.data, run.info
    return facts(
        info.run_id,
        info.run_name,
        info.status,
        info.start_time,
        info.end_time,
        data.params,
        data.metrics,
        data.tags,
    )


def _models(client: MlflowClient, run: Run) -> dict[str, str]:
    found = client.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'", max_results=100
    )
    latest = sorted(found, key=lambda model: model.creation_timestamp)
    return {model.name: model.model_id for model in latest if str(model.status) == "READY"}


def _list(text: str | None) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return found if isinstance(found, list) else []
