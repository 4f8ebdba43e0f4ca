"""Frames as MLflow's dataset inputs, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..capture.records import Frame

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_CELL = "mlops.cell"
_LONGEST_SCHEMA = 60_000


def dataset_input(frame: Frame) -> DatasetInput:
    """Return a frame as MLflow keeps it: the digest is our fingerprint of the whole content."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    columns = [{"name": name, "type": dtype} for name, dtype in frame.columns]
    schema = json.dumps({"mlflow_colspec": columns})
    while len(schema) > _LONGEST_SCHEMA:
        columns = columns[: len(columns) // 2]
        schema = json.dumps({"mlflow_colspec": columns})
    profile = {
        "num_rows": frame.rows,
        "num_elements": frame.rows * len(frame.columns),
        "num_columns": len(frame.columns),
        "bytes": frame.bytes,
    }
    words = frame.source or f"cell {frame.order}"
    dataset = Dataset(
        name=frame.name,
        # MLflow tells datasets apart by name and digest, so a frame without one gets its cell.
        digest=frame.fingerprint or f"cell-{frame.order}",
        source_type="code",
        source=json.dumps({"tags": {"mlflow.source.name": words}}),
        schema=schema,
        profile=json.dumps(profile),
    )
    return DatasetInput(
        dataset,
        [InputTag("mlflow.data.context", words[:250]), InputTag(_CELL, str(frame.order))],
    )


def frame_of(found: DatasetInput) -> dict[str, Any]:
    """Return name, shape, columns, fingerprint, size in bytes, source, and the cell's order."""
    dataset = found.dataset
    tags = {tag.key: tag.value for tag in found.tags}
    schema = _json(dataset.schema).get("mlflow_colspec", [])
    profile = _json(dataset.profile)
    source = _json(dataset.source).get("tags", {})
    return {
        "name": dataset.name,
        "shape": [profile.get("num_rows"), profile.get("num_columns", len(schema))],
        "columns": [[column.get("name"), column.get("type")] for column in schema],
        "fingerprint": dataset.digest,
        "bytes": profile.get("bytes"),
        "source": source.get("mlflow.source.name", dataset.source_type),
        "cell": int(tags[_CELL]) if tags.get(_CELL, "").isdecimal() else None,
    }


def _json(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
