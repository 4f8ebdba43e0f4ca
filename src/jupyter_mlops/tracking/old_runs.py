"""Runs that nobody needs any more: finding them in the store, and removing them for good."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from .client import is_remote
from .feeder import RUN
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.store.entities import PagedList

_T = TypeVar("_T")

KEEP = "keep"
"""The tag of runs that stay, with any value."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class OldRun:
    """A run that may go; ``age`` is in seconds, ``size`` in bytes, 0 where a server keeps it."""

    run: str
    run_id: str
    deleted: bool
    """Whether it was deleted in MLflow before, and is only kept for a change of mind."""
    models: Mapping[str, str]
    """Where each of its models' files are, by MLflow's id."""
    place: str
    age: float
    size: int


def find_old_runs(store: Store, older_than: float, named: Container[str]) -> list[OldRun]:
    """Return the runs that ended more than these seconds ago and that nothing names.

    Runs of registered model versions, and those tagged ``keep``, are needed. Runs that were
    deleted in MLflow before are among them.
    """
    if store.is_empty():
        return []
    registered = {
        version.run_id
        for version in _pages(
            lambda token: store.client.search_model_versions("", page_token=token)
        )
    }
    latest = (time.time() - older_than) * 1000
    found = []
    for run in _runs(store):
        name = run.data.tags.get(RUN)
        ended = run.info.end_time
        if name is None or ended is None or ended >= latest or KEEP in run.data.tags:
            continue
        if run.info.run_id in registered or name in named or run.info.run_id in named:
            continue
        models = _models(store, run)
        place = run.info.artifact_uri or ""
        size = sum(_size(store, uri) for uri in [place, *models.values()])
        deleted = run.info.lifecycle_stage == "deleted"
        age = time.time() - ended / 1000
        found.append(OldRun(name, run.info.run_id, deleted, models, place, age, size))
    return found


def remove_runs(store: Store, runs: Sequence[OldRun]) -> None:
    """Delete runs with their models and files.

    A server keeps what is deleted until ``mlflow gc`` runs there. That command itself would also
    remove whatever else was ever deleted, whole experiments too; so it is not used here.
    """
    purge = None if is_remote(store.project.tracking_uri) else store.client._tracking_client.store
    for run in runs:
        if not run.deleted:
            store.client.delete_run(run.run_id)
        for model, place in run.models.items():
            if purge is None:
                store.client.delete_logged_model(model)
            else:
                _remove_folder(store, place)
                purge._hard_delete_logged_model(model)
        if purge is not None:
            _remove_folder(store, run.place)
            purge._hard_delete_run(run.run_id)


def _runs(store: Store) -> Iterator[Run]:
    from mlflow.entities import ViewType

    experiments = [
        each.experiment_id
        for each in _pages(
            lambda token: store.client.search_experiments(view_type=ViewType.ALL, page_token=token)
        )
    ]
    if experiments:
        yield from _pages(
            lambda token: store.client.search_runs(
                experiments, "", ViewType.ALL, max_results=_PAGE, page_token=token
            )
        )


def _models(store: Store, run: Run) -> dict[str, str]:
    found = store.client.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'", max_results=100
    )
    return {model.model_id: model.artifact_location for model in found}


def _pages(ask: Callable[[str | None], PagedList[_T]]) -> Iterator[_T]:
    token = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def _size(store: Store, uri: str) -> int:
    folder = _folder(store, uri)
    if folder is None:
        return 0
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _remove_folder(store: Store, uri: str) -> None:
    folder = _folder(store, uri)
    if folder is not None:
        # MLflow keeps what belongs to a run in a folder of the run's own, below that.
        whole = folder.parent if folder.name == "artifacts" else folder
        shutil.rmtree(whole, ignore_errors=True)


def _folder(store: Store, uri: str) -> Path | None:
    """Return the folder of artifacts where it is the project's own; None otherwise.

    The store of a project that was copied still names the files of the first one.
    """
    parts = urlsplit(uri)
    folder = Path(unquote(parts.path))
    own = parts.scheme == "file" and folder.is_relative_to(store.project.artifact_root)
    return folder if own and folder != store.project.artifact_root else None
