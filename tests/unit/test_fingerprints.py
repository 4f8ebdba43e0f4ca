"""Fingerprints: equal content gives equal digests, any single change gives another."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import io
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.fingerprints import fingerprint

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(), inner)
        | st.frozensets(st.integers() | st.text())
    ),
    max_leaves=20,
)


@given(plain)
@settings(deadline=None)
def test_a_round_trip_changes_nothing(value: Any) -> None:
    assert fingerprint(pickle.loads(pickle.dumps(value))) == fingerprint(value)


@given(plain, plain)
@settings(deadline=None)
def test_different_values_have_different_fingerprints(one: Any, other: Any) -> None:
    if fingerprint(one) == fingerprint(other):
        # repr tells what == does not: 1 from True, -0.0 from 0.0
        assert sorted(repr(one)) == sorted(repr(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        ([1], (1,)),
        (b"a", "a"),
        (b"a", bytearray(b"a")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.int64(1), 1),
        (np.arange(3), np.arange(3, dtype="int32")),
        (np.arange(6), np.arange(6).reshape(2, 3)),
        (np.array([b"ab"]), np.array(["ab"])),
        (np.datetime64("2020", "s"), np.datetime64("2020", "ms")),
        (pd.Series([1]), pd.Series([1], name="a")),
        (pd.Series([1]), pd.Series([1], index=[1])),
        (pd.Series([1]), pd.DataFrame({0: [1]})),
        (pd.Series(["a"], dtype="category"), pd.Series(["a"])),
        (
            pd.Series(pd.Categorical(["a"], ["a", "b"])),
            pd.Series(pd.Categorical(["a"], ["b", "a"])),
        ),
        (lambda: 1, lambda: 2),
        (functools.partial(int, base=2), functools.partial(int, base=3)),
        (len, max),
        (int, float),
    ],
)
def test_like_is_not_equal(one: Any, other: Any) -> None:
    assert fingerprint(one) != fingerprint(other)


def frame(rows: int = 40) -> pd.DataFrame:
    random = np.random.default_rng(1)
    numbers = random.random(rows)
    frame = pd.DataFrame(
        {
            "float": numbers,
            "int": random.integers(0, 9, rows),
            "bool": numbers > 0.5,
            "text": [f"t{n}" if n % 7 else None for n in range(rows)],
            "object": [f"t{n}" if n % 7 else None for n in range(rows)],
            "mixed": [n if n % 2 else str(n) for n in range(rows)],
            "time": pd.Timestamp("2013-01-01") + pd.to_timedelta(np.arange(rows), "h"),
            "zone": pd.date_range("2013-01-01", periods=rows, freq="D", tz="Europe/Vienna"),
            "category": pd.Categorical.from_codes(np.arange(rows) % 3, ["a", "b", "c"]),
            "nullable": pd.array([n if n % 5 else None for n in range(rows)], dtype="Int64"),
            "flag": pd.array([n % 2 == 0 if n % 5 else None for n in range(rows)], "boolean"),
            "python text": pd.array(["x"] * rows, dtype=pd.StringDtype("python")),
            "arrow": pd.array(list(range(rows)), dtype=pd.ArrowDtype(pa.int64())),
            "arrow time": pd.array(
                [datetime.datetime(2020, 1, 1)] * rows, "timestamp[us][pyarrow]"
            ),
            "interval": pd.interval_range(0, rows),
            "period": pd.period_range("2013-01", periods=rows, freq="M"),
            "date": [datetime.date(2013, 1, 1)] * rows,
        }
    )
    return frame.astype({"object": object})


OTHER: dict[str, Any] = {
    "float": [-1.0],
    "int": [-1],
    "bool": [True, False],
    "text": ["other", None],
    "object": ["other", None],
    "mixed": ["other"],
    "time": [pd.Timestamp("1999-01-01"), pd.NaT],
    "zone": [pd.Timestamp("1999-01-01", tz="Europe/Vienna")],
    "category": ["a", "b", None],
    "nullable": [-1, pd.NA],
    "flag": [True, False, pd.NA],
    "python text": ["other"],
    "arrow": [-1],
    "arrow time": [datetime.datetime(1999, 1, 1)],
    "interval": [pd.Interval(-2, -1)],
    "period": [pd.Period("1999-01", "M")],
    "date": [datetime.date(1999, 1, 1)],
}


@pytest.mark.parametrize("column", list(OTHER))
@pytest.mark.parametrize("row", [0, 7, 39])
def test_one_changed_value_anywhere_is_seen(column: str, row: int) -> None:
    data = frame()
    seen = 0
    for other in OTHER[column]:
        changed = data.copy()
        changed.loc[row, column] = other
        if repr(changed.loc[row, column]) == repr(data.loc[row, column]):
            continue
        assert changed[column].dtype == data[column].dtype
        assert fingerprint(changed) != fingerprint(data)
        assert fingerprint(changed[column]) != fingerprint(data[column])
        seen += 1
    assert seen


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_a_slice_is_equal_to_its_copy_and_round_trip(start: int, stop: int, step: int) -> None:
    part = frame().iloc[start:stop:step]
    assert fingerprint(part) == fingerprint(part.copy())
    assert fingerprint(part) == fingerprint(pickle.loads(pickle.dumps(part)))
    for name in part:
        assert fingerprint(part[name]) == fingerprint(part[name].copy())


def test_text_chunks_and_what_stands_below_nulls_do_not_count() -> None:
    whole = pa.chunked_array([["a", None, "ccc", "d"]])
    parts = pa.chunked_array([["a"], [None, "ccc"], [], ["d"]], type=pa.string())
    assert fingerprint(whole) == fingerprint(parts)
    assert fingerprint(whole) != fingerprint(pa.chunked_array([["a", "", "ccc", "d"]]))
    masked = pd.arrays.IntegerArray(np.array([1, 99]), np.array([False, True]))
    assert fingerprint(masked) == fingerprint(pd.array([1, None], dtype="Int64"))


@pytest.mark.parametrize(
    "change",
    [
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a.T.copy().T,
        lambda a: a[::-1][::-1],
    ],
)
def test_memory_layout_does_not_count(change: Callable[[Any], Any]) -> None:
    for shape in [(7,), (600, 700), (3, 400, 500)]:
        array = np.random.default_rng(0).random(shape)
        assert fingerprint(change(array)) == fingerprint(array)


@given(st.integers(0, 2999), st.integers(0, 7))
@settings(deadline=None)
def test_one_changed_number_in_an_array_is_seen(row: int, column: int) -> None:
    array = np.zeros((3000, 8))
    changed = array.copy()
    changed[row, column] = 1e-300
    assert fingerprint(changed) != fingerprint(array)
    assert fingerprint(changed.T) != fingerprint(array.T)


def test_padding_of_records_does_not_count() -> None:
    kind = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    one, other = np.zeros(3, kind), np.full(3 * kind.itemsize, 255, "u1").view(kind)
    other["a"], other["b"] = 0, 0
    assert one.tobytes() != other.tobytes()
    assert fingerprint(one) == fingerprint(other)


def test_a_multiindex_is_its_rows() -> None:
    data = pd.DataFrame({"a": [1, 1, 2], "b": ["x", "y", "z"], "c": [1.0, 2.0, 3.0]})
    part = data.set_index(["a", "b"]).iloc[:2]
    fresh = data.iloc[:2].set_index(["a", "b"])
    assert len(part.index.levels[0]) != len(fresh.index.levels[0])
    assert fingerprint(part) == fingerprint(fresh)


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        RandomForestClassifier(3, random_state=0),
        HistGradientBoostingRegressor(max_iter=3, random_state=0),
    ],
)
def test_a_model_is_equal_to_its_round_trip_and_not_to_another(model: Any) -> None:
    data = frame()
    target = np.arange(40) % 2
    encode = make_column_transformer(
        (StandardScaler(), ["float", "int"]), (OneHotEncoder(sparse_output=False), ["category"])
    )
    fitted = make_pipeline(encode, model).fit(data, target)
    first = fingerprint(fitted)
    fitted.predict(data)
    assert fingerprint(fitted) == first
    assert fingerprint(pickle.loads(pickle.dumps(fitted))) == first
    changed = pickle.loads(pickle.dumps(fitted))
    changed[-1].verbose = 1
    assert fingerprint(changed) != first
    refitted = pickle.loads(pickle.dumps(fitted)).fit(data, np.arange(40) % 3 == 0)
    assert fingerprint(refitted) != first


@dataclasses.dataclass
class Point:
    x: int
    y: list[int]


class Colour(enum.Enum):
    RED = 1


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    "value",
    [
        Point(1, [2]),
        Colour.RED,
        Pair(1, 2),
        collections.OrderedDict(a=1),
        collections.Counter("abca"),
        collections.defaultdict(list, a=[1]),
        collections.deque([1, 2], 3),
        decimal.Decimal("1.10"),
        datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
        np.random.default_rng(0),
        np.random.RandomState(0),
        np.ma.masked_array([1, 2], [False, True]),
        io.StringIO("text"),
        range(3),
        slice(1, 2),
        ...,
        pd.NA,
        pd.NaT,
        np,
        type(None),
        pd.Index([1, 2]),
        pd.DataFrame(),
        np.zeros((0, 3)),
        np.array(3),
    ],
)
def test_objects_survive_a_round_trip(value: Any) -> None:
    copied = cloudpickle.loads(cloudpickle.dumps(value))
    assert fingerprint(copied) == fingerprint(value)


def test_functions_are_code_defaults_and_closure() -> None:
    def make(k: int) -> Callable[..., int]:
        def inner(x: int = 1) -> int:
            return x + k

        return inner

    assert fingerprint(make(1)) == fingerprint(make(1))
    assert fingerprint(make(1)) != fingerprint(make(2))
    changed = make(1)
    changed.__defaults__ = (2,)
    assert fingerprint(changed) != fingerprint(make(1))


def test_a_partial_is_the_same_after_somebody_looked_at_it() -> None:
    found = functools.partial(pow, 2)
    before = fingerprint(found)
    assert found.__dict__ == {}  # made by the question
    assert fingerprint(found) == before
    assert fingerprint(functools.partial(pow, 3)) != before


def test_an_error_is_the_same_after_somebody_looked_at_it() -> None:
    found = ValueError("no")
    before = fingerprint([found])
    assert vars(found) == {}
    assert fingerprint([found]) == before
    found.why = 1  # type: ignore[attr-defined]
    assert fingerprint([found]) != before


@pytest.mark.parametrize("name", ["keys", "values", "items"])
def test_views_of_dicts_are_what_they_show(name: str) -> None:
    table = {"a": 1, "b": 2}
    assert fingerprint(getattr(table, name)()) == fingerprint(getattr(dict(table), name)())
    other = {"b": 2, "c": 3}
    assert fingerprint(getattr(table, name)()) != fingerprint(getattr(other, name)())


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
def test_how_often_a_search_tree_was_asked_does_not_count(algorithm: str) -> None:
    rows = np.arange(40.0).reshape(20, 2)
    neighbors = NearestNeighbors(algorithm=algorithm).fit(rows)
    before = fingerprint(neighbors)
    neighbors.kneighbors(rows[:3])
    assert fingerprint(neighbors) == before
    assert fingerprint(neighbors.fit(rows[1:])) != before


def test_addresses_that_scikit_learn_keeps_do_not_count() -> None:
    counts = CountVectorizer(stop_words=["the"]).fit(["the ham"])
    before = fingerprint(counts)
    counts._stop_words_id += 16
    assert fingerprint(counts) == before
    assert fingerprint(CountVectorizer(stop_words=["a"]).fit(["the ham"])) != before


def test_cycles_end() -> None:
    def loop(value: int) -> list[Any]:
        items: list[Any] = [value]
        items.append({"back": items})
        return items

    assert fingerprint(loop(1)) == fingerprint(loop(1))
    assert fingerprint(loop(1)) != fingerprint(loop(2))


def test_sharing_does_not_count() -> None:
    one: list[Any] = [object]
    assert fingerprint([one, one]) == fingerprint([one, [object]])


def test_another_process_finds_the_same() -> None:
    code = (
        "import sys, pickle; from jupyter_mlops.fingerprints import fingerprint;"
        "print(fingerprint(pickle.loads(sys.stdin.buffer.read())))"
    )
    value = {"frame": frame(), "set": {"a", "b", "c"}, "object": [decimal.Decimal(1)]}
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(value), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == fingerprint(value)


@pytest.mark.parametrize("value", [threading.Lock(), (n for n in "a"), [threading.Event()]])
def test_what_has_no_state_is_refused(value: Any) -> None:
    with pytest.raises(MlopsError) as caught:
        fingerprint(value)
    assert caught.value.code == "fingerprints.unsupported"


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(MlopsError, match="nested"):
        fingerprint(deep)
    while deep:
        deep = deep.pop()
