"""Whether a word of a command names a notebook or a chain of ``mlops.toml``."""

from __future__ import annotations

from pathlib import Path

from ..errors import MlopsError, Place
from ..project import SETTINGS, Project


def chain_of(word: Path) -> str | None:
    """Return the chain that a word names; None for a notebook, which wins where its file exists.

    Raises `MlopsError` ``notebook.missing`` where it is plainly neither.
    """
    name = str(word)
    if word.is_file() or word.suffix == ".ipynb":
        return None
    project = Project.find()
    from ..chains.graph import chain_names, near

    known = chain_names(project)
    if name in known:
        return name
    where = f"no such pipeline in {SETTINGS}" if known else f"no [[pipeline]] in {SETTINGS}"
    hint = near(name, known) or (f"pipelines: {', '.join(known)}." if known else "check the path.")
    raise MlopsError(
        "notebook.missing",
        f"There is no such notebook, and {where}: `{name}`.",
        hint=hint,
        place=Place(str(project.root)),
    )
