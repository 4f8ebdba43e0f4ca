"""The executed notebook of a run, put together from what its units left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ...capture.cells import INJECTED
from ...notebook.executed import KEY, mark
from ...notebook.figure_data import MIME
from ..work import EXECUTED


@dataclass(frozen=True, slots=True)
class CellResult:
    """What became of a cell; ``reused`` is the run that it was taken from, empty where it ran."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    reused: str = ""

    def metadata(self) -> dict[str, Any]:
        """Return what the cell's metadata tells of it."""
        reused = {"reused": self.reused} if self.reused else {}
        return {"seconds": self.seconds, **reused}


def results(folder: Path, names: Mapping[str, str], reused: str = "") -> dict[str, CellResult]:
    """Return what became of the cells of a unit that were run, by their ids.

    ``names`` are the ids of the unit's own cells, by those that they had when they were run.
    """
    try:
        content = msgspec.json.decode((folder / EXECUTED).read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}
    return {
        names[cell["id"]]: CellResult(
            cell["outputs"], (cell["metadata"].get(KEY) or {}).get("seconds", 0.0), reused
        )
        for cell in content["cells"]
        if cell["id"] in names and cell["execution_count"] is not None
    }


def assemble(
    path: Path,
    ids: list[str],
    run: str,
    done: Mapping[str, CellResult],
    injected: tuple[str, str] | None = None,
) -> bytes:
    """Return the text of the executed notebook.

    Parameters
    ----------
    path, ids
        The notebook's file, and the ids of all its cells as `notebook.document` names them.
    done
        What became of cells, by their ids; the others were not run.
    injected
        The id of the parameters cell, and the code of the cell that gives other values behind it;
        where the notebook has such a cell already, it is replaced.
    """
    content = msgspec.json.decode(path.read_bytes())
    cells: list[dict[str, Any]] = []
    count = 0
    for name, cell in zip(ids, content["cells"], strict=True):
        cell["id"] = name
        mine = injected is not None and injected[0] == name
        if mine and injected is not None and _is_injected(cell):
            cell["source"] = injected[1]
        if cell["cell_type"] == "code":
            count = _executed(cell, done.get(name), count)
        cells.append(cell)
        if mine and injected is not None and not _is_injected(cell):
            new = {
                "cell_type": "code",
                "id": INJECTED,
                "metadata": {"tags": [INJECTED]},
                "source": injected[1],
            }
            count = _executed(new, done.get(INJECTED), count)
            cells.append(new)
    metadata = content.setdefault("metadata", {})
    mark(metadata, run)
    content |= {"cells": cells, "nbformat_minor": max(content.get("nbformat_minor", 5), 5)}
    return msgspec.json.format(msgspec.json.encode(content), indent=1)


def _executed(cell: dict[str, Any], result: CellResult | None, count: int) -> int:
    """Give a cell its outputs; return how many cells have been run with it."""
    metadata = cell["metadata"] = dict(cell.get("metadata") or {})
    metadata.pop("execution", None)  # times of another execution
    metadata.pop(KEY, None)
    if result is None:
        cell |= {"outputs": [], "execution_count": None}
        return count
    count += 1
    outputs = [_shown(output, count) for output in result.outputs]
    cell |= {"outputs": outputs, "execution_count": count}
    metadata[KEY] = result.metadata()
    return count


def _shown(output: dict[str, Any], count: int) -> dict[str, Any]:
    """Return an output as a kernel sends it: what proofs compare of a figure is not for people."""
    if output["output_type"] == "execute_result":
        output = {**output, "execution_count": count}
    if MIME in output.get("data", ()):
        output = {**output, "data": {k: v for k, v in output["data"].items() if k != MIME}}
    return output


def _is_injected(cell: Mapping[str, Any]) -> bool:
    return INJECTED in ((cell.get("metadata") or {}).get("tags") or ())
