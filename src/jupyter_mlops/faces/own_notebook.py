"""The notebook of this kernel among a verb's words, and whether its file looks old."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..capture import session
from ..errors import MlopsError
from ..notebook.document import Notebook, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..notebook.kernel_state import Executed


def warn_unsaved(words: list[str]) -> None:
    """Warn before a verb that runs the saved file of this notebook, if that looks old."""
    current = session.current()
    if current is None or current.path is None or not is_own(words):
        return
    try:
        notebook = read(current.path)
    except MlopsError:
        return  # the verb itself tells of it
    changed = changed_cells(notebook, current.kernel_state().executed)
    if changed:
        where = ", ".join(map(str, changed))
        cells = f"cell {where} was" if len(changed) == 1 else f"cells {where} were"
        print(
            f"The saved {current.path.name} runs, in which {cells} not as it was last run here: "
            "save the notebook first, if that is not meant.",
            file=sys.stderr,
        )


def is_own(words: list[str]) -> bool:
    """Tell whether the notebook among a verb's words is the one that this kernel runs."""
    current = session.current()
    given = next((Path(word) for word in words[1:] if word.endswith(".ipynb")), None)
    if current is None or current.path is None or given is None:
        return False
    return given.resolve() == current.path.resolve()


def changed_cells(notebook: Notebook, executed: Iterable[Executed]) -> list[int]:
    """Return the positions of saved cells whose last execution was of other code."""
    last = {each.cell_id: each.source for each in executed if each.cell_id}
    return [
        cell.position
        for cell in notebook.code_cells
        if cell.id in last
        and last[cell.id].strip() != cell.source.strip()
        and not last[cell.id].lstrip().startswith("%mlops")
    ]
