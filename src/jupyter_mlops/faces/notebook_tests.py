"""A notebook as tests: one for each cell, all in one kernel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ..errors import MlopsError
from ..notebook.document import Cell, Notebook, read
from ..notebook.given import Given, read_file
from ..notebook.parameters import check_parameters, parameters_cell, read_parameters
from ..notebook.tags import SKIP, TEST
from ..rerun.cell_kernel import CellKernel, Failure
from ..rerun.injection import source
from .broken_names import BrokenNames
from .command import parse_assignments

_UNUSED = pytest.StashKey[set[str]]()


class CellFailed(Exception):
    """A cell that failed, or one that it needs; pytest shows it by `CellItem.repr_failure`."""

    def __init__(self, failure: Failure, cell: Cell) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.cell = cell


class NotebookFile(pytest.File):
    """The tests of one notebook; its kernel lives as long as they run."""

    notebook: Notebook
    kernel: CellKernel | None = None

    def collect(self) -> Iterator[CellItem]:
        """Yield a test for each code cell that is not tagged `skip`."""
        self.notebook = self._refusing(partial(read, self.path, name=self.path.name))
        self.given = self._refusing(self._read_given)
        self.broken = BrokenNames(self.notebook)
        self.done: set[str] = set()
        for cell in self.cells:
            kind = "test" if TEST & set(cell.tags) else "cell"
            yield CellItem.from_parent(self, name=f"{kind}-{cell.position}", cell=cell)

    @property
    def cells(self) -> list[Cell]:
        return [cell for cell in self.notebook.code_cells if not SKIP & set(cell.tags)]

    def started(self) -> CellKernel:
        """Return the kernel, which starts with the first test.

        Not in pytest's own `setup`: for what fails there pytest shows the stack of its own code.
        """
        if self.kernel is None:
            timeout = self.config.getoption("mlops_timeout")
            self.kernel = CellKernel(self.notebook, timeout=timeout)
            self.kernel.start()
        return self.kernel

    def teardown(self) -> None:
        """End the kernel."""
        if self.kernel is not None:
            self.kernel.close()

    def prepare(self, cell: Cell) -> None:
        """Run the cells above that pytest was not asked to run, such as by `-k`."""
        for earlier in self.cells:
            if earlier.position >= cell.position:
                break
            if earlier.id not in self.done and not TEST & set(earlier.tags):
                reason = self.broken.reason(earlier)
                self.done.add(earlier.id)
                failure = None if reason else self.run(earlier)
                if reason or failure:
                    self.broken.add(earlier, failed=failure is not None)

    def run(self, cell: Cell) -> Failure | None:
        """Run a cell, and behind the parameters cell those that were given."""
        assert self.kernel is not None
        self.done.add(cell.id)
        failure = self.kernel.run(cell)
        if failure is None and self.given and cell == parameters_cell(self.notebook):
            text = source(self.given, read_parameters(self.notebook, computed=True))
            failure = self.kernel.run(Cell("injected-parameters", cell.position, "code", text))
        return failure

    def _read_given(self) -> dict[str, Any]:
        given = Given()
        for file in self.config.getoption("mlops_params_file"):
            given.add(read_file(Path(file)), str(file))
        given.add(parse_assignments(tuple(self.config.getoption("mlops_param"))), "")
        declared = read_parameters(self.notebook, computed=True) if given.values else ()
        names = {each.name for each in declared}
        unused = self.config.stash.setdefault(_UNUSED, set(given.values))
        unused -= names
        own = {name: value for name, value in given.values.items() if name in names}
        return check_parameters(self.notebook, declared, own)

    def _refusing(self, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except MlopsError as error:
            raise self.CollectError(f"{error.code}: {error}") from None


class CellItem(pytest.Item):
    """The test of one cell: it passes where the cell ends without an error."""

    parent: NotebookFile

    def __init__(self, *, cell: Cell, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.cell = cell
        for tag in cell.tags:
            self.extra_keyword_matches.add(tag)

    def runtest(self) -> None:
        """Run the cell; it is skipped where it needs what failed before it."""
        notebook = self.parent
        kernel = notebook.started()
        if not kernel.gone:
            notebook.prepare(self.cell)
        reason = kernel.gone or notebook.broken.reason(self.cell)
        if reason:
            notebook.done.add(self.cell.id)
            notebook.broken.add(self.cell, failed=False)
            # pytest would name the line above as the place.
            raise pytest.skip.Exception(reason, _use_item_location=True)
        failure = notebook.run(self.cell)
        for name, text in kernel.printed(self.cell).items():
            self.add_report_section("call", name, text)
        if failure is not None:
            notebook.broken.add(self.cell, failed=True)
            raise CellFailed(failure, self.cell)
        notebook.broken.mend(self.cell)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the cell, the line and the error, without the stack of our own code."""
        error = excinfo.value
        if isinstance(error, CellFailed):
            return _shown(self.parent.notebook, error.cell, error.failure)
        if isinstance(error, MlopsError):
            return f"{error.code}: {error}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Name the cell as the test."""
        tags = f" [{' '.join(self.cell.tags)}]" if self.cell.tags else ""
        return self.path, 0, f"{self.path.name}, cell {self.cell.position}{tags}"


def refuse_unused(session: pytest.Session) -> None:
    """Raise a usage error where a parameter that was given is of no collected notebook."""
    unused = session.config.stash.get(_UNUSED, set())
    if unused:
        names = ", ".join(f"`{name}`" for name in sorted(unused))
        raise pytest.UsageError(f"No collected notebook has the parameter {names}.")


def _shown(notebook: Notebook, cell: Cell, failure: Failure) -> str:
    """Return the cell with a mark at the line that failed, as pytest shows functions."""
    first, *more = failure.message.splitlines() or [""]
    lines = [f"{notebook.place(cell, failure.line)}: {first}", ""]
    for number, line in enumerate(cell.source.splitlines(), start=1):
        lines.append(f"{'>' if number == failure.line else ' '}   {line}".rstrip())
        if number == failure.line:
            lines += [f"E   {each}" for each in (first, *more)]
            lines += [f"E     {name} = {value}" for name, value in failure.values.items()]
    if failure.line is None:
        lines += ["", *(f"E   {each}" for each in (first, *more))]
    if failure.deeper:
        lines += ["", *failure.deeper]
    return "\n".join(lines)
