"""What of a run's journal goes into its MLflow run, and in which form."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..capture.environment import requirements
from ..capture.records import Start
from ..capture.shown import FIGURES, TABLES
from . import batches, cursor, datasets, models, notes
from .cursor import Cursor
from .documents import documents
from .history import History
from .pipelines import STEPS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run, RunTag

_SECONDS_BETWEEN_CELLS = 5.0
_REST = 20.0
_SECONDS_TO_SETTLE = 5.0
"""A model that was fitted again so soon is not logged."""


class Contents:
    """Brings what the history holds, and the cursor does not know of yet, into the store."""

    def __init__(self, history: History, folder: Path) -> None:
        self.history = history
        self.folder = folder
        self._cells_due = 0.0

    def write(
        self, client: MlflowClient, state: Cursor, run: Run, start: Start, *, now: bool
    ) -> None:
        """Write what is new; with ``now`` also what may still change soon."""
        self.points(client, state, run)
        self._numbers(client, state, run)
        self._frames(client, state, run)
        self._surroundings(client, state, run, start)
        self._shown(client, state, run)
        self._models(client, state, run, start, now=now)
        self._cells(client, state, run, start, now=now)

    def settled(self, state: Cursor) -> bool:
        """Tell whether all that was read is in the store."""
        history = self.history
        logged = {model.digest for model in history.models.values()} <= set(state.models.values())
        return state.cells == history.told and state.metrics == history.points.read and logged

    def points(self, client: MlflowClient, state: Cursor, run: Run) -> None:
        """Write the points of metrics that wait, and forget them."""
        from mlflow.entities import Metric

        points = self.history.points
        points.forget(state.metrics)
        while found := points.next(batches.MOST_METRICS):
            metrics = [
                Metric(batches.allowed_key(each.name), each.value, each.time, each.step)
                for each in found
            ]
            batches.log(client, run.info.run_id, metrics, [], [])
            state.metrics += len(found)
            state.records = max(state.records, state.metrics)
            cursor.save(self.folder, state)
            points.forget(state.metrics)

    def _numbers(self, client: MlflowClient, state: Cursor, run: Run) -> None:
        from mlflow.entities import Param, RunTag

        history = self.history
        params = [
            Param(key[:250], value)
            for key, value in list(history.parameters.items())[state.parameters :]
        ]
        tags = []
        if params:
            names = json.dumps(list(history.parameters))
            tags.append(RunTag("mlops.parameters", names[:8000]))
        if len(history.notes) > state.notes:
            tags += _notes(history, state.notes, run)
        tags += [RunTag(tag.key, tag.value) for tag in history.tags[state.tags :]]
        if len(history.seeds) > state.seeds:
            seeds = {seed.what: seed.value for seed in history.seeds}
            tags.append(RunTag("mlops.seeds", json.dumps(seeds)[:8000]))
        batches.log(client, run.info.run_id, [], params, tags)
        state.parameters = len(history.parameters)
        state.notes = len(history.notes)
        state.tags = len(history.tags)
        state.seeds = len(history.seeds)

    def _frames(self, client: MlflowClient, state: Cursor, run: Run) -> None:
        new = [datasets.dataset_input(frame) for frame in self.history.frames[state.frames :]]
        new += [datasets.source_input(read) for read in self.history.datasets[state.datasets :]]
        if new:
            client.log_inputs(run.info.run_id, new)
        state.frames = len(self.history.frames)
        state.datasets = len(self.history.datasets)

    def _shown(self, client: MlflowClient, state: Cursor, run: Run) -> None:
        for shown in self.history.shown[state.shown :]:
            if shown.file and (self.folder / shown.file).exists():
                folder = shown.file.rpartition("/")[0]
                client.log_artifact(run.info.run_id, str(self.folder / shown.file), folder)
            state.shown += 1

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
            batches.log(client, run_id, [], [], [RunTag(key, value) for key, value in tags.items()])
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
        batches.log(client, run.info.run_id, [], params, [])

    def _cells(
        self, client: MlflowClient, state: Cursor, run: Run, start: Start, *, now: bool
    ) -> None:
        due = time.monotonic() > self._cells_due
        if state.cells == self.history.told or not (now or due):
            return
        self._write_cells(client, run, start, settled=now)
        state.cells = self.history.told

    def _write_cells(self, client: MlflowClient, run: Run, start: Start, *, settled: bool) -> None:
        began = time.monotonic()
        found = documents(self.history, start, self.folder, settled=settled)
        for name, text in found.items():
            client.log_text(run.info.run_id, text, name)
        # They are written whole each time: the longer that takes, the more rarely it is done.
        taken = time.monotonic() - began
        self._cells_due = began + max(_SECONDS_BETWEEN_CELLS, _REST * taken)

    def clean_up(self) -> None:
        """Remove the files that the store has now; the journal itself stays as evidence."""
        for name in ("models", FIGURES, TABLES):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def kill_cells(self, client: MlflowClient, run: Run, start: Start) -> None:
        running = [cell for cell in self.history.cells.values() if cell["outcome"] == "running"]
        for cell in running:
            cell["outcome"] = "killed"
        if running:
            self._write_cells(client, run, start, settled=True)


def _taken(given: dict[str, str], keys: dict[str, str], key: str, value: str) -> bool:
    return given.get(key, value) != value or keys.get(key, value) != value


def _notes(history: History, known: int, run: Run) -> list[RunTag]:
    from mlflow.entities import RunTag

    words = [(note.time, note.text) for note in history.notes[known:] if note.kind == "note"]
    problems = [note.text for note in history.notes if note.kind == "problem"]
    tags = []
    if words:
        tags.append(RunTag(notes.TAG, notes.added(run.data.tags.get(notes.TAG, ""), words)))
    if problems:
        tags.append(RunTag("mlops.problems", json.dumps(problems[-20:])[:8000]))
    for note in history.notes:
        if note.kind == STEPS:
            tags.append(RunTag("mlops.steps", json.dumps(note.data)[:8000]))
    return tags
