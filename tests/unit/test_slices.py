"""What is told of a pipeline: which cells a step needs for which names, and what travels."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlops.faces.pipeline_shown import pipeline as view
from jupyter_mlops.faces.pipeline_view import pipeline_view
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.slices import needed, travelling
from tests.programs import notebook
from tests.support import write_notebook

CELLS = [
    ("imports", "import math\nimport json, os"),
    ("imports", "import warnings\nwarnings.simplefilter('ignore')"),
    ("parameters", "n = 4\nunused = None"),
    (
        "functions",
        "def area(r):\n    return math.pi * square(r)\n\ndef square(r):\n    return r * r\n\n"
        "def never():\n    return os.name",
    ),
    ("step:load", "rows = list(range(n))"),
    ("step:grow", "rows.append(9)\nsize = area(2)"),
    ("step:show metrics", "total = sum(rows) + size"),
    ("step:show", "print(json.dumps(rows))"),
]


def test_cells_that_run_first_and_for_which_names() -> None:
    pipeline = compile_notebook(notebook(*CELLS))
    found = {
        s.name: [(each.cell.position, each.names) for each in needed(s)] for s in pipeline.steps
    }
    assert found == {
        "load": [(2, ())],
        "grow": [(1, ("math",)), (2, ()), (4, ("area", "square"))],
        "show": [(1, ("json",)), (2, ())],
    }


def test_values_that_travel_with_their_last_maker() -> None:
    found = [
        (each.name, each.step, each.cell.position if each.cell else None, each.takers)
        for each in travelling(compile_notebook(notebook(*CELLS)))
    ]
    assert found == [
        ("rows", "load", 5, ("grow",)),
        ("rows", "grow", 6, ("show",)),
        ("size", "grow", 6, ("show",)),
    ]


def test_a_value_that_is_only_handed_on_has_no_maker() -> None:
    cells = [
        ("step:a", "x = [1]\ny = x"),
        ("step:b", "y.append(2)"),
        ("step:c", "print(x, y)"),
    ]
    found = {
        (each.name, each.step): each.cell and each.cell.position
        for each in travelling(compile_notebook(notebook(*cells)))
    }
    assert found[("x", "b")] is None
    assert found[("y", "b")] == 2


def test_the_view_tells_it_all() -> None:
    shown = view(compile_notebook(notebook(*CELLS)))
    text = shown.text()
    assert "3 steps, each in a process of its own" in text
    assert "load (what it sets up); grow (what it sets up); show (what it sets up)" in text
    assert "grow (area, square)" in text
    tables = {table.title.partition(",")[0]: table.rows for table in shown.tables}
    assert tables["steps"] == [
        ["load", "5", "nothing", "parameters n", "rows", ""],
        ["grow", "6", "load", "rows of load", "rows, size", ""],
        ["show", "7–8", "grow", "rows, size of grow", "", "total"],
    ]
    assert tables["parameters"] == [["n", "4", "load"], ["unused", "None", "no step"]]
    assert shown.data["slices"][0]["first"] == [{"cell": 2, "names": []}]


def test_what_there_is_none_of_is_left_out() -> None:
    shown = view(compile_notebook(notebook(("step:a", "x = 1"))))
    assert [table.columns for table in shown.tables] == [("step", "cells", "waits for")]
    assert "1 step, each" in shown.lines[0]


def test_the_sidebar_is_told_the_same(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "book.ipynb", CELLS)
    steps = {step.name: step for step in pipeline_view(path, "book.ipynb").steps}
    assert [(each.cell, each.names) for each in steps["grow"].first] == [
        (1, ["math"]),
        (2, []),
        (4, ["area", "square"]),
    ]
