"""Running a notebook again in part, as a run: what has not changed is taken from the cache."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...capture.cells import INJECTED
from ...capture.run_names import new_run_name
from ...errors import MlopsError
from ...notebook.document import Cell, Notebook, read
from ...notebook.parameters import check_parameters, parameters_cell, read_parameters
from ...os_errors import explain_os_errors
from ...progress import Event, Progress, Stage
from ...project import Project
from ...rerun.injection import source as injected_source
from ...rerun.record import copy, executed_path
from ...rerun.rerun import Rerun
from ...tracking import offline
from ..cache import StepCache
from ..model import Step
from ..work import RESULT, step_folder
from . import states
from .assembled import CellResult, assemble, results
from .assignment import CAPTURED, Assignment
from .failures import ended, failed
from .plans import units_of
from .process import Ended, StretchProcess
from .recall import Recall
from .replay import Captured, RunJournal
from .units import Units

_SAVE_EVERY = 5.0
_SHARE = 0.05
"""Saves of the executed notebook take at most this share of the time."""


OnResult = Callable[[Cell | None, str, CellResult, int], None]


def rerun_cached(
    notebook: Path | str,
    parameters: Mapping[str, Any] | None = None,
    *,
    project: Project | None = None,
    output: Path | None = None,
    run: str | None = None,
    resume: str | None = None,
    timeout: float | None = None,
    cwd: Path | None = None,
    on_result: OnResult | None = None,
) -> Progress[Rerun]:
    """Run those cells again that have changed, or what they read; take the others from the cache.

    Arguments and result are as those of the verb `jupyter_mlops.pipeline.rerunning.rerun`.
    ``cwd`` is the working directory of the cells; default: the notebook's folder. ``on_result`` is
    called with what becomes of each cell, in the order of the notebook: the cell, None for the
    injected one; its id; the result; and how many cells have been run with it.
    """
    path = Path(notebook)
    project = project or Project.find(path)
    source = read(path, name=project.relative(path))
    earlier = states.to_resume(project, source.name, resume) if resume is not None else None
    given = {**(earlier.parameters if earlier is not None else {}), **(parameters or {})}
    if given:
        given = check_parameters(source, read_parameters(source), given)
    name = run or new_run_name(source.name)
    stage = Stage("run")
    goes_on = f", which goes on from {earlier.run}" if earlier is not None else ""
    yield stage.started(f"{source.name} as run {name}{goes_on}", run=name)
    work = _Work(project, source, name, given, earlier, timeout, cwd, on_result)
    try:
        yield from work.run()
    except BaseException as error:
        work.end("FAILED", output)
        if isinstance(error, KeyboardInterrupt):
            words = f"`jupyter mlops rerun {source.name} --resume` goes on with what is left"
            raise KeyboardInterrupt(words) from None
        raise
    work.end("FINISHED", output)
    metrics = work.journal.metrics
    yield stage.done(
        f"{source.name} ran as {name}: {work.words()}",
        run=name,
        metrics=metrics,
        cells=work.count,
        reused=work.reused,
        saved=round(work.saved, 3),
    )
    return Rerun(
        name,
        work.executed,
        time.perf_counter() - work.began,
        given,
        dict(metrics),
        work.count,
        work.reused,
        round(work.saved, 3),
    )


class _Work:
    """One cached rerun while it goes on."""

    def __init__(
        self,
        project: Project,
        notebook: Notebook,
        run: str,
        given: dict[str, Any],
        earlier: states.State | None,
        timeout: float | None,
        cwd: Path | None,
        on_result: OnResult | None,
    ) -> None:
        self.began = time.perf_counter()
        self.project = project
        self.notebook = notebook
        self.run_name = run
        self.given = given
        self.earlier = earlier
        self.timeout = timeout
        self.cwd = (cwd or notebook.path.parent).resolve()
        self.on_result = on_result or (lambda *_: None)
        self.executed = executed_path(project, run)
        self.state = states.begin(project, run, notebook.name, given)
        self.journal = RunJournal(project, run, notebook, given)
        self.injected = _injected(notebook, given)
        self.done: dict[str, CellResult] = {}
        self.count = self.reused = 0
        self.saved = 0.0
        self._captured: dict[str, Captured] = {}
        self._found: dict[str, CellResult] = {}
        self._told = 0
        self._due = time.monotonic() + _SAVE_EVERY
        self._process: StretchProcess | None = None

    def run(self) -> Progress[None]:
        """Run or take every unit."""
        units = units_of(
            self.project,
            _with_injected(self.notebook, self.injected),
            self.injected[1] if self.injected is not None else "",
        )
        self._cells = self._in_order(units)
        if units.whole is not None:
            last = units.pipeline.steps[-1].cells[0].position
            several = len(units.pipeline.steps) > 1
            what = f"cell {last} and all below are" if several else "the notebook is"
            words = f"{units.whole.message.rstrip('.')} ({units.whole.place})"
            yield Event("run", f"{what} one unit: {words}")
        limit = int(self.project.settings.cache.max_gb * 1e9)
        recall = Recall(
            units.pipeline,
            self.notebook,
            self.given,
            self.state.work,
            self.cwd,
            StepCache(self.project.state / "cache", limit),
            self.earlier.work if self.earlier is not None else None,
        )
        try:
            yield from self._units(units, recall)
        except _Unreadable as error:
            yield Event("run", f"{error}; all cells run again, in one process")
            self._forget()
            yield from self._units(units, None)
        finally:
            self._close()
        self._tell()

    def end(self, status: str, output: Path | None) -> None:
        """Keep the executed notebook, and bring the run into the store in the background."""
        if status == "FINISHED":
            removing = threading.Thread(
                target=states.clean_up, args=(self.project, self.notebook.name, self.state)
            )
            removing.start()
            try:
                self._save()
                if output is not None:
                    copy(self.executed, output)
                self._record(status)
            finally:
                removing.join()
            return
        try:
            self._tell()
            self._save()
            if output is not None:
                copy(self.executed, output)
            self._record(status)
            self.state.ended("failed")
        except (MlopsError, OSError):
            return  # what went wrong first is what the user must hear of

    def words(self) -> str:
        """Return how much was reused, in words."""
        if not self.reused:
            return f"none of {self.count} cells reused"
        return f"{self.reused} of {self.count} cells reused, {self.saved:.1f} s saved"

    def _units(self, units: Units, recall: Recall | None) -> Progress[None]:
        steps = units.pipeline.steps
        forced = -1
        """Up to this unit all must run in the process that there is."""
        row: list[Step] = []
        for number, step in enumerate(steps):
            key = recall.key(step) if recall is not None else None
            left = None
            if recall is not None and key is not None and number > forced:
                left = recall.take(step, key)
            if left is not None:
                self._close()
                self._took(step, left)
                row.append(step)
                continue
            if row:
                yield self._reused(row)
                row = []
            left = yield from self._run(units, step)
            if recall is not None:
                reason = recall.keep(step, key, left)
                if reason:
                    yield Event("run", f"{_cells(step)} is not kept: {reason}", data=_data(step))
            for name in left.get("unkept") or {}:
                readers = [n for n, s in enumerate(steps) if s.inputs.get(name) == step.name]
                forced = max([forced, *readers])
            self._save_sometimes()
        if row:
            yield self._reused(row)

    def _run(self, units: Units, step: Step) -> Progress[dict[str, Any]]:
        yield Event("run", f"{_cells(step)} runs", "started", data=_data(step))
        began = time.perf_counter()
        if self._process is None:
            self._process = StretchProcess(self._assignment(units), self.timeout)
        folder = step_folder(self.state.work, step.name)
        end: Ended | None = None
        try:
            for heard in self._process.run(step):
                if isinstance(heard, Ended):
                    end = heard
        finally:
            self._take_in(step, folder)
        left = _left(folder)
        if left is None or end is not None:
            raise self._ended_badly(step, end, folder)
        if left["status"] != "ok":
            raise self._failed(step, left)
        seconds = time.perf_counter() - began
        yield Event("run", f"{_cells(step)} ran", "done", seconds, _data(step))
        return left

    def _assignment(self, units: Units) -> Assignment:
        known = {each.name: each.default for each in units.pipeline.parameters}
        secrets = tuple(
            str(self.given[each.name])
            for each in (read_parameters(self.notebook) if self.given else ())
            if each.secret and self.given.get(each.name) is not None
        )
        return Assignment(
            units.pipeline,
            {**known, **{n: v for n, v in self.given.items() if n in known}},
            self.state.work.resolve(),
            self.notebook.path.resolve(),
            self.cwd,
            self.project.root,
            self.run_name,
            secrets,
            units.definers,
        )

    def _failed(self, step: Step, left: dict[str, Any]) -> MlopsError:
        code = str((left["error"] or {}).get("code", ""))
        if code.startswith("values."):
            raise _Unreadable(str(left["error"]["message"]).rstrip("."))
        return failed(self.notebook, left["error"], self._results(step), self.executed)

    def _ended_badly(self, step: Step, end: Ended | None, folder: Path) -> MlopsError:
        captured = self._captured[step.name]
        running = captured.running.cell if captured.running is not None else None
        error, output = ended(self.notebook, step, end, running, self.timeout)
        cell = error.place.cell_id if error.place is not None else None
        if cell is not None:
            before = self._found.get(cell, CellResult())
            if all(each["output_type"] != "error" for each in before.outputs):
                self._found[cell] = replace(before, outputs=[*before.outputs, output])
        return error

    def _results(self, step: Step) -> list[CellResult]:
        return [self._found[cell.id] for cell in step.cells if cell.id in self._found]

    def _took(self, step: Step, left: Mapping[str, Any]) -> None:
        origin = str(left.get("run") or "an earlier run")
        folder = step_folder(self.state.work, step.name)
        self._take_in(step, folder, origin)
        found = self._results(step)
        self.reused += len(found)
        self.saved += sum(each.seconds for each in found)

    def _take_in(self, step: Step, folder: Path, origin: str = "") -> None:
        """Read what a unit has left, and tell of the cells that are next."""
        left = _left(folder) or {}
        own = [cell.id for cell in step.cells]
        before = dict(zip(left.get("cells") or own, own, strict=True))
        self._found |= results(folder, before, origin)
        self._captured[step.name] = Captured(folder / CAPTURED, before)
        self._tell()

    def _tell(self) -> None:
        """Tell of cells in the order of the notebook, as far as they are there."""
        while self._told < len(self._cells):
            cell, unit, source = self._cells[self._told]
            name = cell.id if cell is not None else INJECTED
            if unit is None:
                values = self._values(cell)
                if values is None:
                    self.journal.silent(cell, source)
                else:
                    self.journal.parameters(cell, source, values)
                result = CellResult()
            elif name in self._found:
                result = self._found[name]
                self.journal.cell(self._captured[unit], name, cell, result.reused)
                self.count += 1
            else:
                return
            self.done[name] = result
            self._told += 1
            self.on_result(cell, name, result, self._told)

    def _in_order(self, units: Units) -> list[tuple[Cell | None, str | None, str]]:
        """Return the cells to tell of, each with its unit, None where no unit runs it."""
        homes = units.cells()
        found: list[tuple[Cell | None, str | None, str]] = []
        for cell in self.notebook.code_cells:
            found.append((cell, homes.get(cell.id), cell.source))
            home, code = self.injected or ("", "")
            if home == cell.id and INJECTED not in cell.tags:
                found.append((None, homes.get(INJECTED), code))
        return found

    def _values(self, cell: Cell | None) -> Mapping[str, Any] | None:
        """Return the parameters that a cell gives, None where it is no parameters cell."""
        if cell is None:
            return self.given
        home = parameters_cell(self.notebook)
        if home is None or home.id != cell.id:
            return None
        return {each.name: each.default for each in read_parameters(self.notebook)}

    def _reused(self, steps: list[Step]) -> Event:
        cells = sorted(cell.position for step in steps for cell in step.cells)
        first, last = cells[0], cells[-1]
        words = f"cell {first} is" if first == last else f"cells {first} to {last} are"
        data = {"cells": cells, "cached": True}
        return Event("run", f"{words} taken from the cache", data=data)

    def _forget(self) -> None:
        self._close()
        self._found, self._captured, self.reused, self.saved = {}, {}, 0, 0.0

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _save_sometimes(self) -> None:
        if time.monotonic() < self._due:
            return
        began = time.monotonic()
        self._save()
        now = time.monotonic()
        self._due = now + max(_SAVE_EVERY, (now - began) / _SHARE)

    def _save(self) -> None:
        done = {**self._found, **self.done}
        ids = [cell.id for cell in self.notebook.cells]
        content = assemble(self.notebook.path, ids, self.run_name, done, self.injected)
        staged = self.executed.with_name(f".{self.executed.name}.{os.getpid()}")
        with explain_os_errors(self.executed):
            staged.write_bytes(content)
            os.replace(staged, self.executed)

    def _record(self, status: str) -> None:
        self.journal.end(status)
        offline.keep(self.project, self.run_name, self.executed)


class _Unreadable(Exception):
    """What a unit left cannot be read back by another one."""


def _injected(notebook: Notebook, given: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the cell behind which, or as which, parameters are given, and the code for it."""
    if not given:
        return None
    there = next((cell for cell in notebook.code_cells if INJECTED in cell.tags), None)
    home = there or parameters_cell(notebook)
    assert home is not None, "parameters are given to no notebook without a parameters cell"
    return home.id, f"{injected_source(given, read_parameters(notebook))}\n"


def _with_injected(notebook: Notebook, injected: tuple[str, str] | None) -> Notebook:
    """Return the notebook with the code of a cell that was injected before replaced."""
    if injected is None:
        return notebook
    cells = tuple(
        replace(cell, source=injected[1])
        if cell.id == injected[0] and INJECTED in cell.tags
        else cell
        for cell in notebook.cells
    )
    return replace(notebook, cells=cells)


def _left(folder: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content


def _cells(step: Step) -> str:
    first, last = step.cells[0].position, step.cells[-1].position
    return f"cell {first}" if first == last else f"cells {first} to {last}"


def _data(step: Step) -> dict[str, Any]:
    return {"cells": [c.position for c in step.cells], "cell_id": step.cells[0].id, "cached": False}
