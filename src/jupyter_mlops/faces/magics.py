"""``%mlops``: the command line's verbs in a notebook, shown as tables."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError, Place
from ..project import Project
from .kernel import kernel_file
from .views import Table, View

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..notebook.kernel_state import KernelState

# Verbs that work on a notebook: without a path they mean the notebook they are written in.
_NOTEBOOK_VERBS = frozenset({"check", "promote", "prove", "rerun", "pipeline", "run", "suggest"})
# Verbs that look at what the kernel has executed, where the notebook is the kernel's own.
_KERNEL_VERBS = frozenset({"check", "promote", "pipeline", "suggest"})


def register(shell: InteractiveShell) -> None:
    """Make ``%mlops`` known to the shell."""

    def mlops(line: str) -> View | None:
        """%mlops [VERB …]: captured runs, promotion, serving and monitoring.

        ``%mlops`` alone tells what is captured; ``%mlops --help`` lists the verbs.
        ``%mlops debug [RUN] [STEP]`` puts the inputs of a step that failed into this kernel.
        """
        words = shlex.split(line)
        if words[:1] == ["debug"]:
            from .debug import debug

            return debug(shell, words[1:])
        return run(words) if words else status()

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


def run(words: list[str]) -> View | None:
    """Run a verb in a process of its own, show its progress, and return its view.

    The kernel stays free of MLflow and of the verb's memory. Raises `MlopsError`.
    """
    words = _with_notebook(words)
    if {"-h", "--help"} & set(words):
        return _run(words)
    state = _own_kernel(words)
    if state is None:
        return _run([*words, "--json"])
    with kernel_file(state) as file:
        return _run([*words, "--json", "--kernel", str(file)])


def _run(words: list[str]) -> View | None:
    command = [sys.executable, "-m", "jupyter_mlops.faces.cli", *words]
    env = {key: value for key, value in os.environ.items() if key != "JUPYTER_MLOPS_RUN"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            view = _follow(process.stdout)
        except KeyboardInterrupt:
            process.terminate()
            raise
        complaint = process.stderr.read().strip()
    if view is None and process.returncode:
        raise MlopsError(
            "mlops.usage",
            complaint.splitlines()[-1] if complaint else "The verb ended without a word.",
            hint="`%mlops --help` lists the verbs, `%mlops VERB --help` one verb's options.",
        )
    return view


def _follow(lines: Any) -> View | None:
    view: View | None = None
    for line in lines:
        try:
            event = json.loads(line)
            stage = event["stage"]
        except (ValueError, KeyError, TypeError):
            print(line, end="")
            continue
        if stage == "result":
            view = View.from_dict(event["view"])
        elif stage == "error":
            error = event["data"]
            place = Place(**error["place"]) if error["place"] else None
            raise MlopsError(error["code"], error["message"], hint=error["hint"], place=place)
        else:
            seconds = f"  ({event['seconds']:.1f} s)" if event["seconds"] else ""
            print(f"{stage:<9} {event['message']}{seconds}")
    return view


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
