"""The executed notebook of a point: the notebook's own file, with outputs from two processes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..notebook.document import Notebook
from ..notebook.executed import mark
from ..notebook.parameters import parameters_cell
from ..os_errors import explain_os_errors
from ..pipeline.execution import Execution
from ..rerun.injection import INJECTED


def assemble(
    notebook: Notebook,
    executions: Iterable[Execution],
    *,
    run: str,
    injected: str,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the notebook in nbformat 4.5, with the outputs of what was executed.

    Parameters
    ----------
    injected
        The source of the cell that stands behind the parameters cell.
    parameters
        What was given, as JSON can hold it.
    """
    content: dict[str, Any] = json.loads(notebook.path.read_text(encoding="utf-8"))
    content["nbformat_minor"] = max(content.get("nbformat_minor", 5), 5)
    found = {each.cell.id: each for each in executions}
    home = parameters_cell(notebook)
    cells: list[dict[str, Any]] = []
    for cell, raw in zip(notebook.cells, content["cells"], strict=True):
        raw["id"] = cell.id
        if cell.kind == "code":
            _fill(raw, found.get(cell.id))
        cells.append(raw)
        if home is not None and cell.id == home.id:
            own = {"cell_type": "code", "id": INJECTED, "metadata": {"tags": [INJECTED]}}
            own["source"] = injected
            _fill(own, found.get(INJECTED))
            cells.append(own)
    content["cells"] = cells
    content["metadata"]["papermill"] = {
        "parameters": dict(parameters),
        "input_path": str(notebook.path),
        "duration": round(sum(each.seconds for each in found.values()), 3),
        "exception": any(each.error is not None for each in found.values()) or None,
    }
    mark(content["metadata"], run)
    return content


def write(content: dict[str, Any], path: Path) -> None:
    """Write an executed notebook in one piece; raises `MlopsError` ``project.disk-full``."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    with explain_os_errors(path):
        try:
            staged.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
            os.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)


def _fill(raw: dict[str, Any], execution: Execution | None) -> None:
    raw["outputs"] = execution.outputs if execution is not None else []
    raw["execution_count"] = execution.count if execution is not None else None
    if execution is not None:
        metadata = raw.setdefault("metadata", {})
        metadata["papermill"] = {
            "duration": round(execution.seconds, 6),
            "status": "failed" if execution.error is not None else "completed",
        }
