"""A failing cell is told with its line, whatever IPython's traceback looks like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_mlops.notebook.document import read
from jupyter_mlops.rerun.failure import cell_failed, line_in_cell
from tests.support import write_notebook


class _Recorder(InteractiveShell):
    """An IPython that keeps the last traceback as a kernel would send it."""

    def _showtraceback(self, etype: object, evalue: object, stb: list[str]) -> None:
        self.last = stb


@pytest.fixture
def shell() -> Iterator[_Recorder]:
    # IPython names cells in tracebacks only of the one instance.
    yield _Recorder.instance()
    _Recorder.clear_instance()


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("1 / 0", 1),
        ("a = 1\nb = 2\na / (b - 2)", 3),
        ("def f():\n    raise KeyError('x')\n\n\nf()", 5),
        ("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('no') from e", 4),
        ("import json\n\njson.loads('{')", 3),
        ("x = 1\ny = (", 2),
        ("\n\nx = 1\n1 / 0", 4),
        ("%%time\nx = 1\n1 / 0", 3),
        ("\n%%time\n\ndef f():\n    1 / 0\n\nf()", 7),
        ("%%time\nimport json\njson.loads('{')", 3),
        ("%%time\nx = 1\ny = (", 3),
        ("x = 0\n%time 1 / x", 2),
    ],
)
def test_the_line_is_the_cells_own(shell: _Recorder, source: str, line: int) -> None:
    shell.run_cell("pass", store_history=True)
    shell.run_cell(source, store_history=True)
    assert line_in_cell(shell.last, 2, source) == line
    assert line_in_cell(shell.last, 1, source) is None


def test_the_error_says_what_where_and_what_to_do(tmp_path: Path) -> None:
    notebook = read(
        write_notebook(tmp_path / "nb.ipynb", [("", "a = 1"), ("", "a / 0")]), name="nb"
    )
    error = cell_failed(
        notebook,
        notebook.cells[1],
        name="ZeroDivisionError",
        message="division by zero" * 100,
        traceback=["\x1b[36mCell\x1b[39m \x1b[32mIn[2]\x1b[39m, line 1"],
        execution_count=2,
        executed=tmp_path / "executed.ipynb",
    )
    assert error.code == "rerun.cell-failed"
    assert error.message.startswith("ZeroDivisionError: division by zero")
    assert len(error.message) < 600
    assert str(error.place) == "nb, cell 2, line 1"
    assert "executed.ipynb" in error.hint
