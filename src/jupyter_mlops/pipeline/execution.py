"""Cells run verbatim in one IPython namespace, without a kernel, with their outputs kept."""

from __future__ import annotations

import base64
import io
import os
import sys
import threading
import time
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from IPython.core import page
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from ..errors import Place
from ..notebook.cell_lines import BODIES, UNREADABLE, line_in_body, line_of
from ..notebook.document import Cell
from ..notebook.figure_data import keep_figure_data
from ..notebook.secret_references import Redactor

INLINE = "module://matplotlib_inline.backend_inline"


@dataclass(slots=True)
class Execution:
    """What became of a cell: its outputs as nbformat has them, its result, its error."""

    cell: Cell
    count: int
    outputs: list[dict[str, Any]] = field(default_factory=list)
    result: Any = None
    error: BaseException | None = None
    seconds: float = 0.0


class Session:
    """One namespace, which is ``__main__``, and the cells that run in it.

    A process can have one session only: IPython's shell, ``__main__`` and the standard streams
    are one for all.

    Parameters
    ----------
    notebook
        Name of the notebook as it stands in tracebacks.
    scratch
        A folder that may be written to; IPython's own files go there instead of to the home.
    """

    def __init__(self, notebook: str, scratch: Path) -> None:
        self.notebook = notebook
        # As a kernel does it: figures become outputs of the cell that draws them.
        os.environ.setdefault("MPLBACKEND", INLINE)
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main
        self.namespace: dict[str, Any] = main.__dict__
        config = Config()
        config.HistoryManager.enabled = False
        shell: Any = ZMQInteractiveShell.instance(
            config=config,
            ipython_dir=str(scratch / "ipython"),
            profile_dir=ProfileDir(location=str(scratch / "ipython" / "profile_default")),
            user_module=main,
            user_ns=main.__dict__,
        )
        keep_figure_data(shell)
        self._shell = shell
        self._recorder: _Recorder = shell.recorder
        self._compiler: _Compiler = shell.compile
        self._tees = [
            _Tee(name, getattr(sys, name), self._recorder) for name in ("stdout", "stderr")
        ]
        sys.stdout, sys.stderr = self._tees

    @property
    def shell(self) -> Any:
        """IPython's shell."""
        return self._shell

    def keep_out(self, redactor: Redactor) -> None:
        """Let none of the secrets that ``redactor`` knows be printed."""
        self._recorder.redactor = redactor

    def run(self, cell: Cell) -> Execution:
        """Run one cell; its error, if any, is in the `Execution` and not raised."""
        execution = Execution(cell, self._shell.execution_count)
        self._recorder.begin(execution)
        self._compiler.begin(f"{self.notebook}, cell {cell.position}", cell)
        start = time.perf_counter()
        result = self._shell.run_cell(cell.source, store_history=True, cell_id=cell.id)
        execution.seconds = time.perf_counter() - start
        execution.result = result.result
        execution.error = result.error_before_exec or result.error_in_exec
        self._recorder.end()
        for tee in self._tees:
            tee.release()
        if execution.error and all(each["output_type"] != "error" for each in execution.outputs):
            # IPython prints some errors, such as a magic's wrong use, instead of showing them.
            execution.outputs.append(_error(execution.error, []))
        return execution

    def place(self, execution: Execution) -> Place:
        """Return where a cell failed: the line of this cell that was running."""
        error, cell = execution.error, execution.cell
        line = below = None
        if isinstance(error, SyntaxError) and error.lineno is not None:
            if self._compiler.cell_of(error.filename) is cell:
                line = line_of(cell.source, error.lineno)
            elif error.filename == UNREADABLE:
                below = line_in_body(cell.source, error.lineno)
        traceback = error.__traceback__ if error is not None else None
        while traceback is not None:
            filename = traceback.tb_frame.f_code.co_filename
            if self._compiler.cell_of(filename) is cell:
                line = line_of(cell.source, traceback.tb_lineno)
            elif filename in BODIES:
                below = line_in_body(cell.source, traceback.tb_lineno)
            traceback = traceback.tb_next
        line = below or line
        return Place(self.notebook, cell.position, cell.id, line)


