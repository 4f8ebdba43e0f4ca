"""Cells tagged `raises-exception` may end anywhere: what is sure of other cells is not of them."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.compile import compile_notebook
from tests.programs import notebook

MAKE = ("step:make", "x, y = 1, [1]\nz = y")
USE = ("step:use", "print(x, y, z)")


@pytest.mark.parametrize("source", ["x = 2", "del x", "raise ValueError\nx = 2", "x = 1 / 0"])
def test_what_such_a_cell_binds_may_still_be_what_it_was(source: str) -> None:
    pipeline = compile_notebook(notebook(MAKE, ("step:try raises-exception", source), USE))
    assert pipeline.step("try").inputs == {"x": "make"}
    assert pipeline.step("use").inputs == {"x": "try", "y": "make", "z": "make"}


def test_names_that_it_may_not_have_reached_are_aliases_still() -> None:
    cells = [
        MAKE,
        ("step:try raises-exception", "1 / 0\ny = [2]"),
        ("step:change", "y.append(3)"),
        USE,
    ]
    assert compile_notebook(notebook(*cells)).step("use").inputs["z"] == "change"


def test_names_that_are_not_there_are_what_it_shows() -> None:
    shows = ("step:try raises-exception", "print(nowhere)")
    compile_notebook(notebook(MAKE, shows))
    with pytest.raises(MlopsError) as caught:
        compile_notebook(notebook(MAKE, ("step:try", "print(nowhere)")))
    assert caught.value.code == "pipeline.undefined-name"


def test_a_cell_without_code_is_nothing() -> None:
    compile_notebook(notebook(MAKE, ("raises-exception", "# later")))
