"""A process that runs cells and forks: ``python -m jupyter_mlops.sweeps.branch``.

The first one, the trunk, runs the cells that all points share. At the first cell that a swept
parameter touches it waits, and forks a child for each point: the child assigns the point's values
and goes on. A child may itself stop at a later cell and fork for the points that share its values.

Each of them connects to the socket of whoever runs the sweep and speaks lines of JSON. It is told
``{"do": "fork" | "run" | "end", ...}`` and tells ``hello``, ``forked``, ``reaped``, ``cell``,
``metric``, ``waiting`` and ``ended``. Where the socket closes, it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from ..capture import location, session
from ..capture.location import Order
from ..errors import MlopsError
from ..notebook.dataflow import cell_code
from ..notebook.document import Cell, Notebook, read
from ..notebook.parameters import parameters_cell
from ..notebook.randomness import seeds
from ..notebook.secret_references import Redactor, resolve
from ..notebook.tags import RAISES
from ..os_errors import explain_os_errors
from ..pipeline import lifeline
from ..pipeline.execution import Execution, Session
from ..project import Project
from ..rerun.failure import cell_failed
from ..rerun.injection import INJECTED
from ..rerun.record import executed_path
from . import forking
from .executed import keep_executed
from .outcome import Outcome, read_error
from .plan import executed_cells
from .record import ended_row, write_row
from .wire import Channel, Job, Task

_STEPS = 100
"""Up to this step a point asks at each one whether to go on; then at every tenth, and so on."""


class Pruned(BaseException):
    """Ends a point early, at the metric that makes it hopeless; no cell's ``except`` catches it."""

    mlops_outcome = "pruned"
    """What the cell is told to have come to."""

    def _render_traceback_(self) -> list[str]:
        return [f"pruned: {self}"]


@dataclass(slots=True)
class _State:
    """What has been executed in this process and those it was forked from."""

    cells: list[Cell]
    at: int = 0
    executions: list[Execution] = field(default_factory=list)
    seeded: set[str] = field(default_factory=set)


