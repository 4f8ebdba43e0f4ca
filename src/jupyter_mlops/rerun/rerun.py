"""Rerun: execute a notebook from a clean kernel with given parameters, as a run."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from ..notebook import moments
from ..notebook.document import Cell, Notebook, read
from ..notebook.parameters import check_parameters, read_parameters
from ..notebook.tags import RAISES, STEP_PREFIX
from ..os_errors import explain_os_errors
from ..progress import Event, Progress, Stage
from ..project import Project
from .failure import cell_failed
from .order import Order
from .record import copy, executed_path, prepare, record
from .running import running

if TYPE_CHECKING:
    from ..values import Observation

_PATIENCE = 10.0
"""Seconds that an interrupted cell has before its kernel is killed."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """A finished rerun; ``executed`` is the notebook with its outputs.

    Of a cached one, ``reused`` of its ``cells`` were taken from earlier runs, where they took
    ``saved`` seconds.
    """

    run: str
    executed: Path
    seconds: float
    parameters: dict[str, Any]
    metrics: dict[str, float]
    cells: int = 0
    reused: int = 0
    saved: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "executed": str(self.executed)}


def rerun(
    notebook: Path | str,
    parameters: Mapping[str, Any] | None = None,
    *,
    project: Project | None = None,
    output: Path | None = None,
    observe: Sequence[Observation] = (),
    flow: Path | None = None,
    without: Iterable[str] = (),
    kind: str = "rerun",
    run: str | None = None,
    parent: str = "",
    timeout: float | None = None,
) -> Progress[Rerun]:
    """Execute a notebook through papermill and record it as a run.

    The notebook itself is not changed. The kernel works in the notebook's folder, as in
    JupyterLab. When the verb returns, the run stands in MLflow with the executed notebook.

    Parameters
    ----------
    parameters
        Values for the notebook's parameters; text is read as the parameter's type. They are
        checked before anything runs.
    output
        Where to keep the executed notebook too.
    observe
        What to keep of the kernel's variables, and after which cell.
    flow
        The file for what each cell is seen to do to the variables; it is written with full
        fingerprints of all of them, at any cost.
    without
        Tags of cells that are not run.
    run
        The run's name; default: a new one.
    parent
        The name of the run that this one is a part of.
    timeout
        Seconds that each cell may take; default: as long as it wants.

    Raises
    ------
    MlopsError
        ``parameters.unknown`` and ``parameters.type``; ``rerun.no-kernel``,
        ``rerun.no-capture``, ``rerun.kernel-died``, ``rerun.timeout``; ``rerun.cell-failed`` with
        cell and line,
        after the run is recorded as failed and the executed part is kept.
    """
    from ..capture.run_names import new_run_name

    path = Path(notebook)
    project = project or Project.find(path)
    source = read(path, name=project.relative(path))
    given = dict(parameters or {})
    if given:
        given = check_parameters(source, read_parameters(source, computed=True), given)
    order = Order(
        project,
        source,
        run or new_run_name(source.name),
        kind=kind,
        parent=parent,
        parameters=given,
        observe=tuple(observe),
        flow=flow,
        without=frozenset(without),
        cwd=path.resolve().parent,
        timeout=timeout,
    )
    stage = Stage("run")
    yield stage.started(f"{source.name} as run {order.run}", run=order.run)
    executed = executed_path(project, order.run)
    try:
        yield from _execute(order, executed)
    except BaseException:
        with contextlib.suppress(MlopsError, OSError):
            # What went wrong first is what the user must hear of.
            _keep(order, executed, output)
        raise
    metrics = _keep(order, executed, output)
    event = stage.done(f"{source.name} ran as {order.run}", run=order.run, metrics=metrics)
    yield event
    return Rerun(order.run, executed, event.seconds or 0.0, given, metrics)


def _execute(order: Order, executed: Path) -> Progress[None]:
    """Run papermill in a thread of its own, so that progress can be told meanwhile."""
    from jupyter_core.utils import ensure_event_loop

    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    failures: list[BaseException] = []
    order.on_cell = _step_teller(order.notebook, events)

    def work() -> None:
        # The loop that papermill will use in this thread; nobody else would close it.
        loop = ensure_event_loop()
        try:
            _papermill(order, executed)
        except BaseException as error:
            failures.append(error)
        finally:
            loop.close()
            events.put(None)

    worker = threading.Thread(target=work, name=f"rerun {order.run}")
    worker.start()
    try:
        with running(order):
            while (event := events.get()) is not None:
                yield event
    except BaseException:
        # An interrupt, or a caller that closed the generator.
        order.stop()
        worker.join(_PATIENCE)
        if worker.is_alive() and order.kill is not None:
            order.kill()
        raise
    finally:
        worker.join()
    if failures:
        raise failures[0]


def _papermill(order: Order, executed: Path) -> None:
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

    prepare(order)
    source = str(order.notebook.path.resolve())
    staged = executed.with_name(f".{executed.name}")
    with explain_os_errors(order.project.root), _names_are_checked(), _no_folder_is_left():
        try:
            execute_notebook(
                _no_template(source),
                _no_template(str(staged)),
                moments.plain(dict(order.parameters)),
                engine_name="mlops",
                progress_bar=False,
                execution_timeout=order.timeout,
                order=order,
            )
        except PapermillExecutionError as error:
            cell = order.originals[error.cell_index]
            if RAISES in cell.tags and _went_on(staged):
                return
            raise cell_failed(
                order.notebook,
                cell,
                name=error.ename,
                message=error.evalue,
                traceback=error.traceback,
                execution_count=error.exec_count,
                executed=executed,
            ) from None
        finally:
            if order.captured and staged.exists():
                os.replace(staged, executed)
            staged.unlink(missing_ok=True)


@contextlib.contextmanager
def _names_are_checked() -> Iterator[None]:
    """Silence papermill's complaint about names it does not see, such as those with None."""
    from papermill.log import logger

    def is_news(record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Passed unknown parameter")

    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)


