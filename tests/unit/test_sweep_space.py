"""The words of ``-p`` in a sweep: values, ranges, and what is wrong with them."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import Notebook
from jupyter_mlops.sweeps.points import drawn, grid, listed
from jupyter_mlops.sweeps.space import Choices, Range, read_space
from tests.programs import notebook

PARAMETERS = """\
depth: int = 3  # 1..20
rate: float = 0.1
name: str = "a"
layers: list = [1]
flag: bool = False
start: date = date(2013, 1, 1)
until: date | None = None
kind = "gini"  # one of: gini, entropy
at: time = time(10, 30)
password = ""
"""


def _book() -> Notebook:
    return notebook(("imports", "from datetime import date, time"), ("parameters", PARAMETERS))


def _values(name: str, words: str) -> list[Any]:
    fixed, space = read_space(_book(), {name: words})
    return [fixed[name]] if name in fixed else space[name].values() or []


def _error(given: dict[str, str]) -> MlopsError:
    with pytest.raises(MlopsError) as caught:
        read_space(_book(), given)
    return caught.value


@pytest.mark.parametrize(
    ("name", "words", "values"),
    [
        ("depth", "4,6,8", [4, 6, 8]),
        ("depth", "4", [4]),
        ("depth", "1:4", [1, 2, 3, 4]),
        ("depth", "2:10:lin5", [2, 4, 6, 8, 10]),
        ("depth", "2:10:5", [2, 4, 6, 8, 10]),
        ("depth", "1:4:9", [1, 2, 3, 4]),
        ("depth", "4,4,6", [4, 6]),
        ("rate", "0.01:1:log3", [0.01, 0.1, 1.0]),
        ("rate", "0:1:lin3", [0.0, 0.5, 1.0]),
        ("rate", "1,0.5", [1.0, 0.5]),
        ("rate", "1e-4:1e-2:log3", [1e-4, 1e-3, 1e-2]),
        ("name", "a,b", ["a", "b"]),
        ("name", "'a,b',c", ["a,b", "c"]),
        ("name", "1:4", ["1:4"]),
        ("layers", "[1,2],[3]", [[1, 2], [3]]),
        ("flag", "true,false", [True, False]),
        ("flag", "", [False, True]),
        ("kind", "", ["gini", "entropy"]),
        ("depth", "", list(range(1, 21))),
        ("start", "2013-01-01,2013-02-01", [dt.date(2013, 1, 1), dt.date(2013, 2, 1)]),
        ("until", "None,2013-02-01", [None, dt.date(2013, 2, 1)]),
        ("at", "10:30,11:45", [dt.time(10, 30), dt.time(11, 45)]),
    ],
)
def test_words_say_values(name: str, words: str, values: list[Any]) -> None:
    found = _values(name, words)
    assert found == values
    assert [type(each) for each in found] == [type(each) for each in values]


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"depht": "1,2"}, "parameters.unknown", "did you mean `depth`"),
        ({"depth": "1,x"}, "parameters.type", "'x'"),
        ({"depth": "1,50"}, "parameters.limits", "at most 20"),
        ({"depth": "1:50"}, "parameters.limits", "at most 20"),
        ({"depth": "4:1"}, "sweep.range", "is not less than"),
        ({"depth": "1:2.5:lin3"}, "sweep.range", "whole number"),
        ({"rate": "0:1:log5"}, "sweep.range", "above 0"),
        ({"rate": "0:1:quad5"}, "sweep.range", "LOW:HIGH:log5"),
        ({"rate": "0:1:lin0"}, "sweep.range", "0 values"),
        ({"rate": ""}, "sweep.undeclared", "# 1..10"),
        ({"kind": "gini,other"}, "parameters.limits", "'entropy'"),
        ({"password": "a,b"}, "parameters.secret", "reference"),
    ],
)
def test_what_is_wrong_is_told(given: dict[str, str], code: str, words: str) -> None:
    error = _error(given)
    assert error.code == code
    assert words in str(error)
    assert error.place is not None


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert "2 parameters are wrong" in str(_error({"depht": "1,2", "flag": "7,8"}))


numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: float(f"{value:.6g}"))


@given(numbers, numbers, st.integers(1, 50))
def test_a_range_has_its_ends_and_so_many_values(low: float, high: float, count: int) -> None:
    low, high = sorted((low, high))
    if low == high:
        return
    values = Range(low, high, count=count).values()
    assert values is not None
    assert values[0] == low
    assert count == 1 or values[-1] == high
    assert values == sorted(values)
    assert len(values) <= count


@given(st.floats(1e-6, 1e6), st.floats(1.5, 1e6), st.floats(0, 1), st.booleans())
def test_what_is_drawn_lies_in_the_range(
    low: float, factor: float, share: float, log: bool
) -> None:
    high = low * factor
    value = Range(low, high, log=log).draw(share)
    assert low * (1 - 1e-9) <= value <= high * (1 + 1e-9)
    whole = Range(math.ceil(low), math.ceil(low) + 7, whole=True).draw(share)
    assert isinstance(whole, int)
    assert math.ceil(low) <= whole <= math.ceil(low) + 7


@given(st.lists(st.text(st.characters(exclude_characters="\"'\\,[](){}")), min_size=1))
def test_parts_are_told_apart(parts: list[str]) -> None:
    parts = [part.strip() or "x" for part in parts]
    fixed, space = read_space(
        notebook(("parameters", 'name: str = "a"')),
        {"name": ",".join(f'"{part}"' for part in parts)},
    )
    found = space["name"].values() if space else [fixed["name"]]
    assert found == list(dict.fromkeys(parts))


def test_a_grid_has_every_combination_the_last_fastest() -> None:
    points = grid({"a": Choices((1, 2)), "b": Choices(("x", "y"))})
    assert [(p.number, dict(p.parameters)) for p in points] == [
        (1, {"a": 1, "b": "x"}),
        (2, {"a": 1, "b": "y"}),
        (3, {"a": 2, "b": "x"}),
        (4, {"a": 2, "b": "y"}),
    ]


def test_a_grid_over_an_open_range_asks_how_many() -> None:
    with pytest.raises(MlopsError, match="how many values `rate`"):
        grid({"rate": Range(0, 1)})


def test_points_are_drawn_alike_for_the_same_seed() -> None:
    space = {"rate": Range(0.001, 1, log=True), "kind": Choices(("a", "b"))}
    assert drawn(space, 9, 1) == drawn(space, 9, 1)
    assert drawn(space, 9, 1) != drawn(space, 9, 2)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("points.csv", "depth,rate\n4,0.1\n6,0.2\n"),
        ("points.json", '[{"depth": 4, "rate": 0.1}, {"depth": 6, "rate": 0.2}]'),
        ("points.yaml", "- {depth: 4, rate: 0.1}\n- {depth: 6, rate: 0.2}\n"),
    ],
)
def test_points_may_stand_in_a_file(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    points = listed(_book(), tmp_path / file)
    assert [dict(p.parameters) for p in points] == [
        {"depth": 4, "rate": 0.1},
        {"depth": 6, "rate": 0.2},
    ]


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("points.csv", "depth,rate\n4\n", "more or fewer values"),
        ("points.csv", "", "no points"),
        ("points.json", "{", "cannot be read"),
        ("points.yaml", "depth: [1", "cannot be read"),
        ("points.yaml", "depth: 1", "no list of tables"),
        ("points.csv", "depht\n4\n", "did you mean `depth`"),
    ],
)
def test_a_file_that_lists_no_points_is_told(
    tmp_path: Path, file: str, text: str, words: str
) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(MlopsError, match=words):
        listed(_book(), tmp_path / file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(MlopsError, match="No such file"):
        listed(_book(), tmp_path / "none.csv")
