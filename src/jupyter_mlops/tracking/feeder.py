"""Feeding one run's journal to MLflow: in batches, from where it stopped, each thing once."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..capture import journal
from ..capture.environment import requirements
from ..capture.processes import alive
from ..capture.records import Start
from ..notebook.observed import ObservedFlow
from ..project import Project
from . import cells, cursor, datasets, models
from .client import is_remote
from .cursor import Cursor
from .history import History

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, Run, RunTag

RUN = "mlops.run"
_PARAMS_PER_BATCH = 100
_METRICS_PER_BATCH = 1000
_SECONDS_BETWEEN_CELLS = 5.0
_SECONDS_TO_SETTLE = 5.0
"""A model that was fitted again so soon is not logged."""


class Feeder:
    """Knows one run's journal and brings it into the store.

    Several processes may feed the same run: what counts is the cursor, read under a lock.
    """

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.history = History(folder / journal.NAME)
        self._cells_written = 0.0
        self._behind = True
        """Whether something that was read is not in the store yet."""

    @property
    def finished(self) -> bool:
        return cursor.load(self.folder).finished

    def feed(self, client: MlflowClient, *, hurry: bool = False, wait: bool = True) -> bool:
        """Bring what is new into the store, and return whether the run is complete there.

        Parameters
        ----------
        hurry
            Log models and cells now, even if more of them may follow soon.
        wait
            Wait while another process feeds this run; else leave it to that one.
        """
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "lock", timeout=-1 if wait else 0):
                return self._feed(client, hurry)
        except Timeout:
            return False

    def _feed(self, client: MlflowClient, hurry: bool) -> bool:
        state = cursor.load(self.folder)
        if state.finished:
            return True
        history = self.history
        self._behind = history.read_on() or self._behind
        start = history.start
        if start is None:
            return False
        status = history.end.status if history.end is not None else None
        if status is None and not alive(start):
            history.read_on()  # what it wrote between our reading and its end
            status = history.end.status if history.end is not None else "KILLED"
        over = status is not None
        if not (over or self._behind):
            return False
        self._behind = True
        run = self._run(client, state, start)
        self._numbers(client, state, run)
        self._frames(client, state, run)
        self._surroundings(client, state, run, start)
        self._models(client, state, run, start, now=hurry or over)
        self._cells(client, state, run, start, now=hurry or over)
        if status is not None:
            if status == "KILLED":
                self._kill_cells(client, run, start)
            client.set_terminated(run.info.run_id, status, _ms(self._ended()))
            state.finished = True
        cursor.save(self.folder, state)
        logged = {model.digest for model in history.models.values()} <= set(state.models.values())
        self._behind = state.cells != history.offset or not logged
        if over:
            # The store has them now; the journal itself stays as evidence.
            shutil.rmtree(self.folder / "models", ignore_errors=True)
        return over

    def _run(self, client: MlflowClient, state: Cursor, start: Start) -> Run:
        if state.run_id:
            return client.get_run(state.run_id)
        experiment = _experiment(client, self.project, start.notebook)
        found = client.search_runs([experiment], f"tags.`{RUN}` = '{start.run}'", max_results=1)
        if found:
            run = found[0]
        else:
            tags = {
                RUN: start.run,
                "mlops.kind": start.kind,
                "mlops.notebook": start.notebook,
                "mlops.python": start.python,
                "mlops.platform": start.platform,
                "mlops.host": start.host,
                "mlflow.source.name": start.path or start.notebook,
                "mlflow.source.type": "NOTEBOOK",
                "mlflow.user": start.user,
            }
            run = client.create_run(experiment, _ms(start.time), tags, run_name=start.run)
        state.run_id = run.info.run_id
        cursor.save(self.folder, state)
        return run

    def _numbers(self, client: MlflowClient, state: Cursor, run: Run) -> None:
        from mlflow.entities import Metric, Param, RunTag

        history = self.history
        params = [
            Param(key[:250], value)
            for key, value in list(history.parameters.items())[state.parameters :]
        ]
        metrics = [
            Metric(metric.name, metric.value, _ms(metric.time), metric.step)
            for metric in history.metrics[state.metrics :]
        ]
        tags = []
        if params:
            names = json.dumps(list(history.parameters))
            tags.append(RunTag("mlops.parameters", names[:8000]))
        if len(history.notes) > state.notes:
            tags += _notes(history)
        _log(client, run.info.run_id, metrics, params, tags)
        state.parameters = len(history.parameters)
        state.metrics = len(history.metrics)
        state.notes = len(history.notes)

    def _frames(self, client: MlflowClient, state: Cursor, run: Run) -> None:
        new = self.history.frames[state.frames :]
        if new:
            client.log_inputs(run.info.run_id, [datasets.dataset_input(frame) for frame in new])
        state.frames = len(self.history.frames)

    def _surroundings(self, client: MlflowClient, state: Cursor, run: Run, start: Start) -> None:
        from mlflow.entities import RunTag

        run_id = run.info.run_id
        environment, git = self.history.environment, self.history.git
        if environment is not None and not state.environment:
            client.log_text(run_id, requirements(environment), "requirements.txt")
            content = {
                "python": start.python,
                "platform": start.platform,
                "distributions": environment.distributions,
                "local": list(environment.local),
            }
            client.log_text(run_id, json.dumps(content, indent=1), "environment.json")
            state.environment = True
        if git is not None and not state.git:
            tags = {
                "mlflow.source.git.commit": git.commit,
                "mlflow.source.git.branch": git.branch,
                "mlops.git.dirty": "true" if git.dirty else "false",
                "mlops.git.untracked": json.dumps(git.untracked[:50])[:8000],
            }
            _log(client, run_id, [], [], [RunTag(key, value) for key, value in tags.items()])
            if git.diff and (self.folder / git.diff).exists():
                client.log_artifact(run_id, str(self.folder / git.diff))
            state.git = True

    def _models(
        self, client: MlflowClient, state: Cursor, run: Run, start: Start, *, now: bool
    ) -> None:
        main = self.history.main_model
        if main is None:
            return
        latest = max(model.time for model in self.history.models.values())
        if not now and time.time() - latest < _SECONDS_TO_SETTLE:
            return
        for name, model in self.history.models.items():
            if state.models.get(name) == model.digest:
                continue
            given = self.history.estimator_parameters.get(model.digest)
            values = given.values if given is not None else {}
            try:
                state.model_ids[name] = models.log_model(
                    client, run, model, self.folder, self.history.environment, start.python, values
                )
            except FileNotFoundError:
                continue  # fitted again meanwhile: the kernel has replaced the file
            state.models[name] = model.digest
            self._estimator_parameters(client, state, run, values, "" if model is main else name)
            cursor.save(self.folder, state)
        if main.name in state.model_ids and state.main != state.model_ids[main.name]:
            state.main = state.model_ids[main.name]
            content = {"name": main.name, "type": main.type, "model_id": state.main}
            client.set_tag(run.info.run_id, "mlops.model", json.dumps(content))

    def _estimator_parameters(
        self, client: MlflowClient, state: Cursor, run: Run, values: dict[str, str], prefix: str
    ) -> None:
        """Log them under their own names, as autologging does; others' under the variable's."""
        from mlflow.entities import Param

        params = []
        for name, value in values.items():
            plain = f"{prefix}.{name}" if prefix else name
            key, count = plain, 1
            while _taken(self.history.parameters, state.keys, key, value):
                count += 1
                key = f"{plain}/{count}"
            if key not in self.history.parameters and key not in state.keys:
                state.keys[key] = value
                params.append(Param(key[:250], value))
        _log(client, run.info.run_id, [], params, [])

    def _cells(
        self, client: MlflowClient, state: Cursor, run: Run, start: Start, *, now: bool
    ) -> None:
        due = time.monotonic() - self._cells_written > _SECONDS_BETWEEN_CELLS
        if state.cells == self.history.offset or not (now or due):
            return
        self._write_cells(client, run, start)
        state.cells = self.history.offset

    def _write_cells(self, client: MlflowClient, run: Run, start: Start) -> None:
        executed = list(self.history.cells.values())
        client.log_text(run.info.run_id, cells.to_json(executed), "cells.json")
        client.log_text(run.info.run_id, cells.to_script(start.notebook, executed), "cells.py")
        if self.history.flows:
            flow = ObservedFlow(tuple(self.history.flows)).to_dict()
            client.log_text(run.info.run_id, json.dumps(flow), "flow.json")
        self._cells_written = time.monotonic()

    def _kill_cells(self, client: MlflowClient, run: Run, start: Start) -> None:
        running = [cell for cell in self.history.cells.values() if cell["outcome"] == "running"]
        for cell in running:
            cell["outcome"] = "killed"
        if running:
            self._write_cells(client, run, start)

    def _ended(self) -> float:
        end = self.history.end
        return end.time if end is not None else self.history.last


def pending(project: Project, known: set[str] | None = None) -> list[Path]:
    """Return the folders of runs that are not complete in the store, oldest first.

    Parameters
    ----------
    known
        Names of runs known to be complete; added to.
    """
    known = known if known is not None else set()
    try:
        entries = [entry for entry in os.scandir(project.journals) if entry.name not in known]
    except FileNotFoundError:
        return []
    found = []
    for entry in entries:
        folder = Path(entry.path)
        if not (folder / journal.NAME).exists():
            continue
        if cursor.load(folder).finished:
            known.add(entry.name)
        else:
            found.append(folder)
    return sorted(found, key=lambda folder: (folder / journal.NAME).stat().st_ctime)


def _taken(given: dict[str, str], keys: dict[str, str], key: str, value: str) -> bool:
    return given.get(key, value) != value or keys.get(key, value) != value


def _experiment(client: MlflowClient, project: Project, notebook: str) -> str:
    """Return the id of the notebook's experiment, made or brought back where it is missing."""
    from mlflow.exceptions import MlflowException

    for _ in range(2):
        found = client.get_experiment_by_name(notebook)
        if found is not None:
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
            return str(found.experiment_id)
        place = None
        if not is_remote(project.tracking_uri):
            place = f"file://{quote(str(project.folder('artifacts')))}"
        try:
            return str(client.create_experiment(notebook, artifact_location=place))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
    raise AssertionError("an experiment exists and does not")


