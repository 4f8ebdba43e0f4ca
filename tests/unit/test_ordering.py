"""Steps that touch files run in the order in which the notebook's cells touch them."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.compile import compile_notebook
from tests.programs import Cells, notebook

WRITE = "with open('file', 'w') as file:\n    file.write('1')"
READ = "text = open('file').read()"


def test_the_step_that_wrote_first_comes_first() -> None:
    pipeline = compile_notebook(notebook(("step:write", WRITE), ("step:read", READ)))
    assert [(step.name, step.after) for step in pipeline.steps] == [
        ("write", ()),
        ("read", ("write",)),
    ]


def test_what_counts_is_the_cell_and_not_where_its_step_begins() -> None:
    cells = [("step:a", "x = 1"), ("step:b", WRITE), ("step:a", READ)]
    pipeline = compile_notebook(notebook(*cells))
    assert [(step.name, step.after) for step in pipeline.steps] == [("b", ()), ("a", ("b",))]


@pytest.mark.parametrize(
    "cells",
    [
        [("step:a", READ), ("step:b", WRITE), ("step:a", READ)],
        [("step:a", WRITE), ("step:b", READ), ("step:a", WRITE)],
        [("step:a", READ), ("step:b", f"{WRITE}\nn = 1"), ("step:a", "print(n)")],
    ],
    ids=["read between writes", "written between reads", "a value the other way"],
)
def test_steps_that_no_order_would_be_right_for_are_refused(cells: Cells) -> None:
    with pytest.raises(MlopsError) as caught:
        compile_notebook(notebook(*cells))
    assert caught.value.code == "pipeline.entangled"
    assert "both touch files" in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.cell in (2, 3)
    assert "same step tag" in caught.value.hint


def test_steps_that_only_read_are_free() -> None:
    cells = [("step:a", READ), ("step:b", READ), ("step:a", READ)]
    assert all(not step.after for step in compile_notebook(notebook(*cells)).steps)
