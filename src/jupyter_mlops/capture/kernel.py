"""The state of the running kernel, from IPython's own history."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ..notebook.kernel_state import Executed, KernelState

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def kernel_state(
    shell: InteractiveShell, cells: Mapping[int, str], failed: Collection[int]
) -> KernelState:
    """Return the user's variables by name, and what was executed since the kernel started.

    ``cells`` maps execution counts to the ids of the cells that were executed, where they are
    known; ``failed`` are the counts of those that did not come to their end.
    """
    hidden = shell.user_ns_hidden
    names = tuple(name for name in shell.user_ns if name not in hidden and not name.startswith("_"))
    history = shell.history_manager
    sources = history.input_hist_raw if history is not None else []
    executed = tuple(
        Executed(source, count, cells.get(count, ""))
        for count, source in enumerate(sources)
        if count and source.strip() and count not in failed
    )
    return KernelState(names, executed)
