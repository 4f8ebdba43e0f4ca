"""MLflow, quiet and patient: no news, no network beside the store, waits for a busy SQLite."""

from __future__ import annotations

import logging
import os
import socket
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..capture.redaction import redact
from ..errors import MlopsError
from ..project import Project

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE_SECONDS = 60
_SECONDS_TO_ANSWER = 5.0
_REMOTE = frozenset({"http", "https", "databricks", "databricks-uc", "uc"})

_preloading: threading.Thread | None = None


def preload() -> None:
    """Import MLflow in a thread, so that its seconds pass while something else is waited for."""
    global _preloading
    if _preloading is None:
        _preloading = threading.Thread(target=_import, name="mlops-preload", daemon=True)
        _preloading.start()


def client(project: Project) -> MlflowClient:
    """Return a client of the project's store; makes the store where it is missing.

    Raises `MlopsError` ``store.unreachable`` where a server keeps the store and does not answer.
    """
    from filelock import FileLock

    uri = patient(project.tracking_uri)
    check_reachable(uri)
    _import()
    from mlflow import MlflowClient

    # Named outright: MLflow's default is whatever this process set last, for any project.
    registry = os.environ.get("MLFLOW_REGISTRY_URI") or uri
    if is_remote(uri):
        return MlflowClient(uri, registry)
    # Two processes must not make the tables of a new SQLite file at the same time.
    with FileLock(project.folder("locks") / "store.lock"):
        file = sqlite_file(uri)
        fresh = file is not None and not file.exists()
        try:
            found = MlflowClient(uri, registry)
            found.search_experiments(max_results=1)
        except BaseException:
            if fresh and file is not None:  # tables half made would never be finished
                file.unlink(missing_ok=True)
            raise
    return found


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite store; None for any other store."""
    prefix = "sqlite:///"
    return Path(uri[len(prefix) :].partition("?")[0]) if uri.startswith(prefix) else None


def is_remote(uri: str) -> bool:
    """Tell whether a server keeps the store and says where artifacts go."""
    return urlsplit(uri).scheme in _REMOTE


def check_reachable(uri: str) -> None:
    """Raise `MlopsError` ``store.unreachable`` where nobody listens at the address of a server.

    MLflow itself would find out after minutes.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return
    if parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(
        parts.hostname
    ):
        return  # it is the proxy that reaches it
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=_SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise MlopsError(
            "store.unreachable",
            f"The MLflow server {redact(uri)} does not answer ({error}).",
            hint="what is captured waits in .mlops/journal and goes there once it answers.",
        ) from None


def patient(uri: str) -> str:
    """Return the URI with a time to wait for locks, where it is an SQLite file without one."""
    if not uri.startswith("sqlite:") or "?" in uri:
        return uri
    return f"{uri}?timeout={_SQLITE_SECONDS}"


def _import() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    # Who feeds the store tries again by himself, and people wait for verbs: not for four minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # MLflow gives itself a handler and a level on import; both are undone before anything is said.
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow
