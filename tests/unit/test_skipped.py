"""What skipped cells would have changed is told, and nothing else."""

from __future__ import annotations

import pytest

from jupyter_mlops.pipeline.compile import compile_notebook
from tests.programs import notebook


def told(skipped: str, *below: str) -> list[tuple[int | None, int | None, str]]:
    """Compile a notebook with one skipped cell, and return the notices about it."""
    steps = [(f"step:s{number}", source) for number, source in enumerate(below)]
    book = notebook(
        ("step:make", "import math\nrows, box, x = [3, 1], {'a': [1]}, 1"),
        ("skip", skipped),
        *(steps or [("step:use", "out = sum(rows), box, x, math.pi")]),
    )
    notices = compile_notebook(book).notices
    return [(n.place.cell, n.place.line, n.message) for n in notices if "skipped" in n.message]


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        ("x = 2", "x", 1),
        ("y = 1\nx += y", "x", 2),
        ("rows.sort()", "rows", 1),
        ("box['a'].append(2)", "box", 1),
        ("del box['a']", "box", 1),
        ("for x in rows:\n    pass", "x", 1),
    ],
)
def test_a_change_that_a_cell_below_would_see_is_told(source: str, name: str, line: int) -> None:
    words = f"cell 2 is skipped, so cell 3 does not see what it does to `{name}`"
    assert told(source) == [(2, line, words)]


@pytest.mark.parametrize(
    "source",
    [
        "print(rows)",
        "len(rows)",
        "y = sum(rows)",
        "import math",
        "plot(rows)",
        "!pip install something",
        "this is no Python",
        "def f(x):\n    x = 2",
    ],
)
def test_what_nobody_below_would_see_is_not(source: str) -> None:
    assert told(source) == []


def test_what_is_bound_anew_below_is_not() -> None:
    assert told("x = 2", "x = 3", "out = x, rows") == []


def test_the_last_cell_has_nobody_below() -> None:
    book = notebook(("step:make", "x = 1"), ("skip", "x = 2"))
    assert compile_notebook(book).notices == ()