class _Compiler(CachingCompiler):
    """Names the code of a cell after its place in the notebook."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = ""
        self._cells: dict[str, Cell] = {}

    def begin(self, name: str, cell: Cell) -> None:
        self._name = name
        self._cells[name] = cell

    def cell_of(self, filename: str | None) -> Cell | None:
        return self._cells.get(filename or "")

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        cell = self._cells.get(self._name)
        if cell is not None and raw_code == cell.source:
            return self._name
        # code that a cell runs by itself, through a magic or run_cell
        return str(super().get_code_name(raw_code, transformed_code, number))

    def format_code_name(self, name: str) -> tuple[str, str] | None:
        if name in self._cells:
            return "File", name
        return super().format_code_name(name)


class _Recorder:
    """Collects the outputs of the running cell in the order in which they come."""

    def __init__(self) -> None:
        self.redactor = Redactor(())
        self._execution: Execution | None = None
        self._stream: tuple[dict[str, Any], list[str]] | None = None
        self._displayed: dict[str, list[dict[str, Any]]] = {}
        self._clear_next = False
        self._lock = threading.RLock()

    def begin(self, execution: Execution) -> None:
        self._execution = execution

    def end(self) -> None:
        with self._lock:
            self._close_stream()
            self._execution = None

    @property
    def count(self) -> int | None:
        return self._execution.count if self._execution else None

    def add(self, output: dict[str, Any], display_id: str | None = None) -> None:
        with self._lock:
            self._close_stream()
            self._append(output)
            if display_id is not None:
                self._displayed.setdefault(display_id, []).append(output)

    def print(self, name: str, text: str) -> None:
        with self._lock:
            if self._stream is None or self._stream[0]["name"] != name or self._clear_next:
                self._close_stream()
                output = {"output_type": "stream", "name": name, "text": ""}
                self._stream = (output, [])
                self._append(output)
            self._stream[1].append(text)

    def update(self, display_id: str, content: dict[str, Any]) -> None:
        with self._lock:
            for output in self._displayed.get(display_id, []):
                output.update(content)

    def clear(self, wait: bool) -> None:
        with self._lock:
            self._clear_next = True
            if not wait:
                self._close_stream()
                self._clear()

    def _append(self, output: dict[str, Any]) -> None:
        if self._clear_next:
            self._clear()
        if self._execution is not None:
            self._execution.outputs.append(output)

    def _clear(self) -> None:
        self._clear_next = False
        if self._execution is not None:
            self._execution.outputs.clear()

    def _close_stream(self) -> None:
        if self._stream is not None:
            output, parts = self._stream
            output["text"] = "".join(parts)
            self._stream = None


class _Tee(io.TextIOBase):
    """A standard stream whose text goes to the cell's outputs and on to the process' stream."""

    def __init__(self, name: str, stream: TextIO, recorder: _Recorder) -> None:
        self._name = name
        self._stream = stream
        self._recorder = recorder
        self._held = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self._recorder.print(self._name, text)
            self._stream.write(self._without_secrets(text))
        return len(text)

    def release(self) -> None:
        """Pass on the beginning of a line that was held back."""
        self._stream.write(self._recorder.redactor.text(self._held))
        self._held = ""

    def _without_secrets(self, text: str) -> str:
        """Return the whole lines that there are: a secret may be printed in two parts."""
        if not self._recorder.redactor:
            return text
        lines, end, self._held = (self._held + text).rpartition("\n")
        return self._recorder.redactor.text(lines) + end

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()


class _Publisher(DisplayPublisher):
    """Keeps what ``display`` shows."""

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: Any = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        recorder: _Recorder = self.shell.recorder
        content = {"data": _plain(data), "metadata": metadata or {}}
        display_id = (transient or {}).get("display_id")
        if update and display_id is not None:
            recorder.update(display_id, content)
        else:
            recorder.add({"output_type": "display_data", **content}, display_id)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.recorder.clear(wait)


class _Displayhook(DisplayHook):
    """Keeps the result of a cell's last expression."""

    def start_displayhook(self) -> None:
        pass

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        shell: Any = self.shell
        recorder: _Recorder = shell.recorder
        recorder.add(
            {
                "output_type": "execute_result",
                "execution_count": recorder.count,
                "data": _plain(format_dict),
                "metadata": md_dict or {},
            }
        )

    def finish_displayhook(self) -> None:
        pass


class ZMQInteractiveShell(InteractiveShell):
    """IPython's shell with outputs kept instead of shown, as a kernel's shell sends them.

    It has the name of a kernel's shell: by that, pandas, rich and others tell a notebook from a
    terminal, and print otherwise.
    """

    compiler_class: type[CachingCompiler] = _Compiler
    displayhook_class = _Displayhook
    display_pub_class = _Publisher
    kernel = None
    """Pandas looks for it to learn that no terminal limits the width of what it prints."""

    def __init__(self, **options: Any) -> None:
        self.recorder = _Recorder()
        super().__init__(**options)  # type: ignore[no-untyped-call]
        pandas: Any = sys.modules.get("pandas")
        if pandas is not None:
            # Imported ahead, outside of any shell, it took the width of a terminal.
            pandas.set_option("display.max_columns", 20)
        self.colors = "nocolor"
        # A notebook may ask the tool about its runs; in a step there is nobody to answer.
        register: Any = self.register_magic_function
        register(_say_nothing, "line_cell", "mlops")

    def init_hooks(self) -> None:
        super().init_hooks()  # type: ignore[no-untyped-call]
        # In a notebook, the answer to `name?` opens beside it; the cell prints nothing.
        hook = page.as_hook(_say_nothing)  # type: ignore[no-untyped-call]
        self.set_hook("show_in_pager", hook, 99)  # type: ignore[no-untyped-call]

    def enable_gui(self, gui: str | None = None) -> None:
        pass

    def ask_exit(self) -> None:
        pass

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.recorder.add(_error(evalue, list(stb)))
        stream = sys.stderr
        original = stream._stream if isinstance(stream, _Tee) else stream
        original.write(self.recorder.redactor.text("\n".join(stb)) + "\n")
        original.flush()


def _say_nothing(*_: Any, **__: Any) -> None:
    pass


def _error(error: BaseException, traceback: list[str]) -> dict[str, Any]:
    return {
        "output_type": "error",
        "ename": type(error).__name__,
        "evalue": str(error),
        "traceback": traceback or [f"{type(error).__name__}: {error}"],
    }


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Return a mime bundle as JSON can hold it: bytes as base64 text."""
    return {
        kind: base64.b64encode(each).decode("ascii") if isinstance(each, bytes) else each
        for kind, each in data.items()
    }
