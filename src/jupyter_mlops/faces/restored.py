"""``%mlops restore RUN --variables``: a run's variables in the live kernel, where they are kept."""

from __future__ import annotations

import types
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._random_state import STATES
from ..notebook.document import read
from ..pipeline.recalled import Recalled, recall, recall_pipeline
from ..project import Project
from .views import Table, View

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_ASIDE = "_before_restore"


def put_pipeline(shell: InteractiveShell, run: str) -> View:
    """Put what the run of a pipeline has left into the kernel; raises as `recall_pipeline` does."""
    return _view(shell, View(), recall_pipeline(Project.find(), run), [])


def put_variables(shell: InteractiveShell, restored: View) -> View:
    """Put the variables of a restored run into the kernel, and say which could not be.

    Variables that stand in the way are kept as ``<name>_before_restore``.

    Parameters
    ----------
    restored
        What the verb ``restore`` showed.
    """
    facts = restored.data
    found = recall(Project.find(), read(Path(facts["file"])), facts["parameters"])
    return _view(shell, restored, found, facts["names"])


def _view(
    shell: InteractiveShell, restored: View, found: Recalled | None, names: list[str]
) -> View:
    if found is None:
        line = (
            "No variables of it are kept: no step of a pipeline has executed the same cells with "
            "the same parameters."
        )
        return replace(restored, lines=[*restored.lines, line])
    given, kept = _put(shell, found)
    lines = [
        *restored.lines,
        f"Its variables are in the kernel, as the steps {_steps(found)} of {found.run.name} left "
        "them.",
    ]
    missing = [name for name in names if name not in given and _is_value(shell, name)]
    if missing:
        lines.append(f"Not kept, so run the cells that make them: {', '.join(missing)}.")
    rows = [[name, type(value).__name__, kept.get(name, "")] for name, value in given.items()]
    table = Table("", ("variable", "type", "what was there is kept as"), rows)
    return replace(restored, lines=lines, tables=[table] if rows else [])


def _put(shell: InteractiveShell, found: Recalled) -> tuple[dict[str, Any], dict[str, str]]:
    run_cell: Any = shell.run_cell
    before = dict(shell.user_ns)
    for cell in found.prelude:
        run_cell(cell.source, store_history=False, silent=True).raise_error()
    given = {n: v for n, v in found.load(shell.user_ns).items() if n not in STATES}
    kept: dict[str, str] = {}
    for name, value in given.items():
        if name in before and before[name] is not value:
            kept[name] = f"{name}{_ASIDE}"
            shell.user_ns[kept[name]] = before[name]
    shell.user_ns.update(given)
    return given, kept


def _is_value(shell: InteractiveShell, name: str) -> bool:
    """Tell what is data from what the run's imports and definitions have brought back."""
    known = shell.user_ns.get(name)
    return not isinstance(known, types.ModuleType | types.FunctionType | type)


def _steps(found: Recalled) -> str:
    return ", ".join(step.name for step in found.steps)
