"""Results that come from cells which were not executed as they stand: no proof can cover them."""

from __future__ import annotations

from ..errors import MlopsError
from ..notebook.document import Notebook
from ..notebook.ghosts import KernelState, find_ghosts


def refuse_hidden_state(notebook: Notebook, kernel: KernelState | None, code: str) -> None:
    """Raise `MlopsError` with this code where the notebook's cells did not run in order.

    Parameters
    ----------
    kernel
        The live kernel in which the notebook was worked on; without it, what the saved execution
        counts tell.
    """
    for ghost in find_ghosts(notebook, kernel):
        raise MlopsError(code, ghost.message, hint=ghost.fix, place=ghost.place)
