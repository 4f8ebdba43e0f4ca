"""Data as MLflow's dataset inputs, and back: frames in memory, files, queries, packages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..capture.records import Dataset as Read
from ..capture.records import Frame

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run

_CELL = "mlops.cell"
_KIND = "mlops.data.kind"
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


def source_input(read: Read) -> DatasetInput:
    """Return data that was read as MLflow keeps it, with its source in MLflow's own form."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    kind, source = "code", {"tags": {"mlflow.source.name": read.source, "query": read.query}}
    if read.kind == "file":
        remote = read.source.startswith(("http://", "https://"))
        kind = "http" if remote else "local"
        source = {"url": read.source} if remote else {"uri": read.source}  # type: ignore[dict-item]
    profile = {"num_rows": read.rows, "num_columns": read.columns, "bytes": read.bytes}
    dataset = Dataset(
        name=read.name[:250],
        digest=read.fingerprint or f"cell-{read.order}",
        source_type=kind,
        source=json.dumps(source),
        profile=json.dumps({key: value for key, value in profile.items() if value is not None}),
    )
    tags = {"mlflow.data.context": read.kind, _CELL: str(read.order), _KIND: read.kind}
    return DatasetInput(dataset, [InputTag(key, value) for key, value in tags.items()])


def listed(frames: Iterable[Frame], read: Iterable[Read]) -> list[dict[str, Any]]:
    """Return the content of the artifact ``datasets.json``, in the order of the cells."""
    found: list[dict[str, Any]] = [
        {
            "name": frame.name,
            "kind": "memory",
            "source": frame.source,
            "fingerprint": frame.fingerprint,
            "bytes": frame.bytes,
            "rows": frame.rows,
            "columns": len(frame.columns),
            "cell": frame.order,
        }
        for frame in frames
    ]
    for each in read:
        entry = {
            "name": each.name,
            "kind": each.kind,
            "source": each.source,
            "fingerprint": each.fingerprint,
            "bytes": each.bytes,
            "rows": each.rows,
            "columns": each.columns,
            "cell": each.order,
        }
        found.append(entry | ({"query": each.query} if each.query else {}))
    return sorted(found, key=lambda entry: entry["cell"])


class Input(NamedTuple):
    """One of a run's datasets as MLflow keeps it; ``tags`` are those of its use in this run."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None
    tags: Mapping[str, str]


def inputs_of(run: Run) -> list[Input]:
    """Return the datasets of a run of MLflow's."""
    return [
        Input(
            found.dataset.name,
            found.dataset.digest,
            found.dataset.source_type,
            found.dataset.source,
            found.dataset.schema,
            found.dataset.profile,
            {tag.key: tag.value for tag in found.tags},
        )
        for found in (run.inputs.dataset_inputs if run.inputs else ())
    ]


def is_frame(found: Input) -> bool:
    """Tell frames in memory from data that was read from somewhere."""
    return _KIND not in found.tags


def frame_of(found: Input) -> dict[str, Any]:
    """Return name, shape, columns, fingerprint, size in bytes, source, and the cell's order."""
    schema = _json(found.schema).get("mlflow_colspec", [])
    profile = _json(found.profile)
    given = _json(found.source)
    source = given.get("tags", {})
    place = given.get("uri") or given.get("url") or found.source_type
    cell = found.tags.get(_CELL, "")
    return {
        "name": found.name,
        "shape": [profile.get("num_rows"), profile.get("num_columns", len(schema))],
        "columns": [[column.get("name"), column.get("type")] for column in schema],
        "fingerprint": found.digest,
        "bytes": profile.get("bytes"),
        "source": source.get("mlflow.source.name", place),
        "cell": int(cell) if cell.isdecimal() else None,
    }


def _json(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
