"""The store: runs, their artifacts and the model registry of a project, in MLflow."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..capture import journal
from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..project import Project
from .client import client, is_remote, preload, sqlite_file
from .feeder import RUN, Feeder, pending
from .reading import Wanted, pages, read_runs
from .runs import RunDetail, RunSummary, detail
from .tables import read_experiments, tables_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LATEST = "latest"
_POLL = 0.1
# What a run's name or id, or the beginning of one, may be made of.
_REFERENCE = re.compile(r"[\w.\- ]+\Z")


class Store:
    """Runs and models of one project.

    MLflow is imported, and its store made, when it is first needed.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._client: MlflowClient | None = None

    def sync(self, run: str | None = None, *, wait: float = 15.0) -> None:
        """Feed journals to MLflow now, in this process: those of all runs, or of one.

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
                for folder in pending(self.project):
                    Feeder(self.project, folder).feed(self.client, wait=False)
                return
            folder = self.project.journals / run
            if not (folder / journal.NAME).exists():
                self.run_id(run)
                return
            feeder = Feeder(self.project, folder)
            end = time.monotonic() + wait
            while not feeder.feed(self.client, hurry=True) and time.monotonic() < end:
                time.sleep(_POLL)

    def sync_started(self, run: str) -> None:
        """Import MLflow in the background while this run's kernel works; `sync` follows."""
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
        return detail(self.client, self._find(ref))

    def run_id(self, ref: str) -> str:
        """Return MLflow's id of a run; raises as `run` does."""
        return str(self._find(ref).info.run_id)

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

        found = self._find(run)
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

    def _find(self, ref: str) -> Run:
        if ref == LATEST:
            found = self._search(limit=1)
            if not found:
                raise MlopsError(
                    "run.unknown",
                    "There are no runs in this project yet.",
                    hint="run a notebook with `%load_ext jupyter_mlops` in its first cell.",
                    place=Place(str(self.project.root)),
                )
            return found[0]
        if _REFERENCE.match(ref):
            exact = self._search(f"tags.`{RUN}` = '{ref}'", limit=1)
            if exact:
                return exact[0]
            similar = self._search(f"tags.`{RUN}` LIKE '{_like(ref)}%'", limit=10)
            similar = [run for run in similar if run.data.tags[RUN].startswith(ref)]
            if not similar:
                similar = self._by_id(ref)
            if len(similar) == 1:
                return similar[0]
            if similar:
                names = ", ".join(sorted(run.data.tags.get(RUN, "") for run in similar))
                raise MlopsError(
                    "run.ambiguous",
                    f"`{ref}` is the beginning of several runs: {names}.",
                    hint="give more of the name.",
                )
        raise MlopsError(
            "run.unknown",
            f"There is no run `{ref}`.",
            hint="`jupyter mlops runs` lists them.",
            place=Place(str(self.project.root)),
        )

    def _by_id(self, ref: str) -> list[Run]:
        if not re.match(r"[0-9a-f]{4,32}\Z", ref):
            return []
        return self._search(f"attributes.run_id LIKE '{ref}%'", limit=10)

    def _search(self, condition: str = "", *, limit: int) -> list[Run]:
        experiments = self.experiments()
        if not experiments:
            return []
        return list(islice(pages(self.client, experiments, condition, limit), limit))

    def experiments(self, notebook: str | None = None) -> list[str]:
        """Return MLflow's ids of all experiments, or of the one of a notebook."""
        if self.is_empty():
            return []
        if (file := tables_of(self.project.tracking_uri)) is not None:
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
    def is_remote(self) -> bool:
        """Whether a server keeps the store, so that each run costs time on a network."""
        return is_remote(self.project.tracking_uri)

    def is_empty(self) -> bool:
        """Tell whether there is no store yet; asking makes none."""
        file = sqlite_file(self.project.tracking_uri)
        return file is not None and not file.exists()


def _like(text: str) -> str:
    # `_` stands for any character there; what it lets in too is sorted out afterwards.
    return text.replace("'", "''")


__all__ = ["LATEST", "RunDetail", "RunSummary", "Store", "preload"]
