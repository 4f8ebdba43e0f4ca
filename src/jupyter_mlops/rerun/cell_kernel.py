"""A kernel that runs the cells of a notebook one by one, each when it is asked for."""

from __future__ import annotations

import ast
import os
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from ..notebook.document import Cell, Notebook
from ..notebook.ipython_syntax import parse_cell
from .failure import ANSI, line_in_cell
from .installed import require_kernel

_MOST_VALUES = 8
_LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """How a cell failed: the exception in words, and the line of the cell, where it is known.

    ``deeper`` are the lines of the traceback below the cell: those of modules that it calls.
    ``values`` are those of the names in a failed assertion.
    """

    message: str
    line: int | None = None
    deeper: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)


class CellKernel:
    """One kernel, started in the notebook's folder; nothing that it runs is captured."""

    def __init__(self, notebook: Notebook, *, timeout: float | None = None) -> None:
        self._notebook = notebook
        self._timeout = timeout
        self._stack = ExitStack()
        self._nodes: dict[str, Any] = {}
        self._client: Any = None
        self.gone = ""
        """Why no further cell can run."""

    def start(self) -> None:
        """Start the kernel; raises `MlopsError` ``rerun.no-kernel``."""
        import nbformat
        from jupyter_core.utils import ensure_event_loop

        self.gone = "the kernel did not start"
        require_kernel(self._notebook.kernel, self._notebook)
        loop = ensure_event_loop()
        self._stack.callback(loop.close)
        new: Any = nbformat.v4.new_notebook
        folder = str(self._notebook.path.resolve().parent)
        self._client = _client_class()(
            new(),
            kernel_name=self._notebook.kernel,
            timeout=self._timeout,
            resources={"metadata": {"path": folder}},
            coalesce_streams=True,
        )
        manager = self._client.create_kernel_manager()
        if manager.has_trait("transport_encryption"):
            manager.transport_encryption = "auto"
        environment = {k: v for k, v in os.environ.items() if k != "JUPYTER_MLOPS_RUN"}
        self._stack.enter_context(self._client.setup_kernel(env=environment))
        self.gone = ""

    def close(self) -> None:
        """End the kernel."""
        self._stack.close()

    def run(self, cell: Cell) -> Failure | None:
        """Run a cell, and tell how it failed, if it did."""
        import nbformat
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        new: Any = nbformat.v4.new_code_cell
        node = new(cell.source, metadata={"tags": list(cell.tags)})
        self._nodes[cell.id] = node
        cells = self._client.nb.cells
        cells.append(node)
        try:
            self._client.execute_cell(node, len(cells) - 1)
        except CellExecutionError as error:
            return self._failure(cell, node, f"{error.ename}: {error.evalue}")
        except CellTimeoutError:
            self.gone = f"cell {cell.position} took too long"
            return Failure(f"The cell took longer than {self._timeout:g} s.")
        except DeadKernelError:
            self.gone = f"the kernel died in cell {cell.position}"
            return Failure("The kernel died while this cell ran.")
        return None

    def printed(self, cell: Cell) -> dict[str, str]:
        """Return what a cell wrote to each of the standard streams."""
        node = self._nodes.get(cell.id)
        found: dict[str, str] = {}
        for output in node.outputs if node is not None else ():
            if output.output_type == "stream":
                found[output.name] = found.get(output.name, "") + output.text
        return found

    def _failure(self, cell: Cell, node: Any, words: str) -> Failure:
        errors = [output for output in node.outputs if output.output_type == "error"]
        if not errors:
            # IPython prints some errors, such as a magic's wrong use, instead of showing them.
            return Failure(ANSI.sub("", words))
        error = errors[-1]
        message = f"{error.ename}: {error.evalue}" if error.evalue else error.ename
        line = line_in_cell(error.traceback, node.execution_count, cell.source)
        values = {}
        if error.ename == "AssertionError" and line is not None:
            values = self._values(_asserted(cell, line))
        return Failure(ANSI.sub("", message), line, _deeper(error.traceback), values)

    def _values(self, names: list[str]) -> dict[str, str]:
        """Ask the kernel for variables, which has no effect on them beyond their `repr`."""
        kernel = self._client.kc
        message = kernel.execute("", silent=True, user_expressions={name: name for name in names})
        reply = self._client.wait_for_reply(message)
        found = (reply or {}).get("content", {}).get("user_expressions", {})
        texts = {
            name: " ".join(each["data"].get("text/plain", "").split())
            for name, each in found.items()
            if each.get("status") == "ok"
        }
        return {
            name: text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
            for name, text in texts.items()
            if text and not re.match(r"<(?:function|class|module|built-in)", text)
        }


def _client_class() -> Any:
    from jupyter_core.utils import ensure_async, run_sync
    from nbclient import NotebookClient

    class Client(NotebookClient):
        """nbclient's client, which does not interrupt a kernel that has nothing left to run."""

        async def _async_cleanup_kernel(self) -> None:
            if self.km is not None and await ensure_async(self.km.is_alive()):
                await ensure_async(self.km.request_shutdown())
                await ensure_async(self.km.finish_shutdown())
            await super()._async_cleanup_kernel()

        _cleanup_kernel = run_sync(_async_cleanup_kernel)

    return Client


def _asserted(cell: Cell, line: int) -> list[str]:
    """Return the names in the assertion that stands at a line."""
    try:
        tree = parse_cell(cell.source)
    except SyntaxError:
        return []
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.lineno <= line <= (node.end_lineno or line):
            for each in ast.walk(node.test):
                if isinstance(each, ast.Name):
                    names[each.id] = None
    return list(names)[:_MOST_VALUES]


def _deeper(traceback: list[str]) -> tuple[str, ...]:
    """Return the frames of a traceback below those of cells, without colours."""
    text = ANSI.sub("", "\n".join(traceback))
    frames = re.split(r"\n(?=File |Cell In\[)", text)
    found = [frame for frame in frames[1:] if frame.startswith("File ")]
    return tuple(line for frame in found for line in frame.splitlines() if line.strip())
