"""The store: runs, their artifacts and the model registry of a project, in MLflow."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..capture import journal
from ..capture.processes import spawn_writer, writers_allowed
from ..os_errors import explain_os_errors
from ..project import Project
from . import cursor
from .artifacts import Artifacts, FolderArtifacts, ServedArtifacts, folder_of
from .asking import ask
from .client import client, is_remote, preload, sqlite_file
from .feeder import RUN, Feeder, pending
from .reading import Wanted, read_runs
from .references import LATEST, find_run
from .run_tables import artifact_uri, read_record
from .runs import RunDetail, RunSummary, detail, record
from .tables import read_experiments, tables_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

_POLL = 0.1


class Store:
    """Runs and models of one project.

    MLflow is imported, and its store made, when it is first needed.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._client: MlflowClient | None = None

    def sync(self, run: str | None = None, *, wait: float = 15.0) -> None:
        """Bring journals into MLflow now: those of all runs, or of one.

        The project's writer does it where one lives; else this process.

        Parameters
        ----------
        run
            The name of one run; returns once it is complete in the store.
        wait
            Seconds to wait for the end of this run's kernel; what there is stands in the store
            even where the kernel goes on longer.

        Raises
        ------
        MlopsError
            ``run.unknown`` where there is neither a journal of this run nor a run in the store.
        """
        with explain_os_errors(self.project.root):
            if run is None:
                folders = pending(self.project)
                if folders and not ask(self.project):
                    for folder in folders:
                        Feeder(self.project, folder).feed(self.client, wait=False)
                return
            folder = self.project.journals / run
            if not (folder / journal.NAME).exists():
                self.run_id(run)
                return
            feeder: Feeder | None = None
            end = time.monotonic() + wait
            while True:
                if feeder is None and ask(self.project):
                    done = cursor.load(folder).finished
                else:
                    feeder = feeder or Feeder(self.project, folder)
                    done = feeder.feed(self.client, hurry=True)
                if done or time.monotonic() >= end:
                    return
                time.sleep(_POLL)

    def get_ready(self) -> None:
        """Have MLflow imported while something else is waited for; `sync` follows."""
        if writers_allowed():
            spawn_writer(self.project)
        else:
            preload()

    def runs(self, notebook: str | None = None, limit: int = 50) -> list[RunSummary]:
        """Return captured runs, the newest first.

        Parameters
        ----------
        notebook
            Path of one notebook as seen from the project's root; default: all notebooks.
        """
        return self.newest(self.experiments(notebook), limit)

    def newest(self, experiments: Sequence[str], limit: int) -> list[RunSummary]:
        """Return the newest captured runs of some experiments of MLflow's."""
        return read_runs(self, Wanted(experiments, limit=limit))[0] if experiments else []

    def run(self, ref: str = LATEST) -> RunDetail:
        """Return one run: by name, MLflow id, the unique beginning of either, or ``latest``.

        Raises `MlopsError` ``run.unknown`` or ``run.ambiguous``.
        """
        run_id = self.run_id(ref)
        if (file := self.tables) is not None:
            of = read_record(file, run_id)
        else:
            of = record(self.client, self.client.get_run(run_id))
        return detail(of, self.artifacts(run_id))

    def run_id(self, ref: str) -> str:
        """Return MLflow's id of a run; raises as `run` does."""
        return find_run(self, ref)

    def artifacts(self, run_id: str) -> Artifacts:
        """Return the artifacts of a run, named by MLflow's id."""
        file = self.tables
        folder = folder_of(artifact_uri(file, run_id)) if file is not None else None
        return FolderArtifacts(folder) if folder else ServedArtifacts(self.client, run_id)

    def document(self, run: RunDetail, name: str) -> Any:
        """Return the content of a JSON artifact of a run, None where it has none."""
        return self.artifacts(run.mlflow_id).json(name) if name in run.artifacts else None

    def log_artifact(self, run: str, path: Path, folder: str = "") -> None:
        """Keep a copy of a file, or of a folder with all it holds, as an artifact of a run."""
        run_id = self.run_id(run)
        if path.is_dir():
            self.client.log_artifacts(run_id, str(path), folder or path.name)
        else:
            self.client.log_artifact(run_id, str(path), folder or None)

    def register(self, run: str, name: str, tags: Mapping[str, str]) -> str | None:
        """Make a version of the registered model ``name`` from the run's model, and return it.

        None where the run has no fitted estimator, so that there is nothing to register.
        """
        from mlflow.exceptions import MlflowException

        found = self.client.get_run(self.run_id(run))
        text = found.data.tags.get("mlops.model")
        if text is None:
            return None
        model_id = json.loads(text)["model_id"]
        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        version = self.client.create_model_version(
            name,
            source=self._model_source(model_id),
            run_id=found.info.run_id,
            tags={RUN: found.data.tags.get(RUN, ""), **tags},
            model_id=model_id,
        )
        return str(version.version)

    def _model_source(self, model_id: str) -> str:
        if is_remote(self.project.tracking_uri):
            return f"models:/{model_id}"
        # A local registry would look that up in the store that is set for the whole process.
        return str(self.client.get_logged_model(model_id).artifact_location)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias such as ``champion`` name a version of a registered model."""
        self.client.set_registered_model_alias(name, alias, version)

    @property
    def client(self) -> MlflowClient:
        """MLflow's client of this store, for what this class does not do."""
        if self._client is None:
            self._client = client(self.project)
        return self._client

    def experiments(self, notebook: str | None = None) -> list[str]:
        """Return MLflow's ids of all experiments, or of the one of a notebook."""
        if self.is_empty():
            return []
        if (file := self.tables) is not None:
            return read_experiments(file, notebook)
        if notebook is not None:
            found = self.client.get_experiment_by_name(notebook)
            return [found.experiment_id] if found is not None else []
        ids: list[str] = []
        token = None
        while True:
            page = self.client.search_experiments(page_token=token)
            ids += [each.experiment_id for each in page]
            token = page.token
            if not token:
                return ids

    @property
    def tables(self) -> Path | None:
        """The SQLite file whose tables can be read; None where only MLflow can read the store."""
        return tables_of(self.project.tracking_uri)

    @property
    def is_remote(self) -> bool:
        """Whether a server keeps the store, so that each run costs time on a network."""
        return is_remote(self.project.tracking_uri)

    def is_empty(self) -> bool:
        """Tell whether there is no store yet; asking makes none."""
        file = sqlite_file(self.project.tracking_uri)
        return file is not None and not file.exists()


__all__ = ["LATEST", "RunDetail", "RunSummary", "Store", "preload"]
