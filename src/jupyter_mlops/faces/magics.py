"""``%mlops``: the command line's verbs, and those of the kernel itself, in a notebook."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from . import kernel_verbs, own_notebook
from .help import general_help, nearest, verbs
from .kernel import kernel_file
from .kernel_verbs import RAW, Here
from .verb_process import run_verb
from .views import View

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..notebook.kernel_state import KernelState

# Verbs that work on a notebook: without a path they mean the notebook they are written in.
_NOTEBOOK_VERBS = frozenset(
    {"check", "params", "promote", "prove", "rerun", "pipeline", "run", "suggest", "sweep", "tune"}
)
# Verbs that look at what the kernel has executed, where the notebook is the kernel's own.
_KERNEL_VERBS = frozenset({"check", "promote", "prove", "pipeline", "suggest"})
# Verbs that run a notebook: in a run of that notebook they would begin it again, without end.
_RUNNING_VERBS = frozenset({"promote", "prove", "rerun", "run", "sweep", "tune"})
# Verbs that tell of many points while they run.
_LIVE_VERBS = frozenset({"sweep", "tune"})
# Verbs that take a pipeline of mlops.toml as well, by its name.
_PIPELINE_VERBS = frozenset({"pipeline", "run"})
_HELP = frozenset({"-h", "--help"})
_FRAMES = 2
"""From the function that expands names back to the user's own: the magic, and IPython's call."""


def register(shell: InteractiveShell) -> None:
    """Make ``%mlops`` and ``%%mlops`` known to the shell."""
    from IPython.core.magic import needs_local_scope, no_var_expand

    from . import cell_magics, completion

    def mlops(line: str, local_ns: dict[str, Any] | None = None) -> View | None:
        verb, rest = split(line)
        if verb != "log":
            # `log` evaluates expressions itself, in which braces are Python's.
            rest = shell.var_expand(rest, _FRAMES)  # type: ignore[no-untyped-call]
        local = local_ns if local_ns is not None else shell.user_ns
        return with_charts(call(Here(shell, local), verb, rest))

    # What `%mlops?` shows; read when it is asked for.
    mlops.getdoc = general_help  # type: ignore[attr-defined]
    line_magic = no_var_expand(needs_local_scope(mlops))
    shell.register_magic_function(line_magic, "line", "mlops")  # type: ignore[arg-type]
    cell_magics.register(shell)
    completion.register(shell)


def split(line: str) -> tuple[str, str]:
    """Return the verb that a line begins with, and the rest of the line as it is written."""
    verb, _, rest = line.strip().partition(" ")
    return verb, rest.strip()


def call(here: Here, verb: str, rest: str) -> View | None:
    """Call a verb with the rest of its line; raises what it raises, and ``mlops.usage``."""
    if not verb:
        return kernel_verbs.call("status", [], here)
    if verb in _HELP:
        print(general_help())
        return None
    raw = verb in RAW and not rest.startswith("--")
    words = ["--", rest] if raw and rest not in _HELP else _words(rest)
    known = verbs()
    if verb not in known and not verb.startswith("-"):
        raise MlopsError(
            "mlops.verb",
            f"There is no verb `{verb}`{nearest(verb, known)}",
            hint="`%mlops --help` lists the verbs.",
        )
    if verb in known and _HELP & set(words):
        print(known[verb].help)
        return None
    if verb in kernel_verbs.kernel_verbs.commands:
        return kernel_verbs.call(verb, words, here)
    return run([verb, *words], here.shell)


def _words(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError as error:
        raise MlopsError(
            "mlops.quotes",
            f"`{rest}` cannot be read: {str(error).lower()}.",
            hint="close the quote, or write a backslash before one that is meant as such.",
        ) from None


def with_charts(view: View | None) -> View | None:
    """Show a view's charts as displays of their own, below it."""
    if view is None or not view.charts:
        return view
    from IPython.display import display

    if view.lines or view.tables:
        display(replace(view, charts=[]))  # type: ignore[no-untyped-call]
    for chart in view.charts:
        display(chart)  # type: ignore[no-untyped-call]
    return None


def run(words: list[str], shell: InteractiveShell | None = None) -> View | None:
    """Run a verb in a process of its own, show its progress, and return its view.

    The kernel stays free of MLflow and of the verb's memory. Raises `MlopsError`.
    """
    words = _with_notebook(words)
    if _is_within_itself(words):
        print(f"`%mlops {words[0]}` is left out where the notebook is run by such a verb.")
        return None
    if words[0] in _LIVE_VERBS and "--list" not in words:
        from .look import sweep_live

        own_notebook.warn_unsaved(words)
        return sweep_live.run(shell, [*words, "--json"])
    state = _own_kernel(words)
    if state is None:
        return run_verb([*words, "--json"])
    with kernel_file(state) as file:
        return run_verb([*words, "--json", "--kernel", str(file)])


def _own_kernel(words: list[str]) -> KernelState | None:
    """Return this kernel's state for a verb that asks for it, on this kernel's notebook."""
    from ..capture import session

    current = session.current()
    if words[0] not in _KERNEL_VERBS or current is None:
        return None
    return current.kernel_state() if own_notebook.is_own(words) else None


def _is_within_itself(words: list[str]) -> bool:
    from ..capture import session

    current = session.current()
    is_ordered = current is not None and current.ordered
    return words[0] in _RUNNING_VERBS and is_ordered and own_notebook.is_own(words)


def _with_notebook(words: list[str]) -> list[str]:
    if words[0] not in _NOTEBOOK_VERBS or any(word.endswith(".ipynb") for word in words[1:]):
        return list(words)
    if words[0] in _PIPELINE_VERBS and len(words) > 1 and not words[1].startswith("-"):
        return list(words)  # a pipeline's name
    return [words[0], str(kernel_verbs.own_notebook(words[0])), *words[1:]]
