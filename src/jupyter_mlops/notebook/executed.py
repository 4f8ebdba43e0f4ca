"""What an executed notebook says of the run that it is the result of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place

KEY = "jupyter_mlops"


def mark(metadata: dict[str, Any], run: str) -> None:
    """Write the run's name into the metadata of an executed notebook."""
    metadata[KEY] = {**(metadata.get(KEY) or {}), "run": run}


def run_of(path: Path) -> str:
    """Return the name of the run that an executed notebook is the result of.

    Raises `MlopsError` ``executed.no-run``, ``executed.missing`` or ``notebook.not-json``.
    """
    name = run_name(path)
    if name is None:
        raise MlopsError(
            "executed.no-run",
            "The notebook was not executed as a run.",
            hint="execute it with `papermill --engine mlops` or `jupyter mlops rerun`.",
            place=Place(str(path)),
        )
    return name


def run_name(path: Path) -> str | None:
    """Return the name of a notebook's run; None where it is the result of none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        name = content.get("metadata", {}).get(KEY, {}).get("run")
    except FileNotFoundError:
        raise MlopsError(
            "executed.missing",
            "There is no such executed notebook.",
            hint="did it run? An executed notebook is kept also where a cell fails.",
            place=Place(str(path)),
        ) from None
    except (OSError, ValueError, AttributeError):
        raise MlopsError(
            "notebook.not-json",
            "The executed notebook cannot be read.",
            hint="execute the notebook again.",
            place=Place(str(path)),
        ) from None
    return name if isinstance(name, str) else None
