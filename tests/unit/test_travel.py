"""What cannot travel is told before anything runs, where the code alone is certain of it."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.compile import compile_notebook
from tests.programs import Cells, compiled, notebook, run_step

USE = ("step:use", "print(found)")

REFUSED: dict[str, tuple[str, int, str]] = {
    "an open file": ("found = open('file')", 1, "it is an open file"),
    "a generator": ("n = 1\nfound = (k for k in range(n))", 2, "it is a generator"),
    "a function that yields": ("def make():\n    yield 1\nfound = make()", 3, "it is a generator"),
    "a coroutine": ("async def make():\n    return 1\nfound = make()", 3, "it is a coroutine"),
    "a lock among others": ("from threading import Lock\nfound = {'lock': Lock()}", 2, "it holds"),
    "two names at once": ("import threading\nother = found = threading.Lock()", 2, "a lock"),
    "an annotation": ("import io\nfound: io.IOBase = open('file')", 2, "an open file"),
    "a walrus": ("(found := open('file'))", 1, "an open file"),
    "a closed file": ("with open('file') as found:\n    text = found.read()", 1, "an open file"),
    "a cursor": (
        "import sqlite3\nbase = sqlite3.connect('x')\nfound = base.cursor()",
        3,
        "a database cursor",
    ),
    "used and changed afterwards": ("found = open('file')\nfound.readline()", 1, "an open file"),
}


@pytest.mark.parametrize(("source", "line", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_named_with_its_maker_and_who_wants_it(source: str, line: int, words: str) -> None:
    error = compiled(notebook(("step:make", source), ("step:other", "x = 1"), USE))
    assert isinstance(error, MlopsError)
    assert error.code == "pipeline.cannot-travel"
    assert error.message.startswith("`found` cannot be passed on to another step: ")
    assert words in error.message
    assert error.message.endswith("Cell 3 (step `use`) wants it.")
    assert error.place is not None
    assert (error.place.cell, error.place.line) == (1, line)
    assert "give cells 1 and 3 the same step tag" in error.hint


ALLOWED: dict[str, Cells] = {
    "in one step": [("step:make", "found = open('file')"), ("step:make", "print(found)")],
    "made anew": [("step:make", "found = open('file')"), ("step:use", "found = 1\nprint(found)")],
    "closed and replaced": [("step:make", "found = open('file')\nfound = found.read()"), USE],
    "replaced in a later cell": [
        ("step:make", "found = open('file')"),
        ("step:make", "found = found.read()"),
        USE,
    ],
    "deleted": [("step:make", "found = open('file')\ndel found"), ("step:use", "x = 1")],
    "perhaps replaced": [
        ("step:make", "found = open('file')\nif found.closed:\n    found = None"),
        USE,
    ],
    "replaced by a function": [
        (
            "step:make",
            "def read():\n    global found\n    found = found.read()\nfound = open('file')\nread()",
        ),
        USE,
    ],
    "in a cell that all steps run": [
        ("functions", "import threading\nfound = threading.Lock()"),
        ("step:make", "x = found.locked()"),
        ("step:use", "print(found.locked(), x)"),
    ],
    "an iterator that travels": [("step:make", "found = zip([1], [2])"), USE],
    "taken in by a with": [
        ("step:make", "import threading\nwith threading.Lock() as found:\n    pass"),
        USE,
    ],
}


@pytest.mark.parametrize("cells", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_not_certain_or_not_wanted_compiles(cells: Cells) -> None:
    compile_notebook(notebook(*cells))


@pytest.mark.parametrize("source", [source for source, _, _ in REFUSED.values()], ids=REFUSED)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_would_find_the_same(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("text")
    pipeline = compile_notebook(notebook(("step:make", source), USE), any_values=True)
    with tempfile.TemporaryDirectory() as folder, pytest.raises(MlopsError) as caught:
        run_step(pipeline, pipeline.step("make"), Path(folder))
    assert caught.value.code == "values.unserialisable"
    # What was left open is closed here, and not in another test.
    del caught
    gc.collect()


def test_an_untagged_cell_joins_the_step_that_its_value_cannot_reach_otherwise() -> None:
    cells = [
        ("step:load", "rows = [1, 2]"),
        ("", "found = (row for row in range(3))"),
        ("step:use", "print(list(found), rows)"),
    ]
    pipeline = compile_notebook(notebook(*cells))
    assert [cell.position for cell in pipeline.step("use").cells] == [2, 3]
