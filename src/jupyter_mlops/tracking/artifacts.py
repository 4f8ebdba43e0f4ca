"""The artifacts of a run, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient


def read_json(client: MlflowClient, run_id: str, name: str) -> Any:
    """Return the content of a JSON artifact, None where it is missing or damaged."""
    content = read_bytes(client, run_id, name)
    try:
        return json.loads(content) if content is not None else None
    except ValueError:
        return None


def read_bytes(client: MlflowClient, run_id: str, name: str) -> bytes | None:
    """Return the content of an artifact, None where it is missing."""
    from mlflow.exceptions import MlflowException

    try:
        # A local store gives the file's own path, without a copy.
        return Path(client.download_artifacts(run_id, name)).read_bytes()
    except (MlflowException, OSError):
        return None
