"""The notebook of a run as it was: the artifact ``notebook.ipynb``, with sources as executed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..capture.cells import INJECTED, NOTEBOOK

_NEW: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def as_executed(folder: Path, executed: list[dict[str, Any]], python: str) -> str:
    """Return the notebook's text.

    Its cells are those of the file as it was saved last; what was executed has the source of its
    last execution. Cells that are in no file stand behind the one that was executed before them.

    Parameters
    ----------
    folder
        The journal's folder, which holds the notebook as it was saved.
    executed
        The executed cells, as in ``cells.json``.
    """
    content = _saved(folder)
    cells: list[dict[str, Any]] = content["cells"]
    places = {cell["id"]: number for number, cell in enumerate(cells)}
    last = -1
    for cell in executed:
        name = cell["id"]
        if name in places:
            last = places[name]
            cells[last]["source"] = cell["source"]
        elif name != INJECTED:
            last += 1
            cells.insert(last, _code(cell))
            places = {each["id"]: number for number, each in enumerate(cells)}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content["metadata"].setdefault("kernelspec", kernel)
    content["metadata"].setdefault("language_info", {"name": "python", "version": python})
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _saved(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / NOTEBOOK).read_bytes())
    except (OSError, ValueError):
        return {**_NEW, "cells": [], "metadata": {}}
    return found


def _code(cell: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        # Ids of some front ends are addresses, which the format does not allow.
        "id": cell["id"] if _is_id(cell["id"]) else f"executed-{cell['order']}",
        "metadata": {"tags": cell["tags"]} if cell["tags"] else {},
        "source": cell["source"],
        "outputs": [],
        "execution_count": None,
    }


def _is_id(name: str | None) -> bool:
    return name is not None and 0 < len(name) <= 64 and name.replace("-", "_").isidentifier()
