"""Batches: many metrics, parameters and tags in few calls of MLflow."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

_PARAMS_PER_BATCH = 100
_REFUSED = re.compile(r"[^\w.\- :/]")
_LONGEST_KEY = 250
MOST_METRICS = 1000
"""In one call; MLflow takes no more."""


def log(
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
            {"metrics": metrics[at : at + MOST_METRICS]}
            for at in range(0, len(metrics), MOST_METRICS)
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
            if len(entities) > 1:
                # Only halves: of a thousand points a few may be wrong.
                middle = len(entities) // 2
                for half in (entities[:middle], entities[middle:]):
                    log(client, run_id, **{"metrics": [], "params": [], "tags": [], kind: half})


def allowed_key(name: str) -> str:
    """Return the name as MLflow takes it for a metric: what it refuses becomes an underscore."""
    key = _REFUSED.sub("_", name)[:_LONGEST_KEY]
    if key == "." or key.startswith(("/", "..")) or key != posixpath.normpath(key):
        # It must not look like another path than it is, as each may become a file's name.
        parts = (part for part in key.split("/") if part.strip("."))
        key = "/".join(parts).lstrip("./") or "_"
    return key