def _log(
    client: MlflowClient,
    run_id: str,
    metrics: Sequence[Metric],
    params: Sequence[Param],
    tags: Sequence[RunTag],
) -> None:
    """Log in batches; what MLflow refuses is left out, so that it cannot hold up the rest."""
    from mlflow.exceptions import MlflowException

    batches: list[dict[str, Any]] = [
        *(
            {"metrics": metrics[at : at + _METRICS_PER_BATCH]}
            for at in range(0, len(metrics), _METRICS_PER_BATCH)
        ),
        *(
            {"params": params[at : at + _PARAMS_PER_BATCH]}
            for at in range(0, len(params), _PARAMS_PER_BATCH)
        ),
    ]
    if tags:
        batches.append({"tags": tags})
    for batch in batches:
        try:
            client.log_batch(run_id, **batch)
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            ((kind, entities),) = batch.items()
            if len(entities) == 1:
                continue
            for entity in entities:
                _log(client, run_id, **{"metrics": [], "params": [], "tags": [], kind: [entity]})


def _notes(history: History) -> list[RunTag]:
    from mlflow.entities import RunTag

    words = [note.text for note in history.notes if note.kind == "note"]
    problems = [note.text for note in history.notes if note.kind == "problem"]
    tags = []
    if words:
        tags.append(RunTag("mlflow.note.content", "\n\n".join(words)[:8000]))
    if problems:
        tags.append(RunTag("mlops.problems", json.dumps(problems[-20:])[:8000]))
    return tags


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
