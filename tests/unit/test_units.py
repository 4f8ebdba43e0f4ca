"""The units of a notebook: as small as is sound, with nothing left out."""

from __future__ import annotations

import pytest

from jupyter_mlops.pipeline.incremental.units import Units, divide
from tests.programs import notebook


def _cells(units: Units) -> list[list[int]]:
    return [[cell.position for cell in step.cells] for step in units.pipeline.steps]


def test_each_cell_is_a_unit_with_what_it_reads() -> None:
    units = divide(
        notebook(
            ("imports", "import math"),
            ("parameters", "k = 3"),
            ("step:a", "a = [k]"),
            ("step:a", "b = math.pi"),
            ("skip", "print(a)"),
            ("test", "assert a"),
        )
    )
    assert units.whole is None
    assert _cells(units) == [[1], [3], [4], [5], [6]]
    made, pi, shown = (units.pipeline.step(f"cell-{n}") for n in (3, 4, 5))
    assert made.parameters == ("k",)
    assert [cell.position for cell in pi.prelude] == [1]
    assert shown.inputs == {"a": "cell-3"}


def test_cells_that_share_an_object_that_changes_are_one_unit() -> None:
    cells = [("", "a = [1]"), ("", "b = [a]"), ("", "a.append(2)"), ("", "print(b)"), ("", "c = 1")]
    units = divide(notebook(*cells))
    assert units.whole is None
    homes = units.cells()
    assert homes["c5"] != homes["c1"]
    # What cell 3 changes is seen through `b`, wherever that is read.
    changed = units.pipeline.step(homes["c3"])
    assert "b" in changed.outputs or homes["c3"] == homes["c4"]


@pytest.mark.parametrize("broken", ["print(nothing_such, b)", "print((b"])
def test_what_stands_above_a_broken_cell_is_divided(broken: str) -> None:
    cells = [("", "a = [1]"), ("", "b = 2"), ("", broken), ("", "a.append(b)")]
    units = divide(notebook(*cells))
    assert units.whole is not None
    assert units.whole.place is not None
    assert units.whole.place.cell == 3
    assert _cells(units) == [[1], [2], [3, 4]]
    assert units.pipeline.steps[-1].inputs == {"a": "cell-1", "b": "cell-2"}


def test_a_notebook_that_cannot_be_divided_is_one_unit() -> None:
    units = divide(notebook(("", "print(nothing_such)"), ("", "a = 1")))
    assert units.whole is not None
    assert _cells(units) == [[1, 2]]


def test_definitions_run_where_they_stand_and_before_what_needs_them() -> None:
    cells = [("", "def f(x):\n    return x + 1"), ("", "a = f(1)"), ("", "print('no')")]
    units = divide(notebook(*cells))
    assert _cells(units) == [[1], [2], [3]]
    assert units.definers == {"c1"}
    assert [cell.id for cell in units.pipeline.step("cell-2").prelude] == ["c1"]
    assert not units.pipeline.step("cell-3").prelude


def test_cells_that_were_to_be_together_are() -> None:
    cells = [("", "a = 1"), ("", "b = 2"), ("", "c = 3"), ("", "d = 4")]
    assert _cells(divide(notebook(*cells), [{"c2", "c3"}])) == [[1], [2, 3], [4]]


def test_cells_that_only_talk_to_us_or_say_nothing() -> None:
    cells = [("", "a = 1"), ("", "%mlops note hello"), ("", "# nothing"), ("", "print(a)")]
    units = divide(notebook(*cells))
    assert _cells(units) == [[1], [2], [4]]
    assert [cell.position for cell in units.silent] == [3]