class Branch:
    """The process that this module is run as."""

    def __init__(self, job: Job, path: str, number: int, held: int | None) -> None:
        self.job = job
        self._path = path
        self._held = held
        self._hold()
        self._channel = Channel(path, number)
        self.notebook: Notebook = read(job.notebook, name=job.name)
        home = parameters_cell(self.notebook)
        cells = executed_cells(self.notebook)
        if home is not None:
            given = Cell(INJECTED, home.position, "code", job.assign, (INJECTED,))
            cells.insert(cells.index(home) + 1, given)
        self.state = _State(cells)
        folder = Path(job.folder)
        self._redactor = Redactor(resolve(each) for each in job.secrets)
        self.session = Session(self.notebook.name, folder / f".scratch-{_own_name()}")
        self.session.keep_out(self._redactor)
        self._children: set[int] = set()
        self._start_capture()
        self._known = set(forking.open_files())
        self._is_in_cell = False
        self._pid = os.getpid()
        self._pruned = ""
        """Why this point is not worth going on with."""
        self._began = time.perf_counter()
        self._task = Task(0)

    def serve(self) -> NoReturn:
        """Do what is told until this process has ended."""
        while (command := self._channel.hear()) is not None:
            match command["do"]:
                case "run":
                    self._run(msgspec.convert(command["task"], Task))
                case "fork":
                    self._fork(command)
                case "reap":
                    self._reap(command["pid"])
                case "end":
                    break
        self._leave(0)

    # --- cells ------------------------------------------------------------------------------

    def _run(self, task: Task) -> None:
        self._task = task
        failure: dict[str, Any] | None = None
        status = "ok"
        try:
            if task.assign:
                exec(compile(task.assign, "<parameters>", "exec"), self.session.namespace)
            current = session.current()
            if task.order is not None and current is not None:
                forking.share_cores(self.job.workers)
                current.tag(task.tags)
                current.listen(self._metric)
            failure = self._run_cells(task.until)
        except Pruned:
            status = "pruned"
        except MlopsError as error:
            failure = error.to_dict()
        except Exception as error:
            failure = _unforeseen(error)
        if failure is not None:
            status = "failed"
        if task.order is None and status == "ok":
            self._channel.tell("waiting", at=self.state.at)
            return
        self._end(status, failure)

    def _run_cells(self, until: int) -> dict[str, Any] | None:
        """Run cells up to a number, that of the injected one counted; return how one failed."""
        while self.state.at < until:
            cell = self.state.cells[self.state.at]
            if cell.id == INJECTED and self._task.injected:
                cell = dataclasses.replace(cell, source=self._task.injected)
            self._channel.tell("cell", position=cell.position)
            self._is_in_cell = True
            execution = self.session.run(cell)
            self._is_in_cell = False
            self.state.executions.append(execution)
            self.state.at += 1
            self._note_seeds(cell)
            if self._pruned:
                self._end_pruned(execution)
                raise Pruned(self._pruned)
            if execution.error is not None and RAISES not in cell.tags:
                return self._failure(execution)
        return None

    def _end_pruned(self, execution: Execution) -> None:
        """Let a cell say in one line that it was ended, whatever a library made of `Pruned`."""
        kept = [each for each in execution.outputs if each["output_type"] != "error"]
        text = f"pruned: {self._pruned}\n"
        execution.outputs[:] = [*kept, {"output_type": "stream", "name": "stdout", "text": text}]
        execution.error = None
        current = session.current()
        if current is not None:
            current.tag({"mlops.pruned": self._pruned})

    def _note_seeds(self, cell: Cell) -> None:
        with contextlib.suppress(MlopsError):
            for seed in seeds(cell_code(cell, self.notebook).tree):
                self.state.seeded.update(seed.generators)

    def _failure(self, execution: Execution) -> dict[str, Any]:
        error = execution.error
        shown = [each for each in execution.outputs if each["output_type"] == "error"]
        last = shown[-1] if shown else {"ename": type(error).__name__, "evalue": str(error)}
        failed = cell_failed(
            self.notebook,
            execution.cell,
            name=last["ename"],
            message=last["evalue"],
            traceback=last.get("traceback", ()),
            execution_count=execution.count,
            executed=self._executed_path(),
        )
        failed.place = self.session.place(execution)
        return failed.to_dict()

    # --- capture ----------------------------------------------------------------------------

    def _start_capture(self) -> None:
        order = Order(
            run=Path(self.job.folder).name,
            kind="sweep",
            notebook=self.job.notebook,
            secrets=self.job.secrets,
            journal=str(Path(self.job.folder) / "trunk" / _own_name()),
        )
        os.environ[location.ORDER] = msgspec.json.encode(order).decode()
        os.environ["JUPYTER_MLOPS_PROJECT"] = self.job.project
        # Before capture's own, which tells metrics of a cell that has ended.
        self.session.shell.events.register("post_run_cell", self._leave_cell)
        # As a kernel does it, by name: the extension belongs to the faces, which stand above.
        import_module("jupyter_mlops").load_ipython_extension(self.session.shell)
        current = session.current()
        if current is not None:
            current.settle()

    def _leave_cell(self, _: object) -> None:
        self._is_in_cell = False

    def _metric(self, name: str, value: float, step: int) -> None:
        if os.getpid() != self._pid:
            return  # a cell has forked a process of its own
        is_main = threading.current_thread() is threading.main_thread()
        asks = name == self._task.prunes and is_main and not self._pruned and is_due(step)
        self._channel.tell("metric", name=name, value=value, step=step, asks=asks)
        if not asks:
            return
        answer = self._channel.hear()
        if answer is None or not answer.get("go", True):
            self._pruned = f"{name} was {value:.6g} at step {step}, behind other points"
            if self._is_in_cell:  # else what a cell that has ended leaves is still being noted
                raise Pruned(self._pruned)

    # --- processes --------------------------------------------------------------------------

    def _fork(self, command: dict[str, Any]) -> None:
        current = session.current()
        reason = forking.prepare(self._known | self._own_files())
        if not reason and current is not None and not current.settle():
            reason = "what the cells have shown is still being written"
        if reason:
            self._channel.tell("refused", id=command["id"], reason=reason)
            return
        sys.stdout.flush()
        sys.stderr.flush()
        drawn = random.getstate()
        try:
            with warnings.catch_warnings(action="ignore"):  # the threads that there are only wait
                pid = os.fork()
        except OSError as error:
            reason = f"the system has no room for a fork: {error.strerror}"
            self._channel.tell("refused", id=command["id"], reason=reason)
            return
        if pid:
            self._children.add(pid)
            self._channel.tell("forked", id=command["id"], pid=pid)
            return
        try:
            self._begin(command, drawn)
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    def _begin(self, command: dict[str, Any], drawn: Any) -> None:
        """Go on as a process of its own; ``drawn`` is the state of Python's random numbers."""
        os.setsid()
        self._hold()
        forking.after(seeded=self.state.seeded, drawn=drawn)
        self._channel.close()
        self._children = set()
        self._pid = os.getpid()
        log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        self._channel = Channel(self._path, command["id"])
        self._began = time.perf_counter()
        task = msgspec.convert(command["task"], Task)
        captured = session.latest()
        if captured is not None and captured.active:
            own = Path(self.job.folder) / "trunk" / _own_name()
            captured.branch(task.order or Order(run=captured.run, kind="sweep", journal=str(own)))
        self._run(task)

    def _own_files(self) -> set[int]:
        """Return the descriptors of capture's journal, which a child closes for itself."""
        root = str(Path(self.job.project) / ".mlops")
        return {number for number, name in forking.open_files().items() if name.startswith(root)}

    def _hold(self) -> None:
        if self._held is not None:
            lifeline.hold(self._held)

    def _reap(self, pid: int) -> None:
        code: int | None = None
        if pid in self._children:
            self._children.discard(pid)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self._channel.tell("reaped", pid=pid, code=code)

    # --- the end ----------------------------------------------------------------------------

    def _executed_path(self) -> Path:
        run = self._task.order.run if self._task.order is not None else Path(self.job.folder).name
        return executed_path(Project(Path(self.job.project)), run)

    def _end(self, status: str, failure: dict[str, Any] | None) -> NoReturn:
        """Keep the executed notebook, end the run, tell how it went, and leave."""
        task, captured = self._task, session.current()
        metrics = captured.metrics if captured is not None else {}
        if captured is not None and task.order is not None:
            captured.close("FAILED" if status == "failed" else "FINISHED")
        try:
            self._keep_executed(task)
        except MlopsError as error:
            status, failure = "failed", failure or error.to_dict()
        if self._redactor:
            failure = self._redactor.all(failure)  # type: ignore[assignment]
        outcome = Outcome(
            status,  # type: ignore[arg-type]
            task.order.run if task.order is not None else "",
            metrics,
            round(time.perf_counter() - self._began, 3),
            read_error(failure),
            str(self._executed_path()),
        )
        if task.row is not None:
            # Here already: whoever runs the sweep may be killed before he hears of it.
            with contextlib.suppress(MlopsError):
                write_row(Path(self.job.folder), ended_row(task.row, outcome))
        self._channel.tell("ended", outcome={**msgspec.structs.asdict(outcome), "error": failure})
        self._leave(0)

    def _keep_executed(self, task: Task) -> None:
        keep_executed(
            self.notebook,
            self.state.executions,
            run=task.order.run if task.order is not None else Path(self.job.folder).name,
            injected=task.injected or self.job.assign,
            redactor=self._redactor,
            path=self._executed_path(),
        )

    def _leave(self, code: int) -> NoReturn:
        import shutil

        from ..pipeline.forks import _leave

        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        shutil.rmtree(Path(self.job.folder) / f".scratch-{_own_name()}", ignore_errors=True)
        self._channel.close()
        _leave(code)
        raise AssertionError


