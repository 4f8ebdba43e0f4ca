"""``%mlops``: the command line's verbs in a notebook, shown as tables."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MlopsError
from ..project import Project
from .kernel import kernel_file
from .verb_process import run_verb
from .views import Table, View

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..notebook.kernel_state import KernelState

# Verbs that work on a notebook: without a path they mean the notebook they are written in.
_NOTEBOOK_VERBS = frozenset(
    {"check", "form", "promote", "prove", "rerun", "pipeline", "run", "suggest"}
)
# Verbs that look at what the kernel has executed, where the notebook is the kernel's own.
_KERNEL_VERBS = frozenset({"check", "promote", "prove", "pipeline", "suggest"})


def register(shell: InteractiveShell) -> None:
    """Make ``%mlops`` known to the shell."""

    def mlops(line: str) -> View | None:
        """%mlops [VERB …]: captured runs, promotion, serving and monitoring.

        ``%mlops`` alone tells what is captured; ``%mlops --help`` lists the verbs.
        ``%mlops card`` shows the captured run and follows it; ``%mlops form [NOTEBOOK]`` shows its
        parameters as a form that starts a rerun.
        ``%mlops debug [RUN] [STEP]`` puts the inputs of a step that failed into this kernel.
        """
        words = shlex.split(line)
        if words[:1] == ["debug"]:
            from .debug import debug

            return debug(shell, words[1:])
        if words[:1] == ["card"]:
            return card(shell)
        if words[:1] == ["form"]:
            return form(words)
        view = run(words) if words else status()
        return _with_charts(view)

    shell.register_magic_function(mlops, "line", "mlops")  # type: ignore[arg-type]


def status() -> View:
    """Return what is captured of this notebook so far."""
    from ..capture import session

    current = session.current()
    if current is None:
        return View(["Nothing is captured here: run `%load_ext jupyter_mlops` first."])
    facts = current.status()
    rows = [[name, value] for name, value in facts.items()]
    return View(tables=[Table("This run", ("", "value"), rows)], data=facts)


def card(shell: InteractiveShell) -> View | None:
    """Show the captured run as a card that follows it."""
    from ..capture import session
    from .look import live

    current = session.current()
    if current is None:
        return status()
    live.show(shell, current)
    return None


def form(words: list[str]) -> View | None:
    """Show the parameters of a notebook, this one by default, as a form."""
    from .look import form

    path = Path(_with_notebook(words)[1])
    return form.show(path, lambda given, tell, stop: run_verb([*given, "--json"], tell, stop))


def _with_charts(view: View | None) -> View | None:
    """Show a view's charts as displays of their own, below it."""
    if view is None or not view.charts:
        return view
    from IPython.display import display

    if view.lines or view.tables:
        display(replace(view, charts=[]))  # type: ignore[no-untyped-call]
    for chart in view.charts:
        display(chart)  # type: ignore[no-untyped-call]
    return None


def run(words: list[str]) -> View | None:
    """Run a verb in a process of its own, show its progress, and return its view.

    The kernel stays free of MLflow and of the verb's memory. Raises `MlopsError`.
    """
    words = _with_notebook(words)
    if {"-h", "--help"} & set(words):
        return run_verb(words)
    state = _own_kernel(words)
    if state is None:
        return run_verb([*words, "--json"])
    with kernel_file(state) as file:
        return run_verb([*words, "--json", "--kernel", str(file)])


def _own_kernel(words: list[str]) -> KernelState | None:
    """Return this kernel's state for a verb that asks for it, on this kernel's notebook."""
    from ..capture import session

    current = session.current()
    if words[0] not in _KERNEL_VERBS or current is None or current.path is None:
        return None
    given = next((Path(word) for word in words[1:] if word.endswith(".ipynb")), None)
    own = given is not None and given.resolve() == current.path.resolve()
    return current.kernel_state() if own else None


def _with_notebook(words: list[str]) -> list[str]:
    if words[0] not in _NOTEBOOK_VERBS or any(word.endswith(".ipynb") for word in words[1:]):
        return list(words)
    from ..capture import session

    current = session.current()
    if current is None or not current.notebook.endswith(".ipynb"):
        raise MlopsError(
            "mlops.which-notebook",
            f"`%mlops {words[0]}` does not know which notebook it is in.",
            hint=f"give its path: `%mlops {words[0]} notebook.ipynb`.",
        )
    path = Project.find().root / current.notebook
    return [words[0], str(path), *words[1:]]
