"""Capture of one kernel: from ``%load_ext jupyter_mlops`` to the kernel's end."""

from __future__ import annotations

import atexit
import getpass
import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import MlopsError
from ..notebook.kernel_state import KernelState
from ..notebook.secret_references import resolve
from ..os_errors import explain_os_errors
from ..project import Project
from .background import Background
from .cells import INJECTED, NOTEBOOK, FileCells
from .environment import environment
from .git import git
from .hooks import Hooks
from .journal import NAME, Journal
from .location import INTERACTIVE, Order, notebook_path, order, request
from .observed_flow import FlowObserver, FullFlowObserver
from .observing import Observers
from .processes import spawn_writer, started
from .records import AnyRecord, CellStart, End, Note, Start, Tag
from .redaction import learn_secrets, learn_values, redact, redact_value
from .run_names import new_run_name
from .scalars import text
from .waiting import waiting

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_SECONDS_AT_END = 5.0

_current: CaptureSession | None = None


def start(shell: InteractiveShell) -> CaptureSession | None:
    """Begin to capture what ``shell`` runs, and return the session; the same one if it has begun.

    Where the project cannot be written to, one line on standard error says so, nothing is captured
    and None is returned: the notebook goes on as if it had not been asked for.
    """
    if _current is not None and _current.active:
        return _current
    return _begin(shell, "")


def start_anew(shell: InteractiveShell, name: str = "") -> CaptureSession | None:
    """End the run that is being captured, if there is one, and begin a new one.

    Parameters
    ----------
    name
        What the run's name begins with; default: what the notebook is called.

    A run that was ordered, such as a rerun, is one run: it goes on. Returns as `start` does.
    """
    old = current()
    if old is not None and old.ordered:
        return old
    if old is not None:
        old.leave()
    return _begin(shell, name)


def stop() -> CaptureSession | None:
    """End the run that is being captured, and capture no more; return what was ended.

    A run that was ordered goes on, and is returned.
    """
    old = current()
    if old is not None and not old.ordered:
        old.leave()
    return old


def _begin(shell: InteractiveShell, name: str) -> CaptureSession | None:
    global _current
    before = _current
    try:
        _current = CaptureSession(shell, name, before)
    except (MlopsError, OSError) as error:
        _current = None
        _warn(error)
    return _current


def current() -> CaptureSession | None:
    """Return this kernel's session, None where nothing is captured."""
    return _current if _current is not None and _current.active else None


def latest() -> CaptureSession | None:
    """Return this kernel's session, or the last one where it has ended."""
    return _current