def is_due(step: int) -> bool:
    """Tell whether at this step a point asks whether to go on: the more steps, the more seldom."""
    return step < _STEPS or step % 10 ** (len(str(step)) - 2) == 0


def _own_name() -> str:
    """Return what no other process of the sweep is called, on machines that share the folder."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _unforeseen(error: Exception) -> dict[str, Any]:
    traceback.print_exc()
    return MlopsError(
        "sweep.unforeseen",
        f"A point failed by what is no fault of its cells: {type(error).__name__}: {error}.",
        hint="please report it, with the point's log.",
    ).to_dict()


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Start a trunk as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlops.sweeps.branch")
    parser.add_argument("--job", type=Path, required=True, help="JSON file of a `Job`")
    parser.add_argument("--socket", required=True, help="where whoever runs the sweep listens")
    parser.add_argument("--id", type=int, required=True, help="the number of this process")
    parser.add_argument("--lifeline", type=int, help="descriptor that keeps the process alive")
    options = parser.parse_args(arguments)
    with explain_os_errors(options.job):
        job = msgspec.json.decode(options.job.read_bytes(), type=Job)
    os.chdir(job.cwd)
    if "" not in sys.path:
        sys.path.insert(0, "")  # as in a kernel: modules beside the notebook
    Branch(job, options.socket, options.id, options.lifeline).serve()


if __name__ == "__main__":
    # The cells get a `__main__` of their own; this module goes on under its real name.
    from jupyter_mlops.sweeps.branch import main as run

    run()
