"""Suggested tags, accepted: written into the notebook's file, so that the source says it all."""

from __future__ import annotations

from ..notebook.document import Notebook, read
from ..notebook.tagging import add_tags
from ..progress import Progress, Stage
from .suggestion import SuggestedTag, suggest


def accept_tags(notebook: Notebook) -> Progress[Notebook]:
    """Write the suggested tags into the notebook's file, and return the notebook with them.

    Raises `MlopsError` as `suggest` and `jupyter_mlops.notebook.tagging.add_tags` do.
    """
    stage = Stage("tags")
    suggested = suggest(notebook)
    for each in suggested:
        yield stage.notice(f"cell {each.cell.position}: {each.tag} ({each.reason})")
    changed = add_tags(notebook, tags_by_cell(suggested))
    if not changed:
        yield stage.done("every cell has its tags already")
        return notebook
    yield stage.done(
        f"wrote the tags of {len(changed)} cells into {notebook.name}; where it is open in an "
        "editor, reload it from disk",
        cells=[cell.position for cell in changed],
    )
    return read(notebook.path, name=notebook.name)


def tags_by_cell(suggested: tuple[SuggestedTag, ...]) -> dict[str, list[str]]:
    """Return the suggested tags of each cell's id."""
    found: dict[str, list[str]] = {}
    for each in suggested:
        found.setdefault(each.cell.id, []).append(each.tag)
    return found
