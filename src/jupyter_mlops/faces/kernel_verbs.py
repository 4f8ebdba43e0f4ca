"""Verbs of ``%mlops`` that work on the kernel they are called in, at once and without MLflow."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..capture import session
from ..capture.run_tags import read_tags
from ..errors import MlopsError
from ..project import Project
from . import logged
from .verb_process import run_verb
from .views import Table, View

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

RAW = frozenset({"log", "note"})
"""Verbs that take the rest of their line as it is written, quotes and all."""
_OFF = "Nothing is captured here"
_BEGIN = "`%mlops start` begins a run."


@dataclass(slots=True)
class Here:
    """The kernel that a verb is called in, and the names where it is called."""

    shell: InteractiveShell
    local: dict[str, Any]


_told_off = False
"""Whether the user was told, since the last start, that what is logged goes nowhere."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def kernel_verbs() -> None:
    """Verbs that work on this kernel."""


def call(name: str, words: list[str], here: Here) -> View | None:
    """Call a verb with its words; raises `MlopsError` ``mlops.usage`` where they are wrong."""
    command = kernel_verbs.commands[name]
    try:
        above = click.Context(kernel_verbs, info_name="%mlops", help_option_names=["-h", "--help"])
        with command.make_context(name, list(words), parent=above, obj=here) as context:
            found = command.invoke(context)
    except click.exceptions.Exit:
        return None
    except click.ClickException as error:
        raise MlopsError(
            "mlops.usage",
            error.format_message(),
            hint=f"`%mlops {name} --help` tells how it is used.",
        ) from None
    assert found is None or isinstance(found, View)
    return found


def _current() -> session.CaptureSession:
    current = session.current()
    if current is None:
        raise MlopsError("capture.off", f"{_OFF}.", hint=_BEGIN)
    return current


@kernel_verbs.command()
def status() -> View:
    """Tell what is captured of this notebook; `%mlops` alone does the same."""
    current = session.current()
    if current is None:
        return View([f"{_OFF}: {_BEGIN}"])
    facts = current.status()
    rows = [[name, value] for name, value in facts.items()]
    return View(tables=[Table("This run", ("", "value"), rows)], data=facts)


@kernel_verbs.command()
@click.argument("name", nargs=-1)
@click.pass_obj
def start(here: Here, name: tuple[str, ...]) -> View | None:
    """End this run and begin a new one, whose name begins with NAME."""
    global _told_off
    old = session.current()
    new = session.start_anew(here.shell, " ".join(name))
    if new is None:
        return None
    _told_off = False
    if new is old:
        return _one_run(new)
    ended = [f"The run {old.run} has ended."] if old is not None else []
    lines = [*ended, f"The run {new.run} begins with this cell."]
    return View(lines, data={"run": new.run, "ended": old.run if old is not None else None})


@kernel_verbs.command()
def stop() -> View:
    """End this run and capture no more; `%mlops start` begins again."""
    old = session.stop()
    if old is None:
        return View([f"{_OFF}: {_BEGIN}"])
    if old.active:
        return _one_run(old)
    lines = [f"The run {old.run} has ended; no more is captured. {_BEGIN}"]
    return View(lines, data={"ended": old.run})


def _one_run(current: session.CaptureSession) -> View:
    return View([f"This is the {current.kind} {current.run}, which is one run: it goes on."])


@kernel_verbs.command(context_settings={"ignore_unknown_options": True})
@click.option("--run", help="A run that has ended; default: this one.")
@click.argument("text", nargs=-1, type=click.UNPROCESSED)
def note(run: str | None, text: tuple[str, ...]) -> View | None:
    """Add a note to this run; the text needs no quotes, and {names} stand for values."""
    words = _unquoted(" ".join(text).strip())
    if not words:
        raise MlopsError("note.empty", "The note is empty.", hint="write `%mlops note TEXT`.")
    if run is not None:
        return run_verb(["note", run, words, "--json"])
    current = _current()
    current.note(words)
    return View([f"Noted at the run {current.run}."])


