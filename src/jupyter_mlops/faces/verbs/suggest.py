"""The verb that suggests tags for a notebook that has none."""

from __future__ import annotations

from pathlib import Path

import click

from ...project import Project
from ..command import notebook_argument, verb
from ..kernel import kernel_option, read_kernel
from ..views import Table, View


@verb
@notebook_argument
@click.option("--apply", is_flag=True, help="Write the tags into the notebook's file.")
@kernel_option
def suggest(notebook: Path, apply: bool, kernel_file: Path | None) -> View:
    """Suggest tags for the cells that have none, with the reasons."""
    from ...notebook.document import read
    from ...notebook.ghosts import find_ghosts
    from ...notebook.tagging import add_tags
    from ...pipeline.suggestion import suggest as start
    from ...pipeline.suggestion import with_tags
    from ...pipeline.tag_writing import tags_by_cell

    project = Project.find(notebook)
    source = read(notebook, name=project.relative(notebook))
    found = start(source)
    ghosts = find_ghosts(with_tags(source, found), read_kernel(kernel_file))
    lines = [f"{ghost.message} To do: {ghost.fix}" for ghost in ghosts]
    if not found:
        lines.append("Every cell has its tags already.")
    elif apply:
        changed = add_tags(source, tags_by_cell(found))
        lines.append(
            f"Wrote the tags of {len(changed)} cells into {source.name}; where it is open in an "
            "editor, reload it from disk."
        )
    else:
        lines.append(f"`jupyter mlops suggest {source.name} --apply` writes these tags.")
    rows = [[each.cell.position, each.tag, each.reason] for each in found]
    tables = [Table("", ("cell", "tag", "reason"), rows)] if found else []
    data = {
        "tags": [each.to_dict() for each in found],
        "ghosts": [ghost.to_dict() for ghost in ghosts],
        "applied": bool(found) and apply,
    }
    return View(lines, tables, data)
