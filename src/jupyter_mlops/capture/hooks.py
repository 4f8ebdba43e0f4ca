"""The hooks around each cell: they append to the journal and return."""

from __future__ import annotations

import ast
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from ..notebook.kernel_state import KernelState
from . import searches
from .background import Background
from .cells import FileCells
from .estimators import Estimators
from .frames import Frames
from .interrupts import Uninterrupted
from .journal import Journal
from .kernel import kernel_state
from .libraries import Libraries
from .names import CellNames, Collector, collect
from .observed_flow import FlowObserver
from .observing import Observers
from .records import AnyRecord, CellEnd, CellStart, Flow, Note
from .redaction import learn, learn_values, redact
from .scalars import Scalars
from .seeds import Seeds
from .shown import Displays

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

_LONGEST_ERROR = 500
_EXPECTED = "raises-exception"


class _Transformer(Collector):
    """The collector as IPython wants it: an error in it must never reach a cell."""

    def visit(self, node: ast.AST) -> ast.AST:
        try:
            return super().visit(node)
        except Exception:
            return node


@dataclass(slots=True)
class _Running:
    order: int
    cell: str | None
    tags: tuple[str, ...]
    start: float
    failed: bool = False


class Hooks:
    """What capture does before and after a cell of ``shell``.

    ``off`` is called with the error once nothing can be written any more. ``before`` are the hooks
    of the run that the same kernel captured before.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        journal: Journal,
        background: Background,
        cells: FileCells,
        observers: Observers,
        flow: FlowObserver,
        root: Path,
        off: Callable[[MlopsError | OSError], None],
        before: Hooks | None = None,
    ) -> None:
        self._shell = shell
        self._journal = journal
        self._background = background
        self._cells = cells
        self._observers = observers
        self._flow = flow
        self._off = off
        self._transformer = _Transformer()
        # IPython types the list for `ast.NodeTransformer`, but asks for no more than `visit`.
        self._transformers: list[Any] = shell.ast_transformers
        self._running: _Running | None = None
        self._loaded = time.perf_counter()
        self.scalars = Scalars()
        self.frames = Frames()
        self.estimators = Estimators(journal.folder)
        self._displays = Displays(shell, journal.folder, self._keep_shown, self._keep_shown_later)
        self._seeds = Seeds()
        self._libraries = Libraries(shell.user_ns, root, self)
        self._counted: dict[int, _Running] = dict(before._counted) if before is not None else {}
        self.executed = 0
        self.failed = False
        """Whether the last executed cell failed."""
        self.listener: Callable[[str, float, int], None] | None = None
        """Told each value of a metric, with its step, where it is set; may end the cell."""

    def register(self) -> None:
        self._shell.events.register("pre_run_cell", self.before)
        self._shell.events.register("post_run_cell", self.after)
        self._transformers.append(self._transformer)
        self._displays.register()
        self._libraries.start()

    def unregister(self) -> None:
        for event, callback in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            if callback in self._shell.events.callbacks[event]:
                self._shell.events.unregister(event, callback)
        if self._transformer in self._transformers:
            self._transformers.remove(self._transformer)
        self._displays.unregister()
        self._libraries.stop()

    def move(self, folder: Path, change: Callable[[AnyRecord], AnyRecord]) -> None:
        """Go on in a forked process, in a journal of its own: see `Journal.move`."""
        self._journal.move(folder, change)
        self._background.go_on()
        self.estimators.move(folder)
        self._displays.move(folder)

    def know(self, sources: Iterable[str]) -> None:
        """Take in what cells that ran before have bound, by their code."""
        transform: Callable[[str], str] = self._shell.transform_cell
        for source in sources:
            self._libraries.know(collect(transform(source)))

    def leave(self) -> None:
        """End the run in the middle of a cell: what it has done so far is the run's last."""
        self.unregister()
        if self._running is not None:
            self._displays.end()
            self._end_running("ok")

    def end_lost(self) -> None:
        """Tell the end of a cell whose end IPython did not tell.

        That is so where an interrupt comes after the cell's last line.
        """
        self._end_running("interrupted")

    def _end_running(self, outcome: str) -> None:
        running, self._running = self._running, None
        if running is not None:
            seconds = max(0.0, time.perf_counter() - running.start)
            now, order = time.time(), running.order
            self.append(CellEnd(time=now, order=order, seconds=seconds, outcome=outcome))

    def append(self, record: AnyRecord) -> None:
        """Write a record, from any thread; a journal that cannot be written ends capture."""
        try:
            self._journal.append(record)
        except (MlopsError, OSError) as error:
            self._off(error)

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """Record a value of a metric, as set by the cell that runs or ran last."""
        record = self.scalars.metric(self.executed, name, value, step)
        self.append(record)
        if self.listener is not None:
            self.listener(name, value, record.step)

    def where(self) -> tuple[int, str | None]:
        """Return the order and the id of the cell that runs or ran last."""
        return self.executed, self._running.cell if self._running is not None else None

    def problem(self, error: BaseException) -> None:
        """Record that something could not be captured."""
        if isinstance(error, MlopsError):
            data = error.to_dict()
            if error.code.startswith("project."):
                self._off(error)
            if error.code == "project.read-only":
                return
        else:
            data = {"traceback": redact("".join(traceback.format_exception(error))[-4000:])}
        text = redact(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]
        self.append(Note(time=time.time(), kind="problem", text=text, data=data))

    def kernel_state(self) -> KernelState:
        """Return what the kernel holds and has executed, cells that failed aside."""
        cells = {count: each.cell or "" for count, each in self._counted.items()}
        failed = {count for count, each in self._counted.items() if each.failed}
        return kernel_state(self._shell, cells, failed)

    def before(self, info: ExecutionInfo) -> None:
        if _is_hidden(info):
            return
        with Uninterrupted() as guard:
            try:
                self._begin(info)
            except Exception as error:
                self.problem(error)
        guard.repeat()

    def after(self, result: ExecutionResult) -> None:
        info = result.info
        if info is None or _is_hidden(info):
            return
        # An interrupt has nothing left to interrupt: the cell is over.
        with Uninterrupted():
            try:
                self._end(info, result)
            except Exception as error:
                self.problem(error)

    def _begin(self, info: ExecutionInfo) -> _Running:
        self.end_lost()
        self._transformer.reset()
        self.executed += 1
        source = info.raw_cell or ""
        found = self._cells.find(info.cell_id, source)
        shown = redact(source)
        if shown != source:
            learn(source)
        self.append(
            CellStart(
                time=time.time(),
                order=self.executed,
                source=shown,
                cell=found.id,
                position=found.position,
                tags=found.tags,
            )
        )
        self._flow.before(self._shell.user_ns)
        self._displays.begin(self.executed)
        self._libraries.begin(self.executed)
        self._running = _Running(self.executed, found.id, found.tags, time.perf_counter())
        return self._running

    def _end(self, info: ExecutionInfo, result: ExecutionResult) -> None:
        end = time.perf_counter()
        running, self._running = self._running, None
        if running is None:
            # The cell that loaded the extension: it began before there were hooks.
            running, self._running = self._begin(info), None
            running.start = self._loaded
        error = result.error_before_exec or result.error_in_exec
        running.failed = error is not None
        if info.store_history and self._shell.history_manager is not None:
            # It stands in the history by now; the shell's own count may be a step ahead.
            self._counted[len(self._shell.history_manager.input_hist_raw) - 1] = running
        self.failed = running.failed and _EXPECTED not in running.tags
        names, namespace = self._names(info), self._shell.user_ns
        self._learn(names)
        self.append(
            CellEnd(
                time=time.time(),
                order=running.order,
                seconds=max(0.0, end - running.start),
                outcome=_outcome(error),
                error=redact(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR] if error else "",
                line=_line(error, self._shell.user_global_ns) if error else None,
            )
        )
        self._displays.end()
        self._libraries.end(names)
        for collecting in (
            self._collect_scalars,
            self._collect_models,
            self._collect_frames,
        ):
            try:
                collecting(running, names)
            except Exception as problem:
                self.problem(problem)
        try:
            self._collect_seeds(running, info.raw_cell or "")
        except Exception as problem:
            self.problem(problem)
        self._observe_flow(running, info, names, told=error is None)
        if not self.failed:
            for refused in self._observers.after(running.cell, namespace, result.result):
                self.problem(refused)

    def _names(self, info: ExecutionInfo) -> CellNames:
        if self._transformer.seen:
            return self._transformer.names
        transform: Callable[[str], str] = self._shell.transform_cell
        return collect(transform(info.raw_cell or ""))

    def _collect_scalars(self, running: _Running, names: CellNames) -> None:
        namespace = self._shell.user_ns
        for record in self.scalars.collect(running.order, running.tags, names, namespace):
            self.append(record)

    def _collect_models(self, running: _Running, names: CellNames) -> None:
        namespace = self._shell.user_ns
        for model, parameters in self.estimators.collect(running.order, names, namespace):
            self.append(model)
            self.append_later(parameters)
            found = namespace[model.name]
            if searches.is_search(found):
                self._collect_search(running.order, model.name, found)

    def _collect_search(self, order: int, name: str, found: Any) -> None:
        score = searches.best(found)[0]
        if score is not None:
            self.metric(searches.BEST, score)
        self.append_later(partial(searches.table, order, name, found, self._journal.folder))

    def _collect_seeds(self, running: _Running, source: str) -> None:
        tree, namespace = self._transformer.tree, self._shell.user_ns
        for seed in self._seeds.collect(running.order, source, tree, namespace):
            self.append(seed)

    def _collect_frames(self, running: _Running, names: CellNames) -> None:
        for task in self.frames.collect(running.order, names, self._shell.user_ns):
            self.append_later(task)

    def _observe_flow(
        self, running: _Running, info: ExecutionInfo, names: CellNames, *, told: bool
    ) -> None:
        """Look at what the cell did, also where it failed: the next cell is compared with that."""
        try:
            found = self._flow.after(
                running.cell or "", info.raw_cell or "", names, self._shell.user_ns
            )
        except Exception as problem:
            self.problem(problem)
            return
        if told and running.cell is not None:
            self.append(Flow(time=time.time(), order=running.order, flow=found))

    def _learn(self, names: CellNames) -> None:
        """Know the values of what a cell binds under names of secrets."""
        namespace = self._shell.user_ns
        learn_values((name, namespace.get(name)) for name in names.bound)

    def _keep_shown(self, make: Callable[[], AnyRecord | None]) -> None:
        self._learn(self._transformer.names)
        try:
            self._append_made(make)
        except Exception as problem:
            self.problem(problem)

    def _keep_shown_later(self, make: Callable[[], AnyRecord | None]) -> None:
        self._learn(self._transformer.names)
        self.append_later(make)

    def append_later(self, make: Callable[[], AnyRecord | None]) -> None:
        """Write what is made in the background."""
        self._background.add(partial(self._append_made, make))

    def _append_made(self, make: Callable[[], AnyRecord | None]) -> None:
        record = make()
        if record is not None:
            self.append(record)


def _is_hidden(info: ExecutionInfo) -> bool:
    """Tell code of front ends and magics, which is no cell of the notebook."""
    return bool(info.silent or (not info.store_history and info.cell_id is None))


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return str(getattr(error, "mlops_outcome", "failed"))


def _line(error: BaseException, namespace: dict[str, Any]) -> int | None:
    """Return the line of the cell where it failed: the last top-level frame of the notebook."""
    if isinstance(error, SyntaxError) and error.__traceback__ is None:
        return error.lineno
    found: int | None = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_globals is namespace and frame.f_code.co_name == "<module>":
            found = line
    return found
