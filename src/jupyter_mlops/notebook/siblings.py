"""Where the modules lie that stand beside a notebook, and whose code is the notebook's too."""

from __future__ import annotations

from pathlib import Path


def sibling(module: str, folder: str | None) -> Path | None:
    """Return the source file of a module in the notebook's folder, None where there is none."""
    if folder is None or not module or module.startswith("."):
        return None
    place = Path(folder, *module.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None
