"""Printed lines that chance explains, and those that it does not."""

from __future__ import annotations

import pytest

from jupyter_mlops.notebook.ipython_syntax import parse_cell
from jupyter_mlops.pipeline.downstream import trace_chance
from jupyter_mlops.pipeline.lines import chance_explains, functions_print
from tests.programs import notebook

BEFORE = """import random
total = 10
def handful(left):
    if left == 0:
        print("none left")
        return 0
    got = random.randint(1, left)
    print("I got %s" % got)
    return got
def report(x):
    print("report:", x)
kid = handful(20)"""


@pytest.mark.parametrize(
    ("source", "notebook_printed", "pipeline_printed", "explained"),
    [
        ("kid2 = handful(20 - kid)", "I got 3", "none left", True),
        ("kid2 = handful(20 - kid)", "none left", "I got 3", True),
        ("print(total)", "10", "11", False),
        ("print(kid)\nprint(total)", "3\n10", "4\n10", True),
        ("print(kid)\nprint(total)", "3\n10", "4\n11", False),
        ("print(kid)\nprint(total)", "3\n10", "3\n11", False),
        ("print(total)\nkid", "10\n3", "10\n4", True),
        ("report(total)\nkid2 = handful(kid)", "report: 1\nI got 2", "report: 1\nnone left", True),
        ("report(total)\nkid2 = handful(kid)", "report: 1\nI got 2", "report: 2\nI got 1", False),
        ("for i in range(kid):\n    print('round', i)", "round 0", "round 0\nround 1", True),
        ("print('rows', total)\nfor i in range(kid):\n    print('round', i)",
         "rows 10\nround 0", "rows 9\nround 0\nround 1", False),
        ("x = kid + 1\nprint('rows', total)", "rows 10", "rows 11", False),
        ("def shown():\n    print(total)\nshown()", "10", "11", False),
    ],
)  # fmt: skip
def test_lines_of_what_depends_on_chance(
    source: str, notebook_printed: str, pipeline_printed: str, explained: bool
) -> None:
    book = notebook(("", BEFORE), ("", source))
    found = trace_chance(book.code_cells)["c2"]
    functions = functions_print(parse_cell(cell.source) for cell in book.code_cells)
    assert chance_explains(found, functions, notebook_printed, pipeline_printed) == explained