class CaptureSession:
    """One run being captured; made by `start` and `start_anew`.

    ``before`` is the run that this kernel captured before: what it knows of the kernel lives on.
    Raises `MlopsError` ``project.read-only``, ``project.disk-full`` or ``capture.order``.
    """

    def __init__(
        self, shell: InteractiveShell, name: str = "", before: CaptureSession | None = None
    ) -> None:
        ordered = order()
        # `PWD` is no password: it is where the shell works, and stands in every path.
        learn_values((name, value) for name, value in os.environ.items() if name != "PWD")
        learn_secrets(resolve(each) for each in (ordered.secrets if ordered is not None else ()))
        path = notebook_path(shell.user_ns, ordered, request(shell), _executed(shell))
        self.project = Project.find(path)
        self.path = path
        self.notebook = self.project.relative(path) if path is not None else INTERACTIVE
        self.kind = ordered.kind if ordered is not None else "interactive"
        self.ordered = ordered is not None
        """Whether somebody else ordered this run, and waits for it."""
        self.run, self.folder = self._folder(ordered, name)
        self.active = True
        self._full = False
        """Whether the user was told that the disk is full."""
        self._pid = os.getpid()
        self._journal = Journal(self.folder)
        self._background = Background(lambda error: self._hooks.problem(error), self._look_after)
        if ordered is not None and ordered.observe:
            from ..notebook.figure_data import keep_figure_data

            keep_figure_data(shell)
        observers = Observers(ordered.observe if ordered is not None else [])
        self._hooks: Hooks = Hooks(
            shell,
            self._journal,
            self._background,
            FileCells(
                Path(ordered.cells) if ordered is not None and ordered.cells else path,
                self._keep_notebook,
            ),
            observers,
            _flow_observer(shell, ordered),
            self.project.root,
            self._off,
            before._hooks if before is not None else None,
        )
        self._hooks.scalars.references = frozenset(_by_reference(ordered))
        self._hooks.append(self._start(ordered))
        if not self.active:
            return
        self._hooks.register()
        self._background.add(self._look_after)
        if ordered is None or not ordered.part:
            self._background.add(self._describe)
        atexit.register(self.close)

    def status(self) -> dict[str, Any]:
        """Return what is captured so far, for people: words to words and numbers."""
        hooks = self._hooks
        models = ", ".join(hooks.estimators.names)
        return {
            "run": self.run,
            "notebook": self.notebook,
            "cells executed": hooks.executed,
            "parameters": _pairs(hooks.scalars.parameters),
            "metrics": _pairs({n: f"{v:.6g}" for n, v in hooks.scalars.metrics.items()}),
            "models": models or "none yet",
            "data": ", ".join(hooks.frames.names) or "none yet",
            "store": redact(self.project.tracking_uri),
            "waiting": self._waiting(),
        }

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric that has one so far."""
        return dict(self._hooks.scalars.metrics)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters so far, as text."""
        return dict(self._hooks.scalars.parameters)

    def kernel_state(self) -> KernelState:
        """Return the user's variables by name, and all that the kernel has executed."""
        return self._hooks.kernel_state()

    def note(self, words: str) -> None:
        """Add words of the user's own to the run."""
        self._hooks.append(Note(time=time.time(), kind="note", text=redact(words)))

    def tag(self, tags: Mapping[str, str]) -> None:
        """Give the run tags, as `read_tags` reads them."""
        for key, value in tags.items():
            self._hooks.append(Tag(time=time.time(), key=key, value=value))

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """Add one value of a metric, as set by the cell that runs; from any thread."""
        self._hooks.metric(name, value, step)

    def listen(self, listener: Callable[[str, float, int], None] | None) -> None:
        """Have each value of a metric told, with its step, as it is set.

        What ``listener`` raises is raised there.
        """
        self._hooks.listener = listener

    def know(self, sources: Iterable[str]) -> None:
        """Take in the code of cells that ran before this run, or this part of one, began."""
        self._hooks.know(sources)

    def settle(self) -> bool:
        """Wait until the background has done its work, and return whether it has."""
        return self._background.settle(_SECONDS_AT_END)

    def branch(self, ordered: Order) -> None:
        """Go on in a forked process as the run of ``ordered``, with what was captured so far.

        The forking process must have settled. Raises as `CaptureSession` does.
        """
        before = self.folder
        self.run, self.folder = self._folder(ordered, "")
        for path in before.rglob("*"):
            target = self.folder / path.relative_to(before)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            elif path.name != NAME and not target.exists():
                os.link(path, target)
        self.kind = ordered.kind
        self._pid = os.getpid()
        start = self._start(ordered)

        def change(record: AnyRecord) -> AnyRecord:
            if isinstance(record, Start):
                return start
            is_injected = isinstance(record, CellStart) and record.cell == INJECTED
            if is_injected and ordered.injected:
                return msgspec.structs.replace(record, source=redact(ordered.injected))
            return record

        self._hooks.move(self.folder, change)

    def leave(self) -> None:
        """End the run while the kernel goes on, from within a cell of it."""
        self._hooks.leave()
        self.close()
        if not self.ordered:
            spawn_writer(self.project)

    def close(self, status: str | None = None) -> None:
        """End the run; a rerun whose last cell failed is FAILED, anything else FINISHED."""
        if not self.active or os.getpid() != self._pid:
            return
        self._hooks.unregister()
        self._hooks.end_lost()
        atexit.unregister(self.close)
        self._background.finish(_SECONDS_AT_END)
        if self.active:
            failed = self._hooks.failed and self.kind != "interactive"
            self._hooks.append(
                End(time=time.time(), status=status or ("FAILED" if failed else "FINISHED"))
            )
        self.active = False
        self._journal.close()

    def _waiting(self) -> str:
        words = str(waiting(self.project, self.run, self._journal.count))
        held = self._journal.held
        return f"{words}; {held:,} of them in memory, as the disk is full" if held else words

    def _look_after(self) -> None:
        """Write what the full disk has kept waiting, and start a writer where there is none."""
        if self._journal.flush():
            self._full = False
        if self.kind == "interactive":
            # Whoever ordered a run feeds the store himself, when the run is over.
            spawn_writer(self.project)

    def _folder(self, ordered: Order | None, given: str) -> tuple[str, Path]:
        if ordered is not None and ordered.journal:
            folder = Path(ordered.journal)
            with explain_os_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
            return ordered.run, folder
        if ordered is not None:
            return ordered.run, self.project.folder("journal", ordered.run)
        while True:
            name = new_run_name(given.replace("/", "-") or self.notebook)
            if not (self.project.journals / name / NAME).exists():
                return name, self.project.folder("journal", name)

    def _start(self, ordered: Order | None) -> Start:
        given = ordered.parameters if ordered is not None else {}
        return Start(
            time=time.time(),
            run=self.run,
            kind=self.kind,
            notebook=self.notebook,
            path=str(self.path or ""),
            host=socket.gethostname(),
            pid=os.getpid(),
            pid_started=started(os.getpid()) or 0.0,
            python=platform.python_version(),
            platform=platform.platform(),
            user=_user(),
            parameters={name: redact_value(name, text(value)) for name, value in given.items()}
            | _by_reference(ordered),
            parent=ordered.parent if ordered is not None else "",
        )

    def _describe(self) -> None:
        self._hooks.append(environment())
        found = git(self.project.root, self.folder)
        if found is not None:
            self._hooks.append(found)

    def _keep_notebook(self, make: Callable[[], bytes]) -> None:
        """Keep the notebook as it was saved, for the artifact ``notebook.ipynb``."""

        def keep() -> None:
            part = self.folder / f".{NOTEBOOK}.part"
            with explain_os_errors(self.folder):
                part.write_bytes(make())
                os.replace(part, self.folder / NOTEBOOK)

        self._background.add(keep)

    def _off(self, error: MlopsError | OSError) -> None:
        """Stop capturing, with one line; the journal stays as far as it was written.

        A full disk is no reason to: the journal's records wait in memory.
        """
        if isinstance(error, MlopsError) and error.code == "project.disk-full":
            if not self._full:
                self._full = True
                print(f"jupyter-mlops: {error.message} To do: {error.hint}", file=sys.stderr)
        elif self.active:
            self.active = False
            self._hooks.unregister()
            _warn(error)


def _flow_observer(shell: InteractiveShell, ordered: Order | None) -> FlowObserver:
    hidden = shell.user_ns_hidden
    if ordered is not None and ordered.flow:
        return FullFlowObserver(hidden, Path(ordered.flow), shell.transform_cell)
    return FlowObserver(hidden)


def _executed(shell: InteractiveShell) -> list[str]:
    history = shell.history_manager
    return list(history.input_hist_raw) if history is not None else []


def _warn(error: MlopsError | OSError) -> None:
    if isinstance(error, MlopsError):
        hint = f" To do: {error.hint}" if error.hint else ""
        words = f"{error.message}{hint}"
    else:
        words = f"The project cannot be written to: {error}."
    print(f"jupyter-mlops: capture is off. {words}", file=sys.stderr)


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "none yet"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _by_reference(ordered: Order | None) -> dict[str, str]:
    """Return the references to secrets among the parameters that a run was given."""
    given = ordered.parameters.items() if ordered is not None else ()
    return {name: value for name, value in given if ordered and value in ordered.secrets}