_side_by_side = 0
_counting = threading.Lock()


@contextlib.contextmanager
def _no_folder_is_left() -> Iterator[None]:
    """Forget where papermill reads relative paths, once the last rerun of this process has ended.

    It keeps one folder for all, puts back what it found, and so, of two side by side, the wrong
    one: later reads would look for a folder that may be gone.
    """
    from papermill.iorw import papermill_io

    global _side_by_side
    with _counting:
        _side_by_side += 1
    try:
        yield
    finally:
        with _counting:
            _side_by_side -= 1
            if _side_by_side == 0:
                papermill_io.get_handler("local").cwd(None)


def _went_on(executed: Path) -> bool:
    """Tell whether a notebook ran to its end, past errors that are meant to be.

    Papermill takes each of them for the end; its words about that are removed.
    """
    import nbformat
    from papermill.execute import remove_error_markers
    from papermill.iorw import write_ipynb

    notebook = nbformat.read(executed, as_version=4)  # type: ignore[no-untyped-call]
    if notebook.metadata.papermill.get("exception"):
        return False
    write_ipynb(remove_error_markers(notebook), str(executed))
    return True


def _no_template(path: str) -> str:
    # papermill formats paths with the parameters.
    return path.replace("{", "{{").replace("}", "}}")


def _keep(order: Order, executed: Path, output: Path | None) -> dict[str, float]:
    if not executed.exists():
        return {}
    if output is not None:
        copy(executed, output)
    return record(order, executed)


def _step_teller(notebook: Notebook, events: queue.SimpleQueue[Event | None]) -> Any:
    """Return a function that tells when the first cell of each step starts."""
    told: set[str] = set()

    def tell(cell: Cell) -> None:
        for tag in cell.tags:
            if tag.startswith(STEP_PREFIX) and tag not in told:
                told.add(tag)
                words = f"step {tag[len(STEP_PREFIX) :]}: cell {cell.position}"
                data = {"cell": cell.position, "cells": len(notebook.cells), "cell_id": cell.id}
                events.put(Event("run", words, "started", data=data))

    return tell
