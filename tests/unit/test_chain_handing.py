"""Values handed from one notebook to another: exact, or refused with what to do."""

from __future__ import annotations

import datetime as dt
import enum
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.chains.handing import LARGEST, Refused, hand, handed, taken, text_of

SINGLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    st.dates(),
    st.datetimes(timezones=st.one_of(st.none(), st.just(dt.UTC))),
    st.times(),
    st.just(Path("data/x.csv")),
)
VALUES = st.recursive(
    SINGLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers(), st.dates()), inner),
    ),
    max_leaves=6,
)


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other) and not isinstance(one, Path):
        return False
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


@given(VALUES)
def test_plain_values_arrive_as_they_are(value: Any) -> None:
    assert _same(value, taken(handed(value)))


class Size(enum.IntEnum):
    BIG = 9


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.datetime64("2013-01-02T03:04"), dt.datetime(2013, 1, 2, 3, 4)),
        (np.array(4.5), 4.5),
        (pd.Timestamp("2013-01-02"), dt.datetime(2013, 1, 2)),
        (pd.Timestamp("2013-01-02", tz="UTC"), dt.datetime(2013, 1, 2, tzinfo=dt.UTC)),
        (Size.BIG, 9),
        ([np.int8(1), (np.float64(2),)], [1, (2.0,)]),
        ({3, 1, 2}, {1, 2, 3}),
    ],
)
def test_scalars_of_libraries_become_plain(value: Any, plain: Any) -> None:
    found = taken(handed(value))
    assert found == plain
    assert type(found) is type(plain)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pd.DataFrame({"a": [1]}), r"a pandas.DataFrame.*annotate .* `Path`.*Parquet"),
        (np.arange(3), r"a numpy.ndarray.*annotate .* `Path`.*\.npy"),
        (pd.Series([1]), r"a pandas.Series.*write it to a file"),
        (pd.NaT, "no datetime"),
        (pd.Timestamp(1), "no datetime"),
        (object(), "an object, which cannot be a parameter"),
        ([object()], "an object, which cannot be a parameter"),
        (len, "builtin_function_or_method"),
        ("x" * LARGEST, "too large for a parameter"),
        ("ghp_" + "a1B2" * 9, "holds a secret"),
        ({"deep": ["ghp_" + "a1B2" * 9]}, "holds a secret"),
        (pd.DataFrame({"a": [1]}).groupby("a"), "pandas.DataFrameGroupBy"),
    ],
)
def test_what_cannot_be_handed_on_is_told(value: Any, words: str) -> None:
    with pytest.raises(Refused, match=words):
        taken(handed(value))


def test_text_under_the_name_of_a_secret_is_refused() -> None:
    with pytest.raises(Refused, match="holds a secret"):
        taken(handed("plain", "db_password"))
    assert taken(handed(3, "n_token")) == 3
    assert taken(handed("", "db_password")) == ""


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Refused, match="holds itself"):
        taken(handed(value))


def test_tables_and_arrays_go_as_files(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=[5, 6])
    path = taken(handed(frame, "frame", str(tmp_path / "new")))
    pd.testing.assert_frame_equal(pd.read_parquet(path), frame)
    assert taken(handed(frame.copy(), "frame", str(tmp_path / "new"))) == path
    assert taken(handed(frame * 2, "frame", str(tmp_path / "new"))) != path
    array = taken(handed(np.eye(3), "eye", str(tmp_path)))
    np.testing.assert_array_equal(np.load(array), np.eye(3))
    assert taken(handed(7, "n", str(tmp_path))) == 7
    assert not list(tmp_path.rglob(".*"))


def test_a_table_that_no_file_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"cannot be written as \.parquet"):
        taken(handed(pd.DataFrame({"a": [object()]}), "frame", str(tmp_path)))
    with pytest.raises(Refused, match="write it to a file"):
        taken(handed(np.array([object()]), "array", str(tmp_path)))
    assert not list(tmp_path.iterdir())


def test_it_is_written_at_once(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "0.json"
    hand(3, str(target), "n")
    assert json.loads(target.read_text()) == {"value": 3}
    assert [each.name for each in target.parent.iterdir()] == ["0.json"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (0.1, "0.1"),
        (True, "True"),
        ("a", "a"),
        (dt.date(2013, 1, 2), "2013-01-02"),
        (Path("a/b"), "a/b"),
    ],
)
def test_single_values_stand_in_texts(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
def test_others_do_not(value: Any) -> None:
    with pytest.raises(Refused, match="refer to it alone"):
        text_of(value)
