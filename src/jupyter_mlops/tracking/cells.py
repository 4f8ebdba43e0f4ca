"""The executed cells of a run as text that people read and editors open."""

from __future__ import annotations

import json
from typing import Any


def to_json(cells: list[dict[str, Any]]) -> str:
    """Return the content of the artifact ``cells.json``."""
    return json.dumps(cells, indent=1, ensure_ascii=False)


def to_script(notebook: str, cells: list[dict[str, Any]]) -> str:
    """Return the artifact ``cells.py``: what was executed, in order, in the percent format.

    It is a record to read, not a program: cells may stand in it twice, and magics are as they were.
    """
    parts = [f"# What {notebook} executed, in order.\n"]
    for cell in cells:
        seconds = "" if cell["seconds"] is None else f", {cell['seconds']:.3g} s"
        place = "" if cell["position"] is None else f"cell {cell['position']}, "
        tags = f' tags="{" ".join(cell["tags"])}"' if cell["tags"] else ""
        head = f"# %% [{cell['order']}: {place}id={cell['id']}, {cell['outcome']}{seconds}]{tags}"
        parts.append(f"{head}\n{cell['source'].rstrip()}\n")
    return "\n".join(parts)