@kernel_verbs.command()
@click.option("--run", help="A run that has ended; default: this one.")
@click.argument("tags", nargs=-1, metavar="KEY=VALUE|WORD...")
def tag(run: str | None, tags: tuple[str, ...]) -> View | None:
    """Give this run tags, to find it by."""
    read = read_tags(tags)
    if run is not None:
        return run_verb(["tag", run, *tags, "--json"])
    current = _current()
    current.tag(read)
    shown = ", ".join(f"{key}={value}" for key, value in read.items())
    return View([f"The run {current.run} is tagged {shown}."])


@kernel_verbs.command(context_settings={"ignore_unknown_options": True})
@click.argument("values", nargs=-1, type=click.UNPROCESSED, metavar="NAME=VALUE... [step=N]")
@click.pass_obj
def log(here: Here, values: tuple[str, ...]) -> None:
    """Log metrics of this run; values are Python expressions: `%mlops log loss=history[-1]`."""
    global _told_off
    from ..capture.logging import log as append

    expressions = logged.read_line(" ".join(values))
    if session.current() is None:
        if not _told_off:
            _told_off = True
            print(f"{_OFF}, so that nothing is logged: {_BEGIN}", file=sys.stderr)
        return
    found = logged.evaluate(expressions, here.shell.user_global_ns, here.local)
    step = found.pop(logged.STEP, None)
    if not found:
        raise MlopsError(
            "log.form",
            "There is a step, but no value.",
            hint="write `%mlops log NAME=VALUE step=N`.",
        )
    append(found, step=step)


@kernel_verbs.command()
@click.pass_obj
def card(here: Here) -> View | None:
    """Show this run as a card that follows it."""
    from .look import live

    live.show(here.shell, _current())
    return None


@kernel_verbs.command()
@click.argument("notebook", required=False)
def form(notebook: str | None) -> View | None:
    """Show the parameters of a notebook, this one by default, as a form that starts a rerun."""
    from .look import form

    path = Path(notebook) if notebook is not None else own_notebook("form")
    return form.show(path, lambda given, tell, stop: run_verb([*given, "--json"], tell, stop))


@kernel_verbs.command()
@click.argument("run", default="latest")
@click.argument("step", required=False)
@click.pass_obj
def debug(here: Here, run: str, step: str | None) -> View:
    """Put the inputs of a step, the one that failed by default, into this kernel."""
    from .debug import debug

    return debug(here.shell, [run] if step is None else [run, step])


@kernel_verbs.command()
@click.argument("run", default="latest")
@click.option("-o", "--output", help="The new file; default: NOTEBOOK-RUN.ipynb.")
@click.option("--variables", is_flag=True, help="Put its variables, where kept, into this kernel.")
@click.pass_obj
def restore(here: Here, run: str, output: str | None, variables: bool) -> View | None:
    """Write the notebook of a run, as it was, to a new file; also its variables to this kernel."""
    given = [] if output is None else ["--output", output]
    try:
        view = run_verb(["restore", run, *given, "--json"])
    except MlopsError as error:
        if not variables or error.code != "restore.no-notebook":
            raise
        from .restored import put_pipeline

        return put_pipeline(here.shell, run)
    if view is None or not variables:
        return view
    from .restored import put_variables

    return put_variables(here.shell, view)


def own_notebook(verb: str) -> Path:
    """Return the notebook of this kernel; raises `MlopsError` ``mlops.which-notebook``."""
    latest = session.latest()
    if latest is None or not latest.notebook.endswith(".ipynb"):
        raise MlopsError(
            "mlops.which-notebook",
            f"`%mlops {verb}` does not know which notebook it is in.",
            hint=f"give its path: `%mlops {verb} notebook.ipynb`.",
        )
    return Project.find().root / latest.notebook


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted and text[0] not in text[1:-1] else text
