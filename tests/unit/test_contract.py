"""The contract: what it learns from frames, what it takes, and what it refuses."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.serving.contract import Contract, InvalidRows, learn
from jupyter_mlops.serving.predictions import differs, learn_outputs, to_list


def flights() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "distance": [1400, 1416, 17],
            "dep_delay": [2.0, None, -4.5],
            "carrier": ["UA", "AA", "UA"],
            "night": [False, True, False],
            "time": pd.to_datetime(["2013-01-01T05:00", "2013-01-01T06:30", "2013-07-04T23:59"]),
        }
    )


def contract() -> Contract:
    return learn(flights(), np.array([1.0, 2.0, 3.0]))


def row(**changes: Any) -> dict[str, Any]:
    return {
        "distance": 1400,
        "dep_delay": 2.0,
        "carrier": "UA",
        "night": False,
        "time": "2013-01-01T05:00:00",
        **changes,
    }


def test_what_is_learned() -> None:
    learned = contract()
    facts = [(c.name, c.type, c.nullable, c.min, c.max) for c in learned.columns]
    assert facts == [
        ("distance", "integer", False, 17, 1416),
        ("dep_delay", "number", True, -4.5, 2.0),
        ("carrier", "string", False, None, None),
        ("night", "boolean", False, None, None),
        ("time", "datetime", False, "2013-01-01T05:00:00", "2013-07-04T23:59:00"),
    ]
    assert learned.columns[2].categories == ("AA", "UA")
    assert Contract.model_validate_json(learned.model_dump_json()) == learned


# Each dtype with what its values may be.
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
TIMES = st.datetimes(
    pd.Timestamp("1700-01-01").to_pydatetime(), pd.Timestamp("2200-01-01").to_pydatetime()
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "int8": st.integers(-128, 127),
    "uint64": st.integers(0, 2**64 - 1),
    "float64": FINITE | st.none(),
    "float32": st.floats(width=32, allow_nan=False, allow_infinity=False) | st.none(),
    "bool": st.booleans(),
    "boolean": st.booleans() | st.none(),
    "Int64": st.integers(-(2**63), 2**63 - 1) | st.none(),
    "Float64": FINITE | st.none(),
    "str": TEXT | st.none(),
    "string": TEXT | st.none(),
    "object": TEXT | st.none(),
    "category": st.sampled_from(["a", "b", "ü"]) | st.none(),
    "datetime64[us]": TIMES | st.none(),
    "datetime64[ns]": TIMES | st.none(),
    "datetime64[us, UTC]": TIMES | st.none(),
    "datetime64[ns, Europe/Berlin]": TIMES | st.none(),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    dtypes = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4))
    size = draw(st.integers(1, 6))
    names = draw(st.lists(TEXT, min_size=len(dtypes), max_size=len(dtypes), unique=True))
    series = {}
    for name, dtype in zip(names, dtypes, strict=True):
        values = draw(st.lists(COLUMNS[dtype], min_size=size, max_size=size))
        if "," in dtype:
            values = [None if v is None else pd.Timestamp(v, tz="UTC") for v in values]
        series[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(series)


@settings(deadline=None, max_examples=150)
@given(frames())
def test_rows_come_back_as_the_frame_that_was_learned(frame: pd.DataFrame) -> None:
    learned = Contract.model_validate_json(learn(frame, [0] * len(frame)).model_dump_json())
    rows = json.loads(json.dumps(learned.rows(frame), allow_nan=False))
    batch = learned.read(rows)
    pd.testing.assert_frame_equal(batch.frame, frame)
    assert batch.surprises == [], "the training data itself is no surprise"
    model = learned.row_model()
    for each in rows:
        model.model_validate(each)


WORDS = [
    *("1", "true", "", "2013-01-01", "2013-01-01T05:00:00Z", "now", "NaN"),
    *(None, True, 0, 1, -1, 1.0, 1.5, 1e300, -1e300, 2**63, 10**400, math.nan, math.inf, [], {}),
]


@settings(deadline=None, max_examples=300)
@given(
    st.fixed_dictionaries(
        {name: st.just(value) | st.sampled_from(WORDS) for name, value in row().items()},
        optional={"distanc": st.just(1)},
    )
)
def test_the_row_model_and_the_frame_agree(asked: dict[str, Any]) -> None:
    learned = contract()
    try:
        learned.row_model().model_validate(asked)
        taken = True
    except ValidationError:
        taken = False
    errors = learned.check([asked])
    assert taken == (not errors)
    if taken:
        frame = learned.frame([asked])
        assert list(frame.dtypes) == list(flights().dtypes)
        assert list(frame.columns) == list(flights().columns)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("distance", "1400", "is text, but an integer is wanted"),
        ("distance", True, "is true, but an integer is wanted"),
        ("distance", 1400.5, "is 1400.5, but an integer is wanted"),
        ("distance", None, "is null, but the training data has no nulls here"),
        ("distance", 2**63, "is out of the range of int64"),
        ("dep_delay", False, "is false, but a number is wanted"),
        ("dep_delay", math.inf, "is out of the range of float64"),
        ("carrier", 7, "is a number, but text is wanted"),
        ("carrier", ["UA"], "is a list, but text is wanted"),
        ("night", 0, "is a number, but true or false is wanted"),
        ("night", "true", "is text, but true or false is wanted"),
        ("time", "today", "is no time in ISO 8601, such as 2013-07-01T12:30:00"),
        ("time", 1372638600, "is a number, but a time as ISO 8601 text is wanted"),
        ("time", "2013-07-01T12:30:00Z", "has a time zone, but the training data has none here"),
    ],
)
def test_refused_values_name_row_column_and_reason(column: str, value: Any, reason: str) -> None:
    with pytest.raises(InvalidRows) as refused:
        contract().frame([row(), row(**{column: value})])
    assert refused.value.code == "contract.invalid"
    (error,) = refused.value.errors
    assert (error.row, error.column, error.reason) == (1, column, reason)
    assert column in refused.value.message
    json.dumps(error.to_dict())


def test_refused_names() -> None:
    wrong = row()
    wrong["distanc"] = wrong.pop("distance")
    errors = contract().check([wrong, 3])
    assert [(e.row, e.column, e.reason) for e in errors] == [
        (0, "distanc", "is unknown; did you mean `distance`?"),
        (0, "distance", "is missing"),
        (1, None, "is no object of column names and values"),
    ]
    assert contract().check([])[0].reason == "is missing: send a list of rows"


def test_integral_floats_are_integers_and_nulls_are_nan() -> None:
    frame = contract().frame([row(distance=1400.0, dep_delay=None), row(dep_delay=3)])
    assert frame["distance"].tolist() == [1400, 1400]
    assert frame["distance"].dtype == "int64"
    assert math.isnan(frame["dep_delay"][0])
    assert frame["dep_delay"][1] == 3.0


def test_what_was_not_seen_in_training_is_told_not_refused() -> None:
    batch = contract().read([row(), row(distance=9999, carrier="QQ"), row(time="2012-01-01")])
    found = [(s.column, s.kind, s.rows, s.reason) for s in batch.surprises]
    assert found == [
        ("distance", "above", [1], "9999 is above 1416, the largest value seen in training"),
        ("carrier", "unknown", [1], "'QQ' is unknown"),
        (
            "time",
            "below",
            [2],
            "'2012-01-01T00:00:00' is below 2013-01-01T05:00:00, "
            "the smallest value seen in training",
        ),
    ]


def test_integer_labels_come_back() -> None:
    frame = pd.DataFrame(np.arange(6.0).reshape(2, 3))
    learned = learn(frame, [1, 2])
    assert learned.names == ("0", "1", "2")
    pd.testing.assert_frame_equal(
        learned.frame(learned.rows(frame)), frame, check_column_type=False
    )


@pytest.mark.parametrize(
    "inputs",
    [
        np.zeros((2, 2)),
        pd.DataFrame({"a": [1 + 2j]}),
        pd.DataFrame({"a": pd.to_timedelta(["1h"])}),
        pd.DataFrame({"a": pd.cut([1, 2, 3], 2)}),
        pd.DataFrame({"a": [[1], [2]]}),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=["a", 1]),
        pd.DataFrame(),
    ],
)
def test_inputs_that_cannot_be_asked_for(inputs: Any) -> None:
    with pytest.raises(MlopsError) as refused:
        learn(inputs, [1])
    assert refused.value.code == "contract.unsupported"
    assert refused.value.hint


@pytest.mark.parametrize(
    ("predictions", "expected", "outputs"),
    [
        (np.array([1, 2]), [1, 2], [("prediction", "integer", ())]),
        (np.array([1.5, np.nan]), [1.5, None], [("prediction", "number", ())]),
        (np.array([True]), [True], [("prediction", "boolean", ())]),
        (np.array(["a", "b"]), ["a", "b"], [("prediction", "string", ())]),
        (np.eye(2), [[1.0, 0.0], [0.0, 1.0]], [("prediction", "number", (2,))]),
        (pd.Series([1.5], index=[7]), [1.5], [("prediction", "number", ())]),
        (pd.Series(["x", None]), ["x", None], [("prediction", "string", ())]),
        (pd.Series([1, None], dtype="Int64"), [1, None], [("prediction", "integer", ())]),
        ([np.float64(2.0), np.int64(3)], [2.0, 3], [("prediction", "number", ())]),
        (
            pd.DataFrame({"label": ["x"], "score": [0.5]}),
            [{"label": "x", "score": 0.5}],
            [("label", "string", ()), ("score", "number", ())],
        ),
        (
            {"low": np.array([1.0]), "high": np.array([2.0])},
            [{"low": 1.0, "high": 2.0}],
            [("low", "number", ()), ("high", "number", ())],
        ),
        (
            np.array(["2013-01-01"], dtype="datetime64[ns]"),
            ["2013-01-01T00:00:00"],
            [("prediction", "string", ())],
        ),
    ],
)
def test_predictions(predictions: Any, expected: list[Any], outputs: list[Any]) -> None:
    assert to_list(predictions) == expected
    json.dumps(to_list(predictions), allow_nan=False)
    assert [(o.name, o.type, o.shape) for o in learn_outputs(predictions)] == outputs


@pytest.mark.parametrize("predictions", [3.5, None, "text", {"a": [1], "b": [1, 2]}, [object()]])
def test_predictions_that_are_not_one_for_each_row(predictions: Any) -> None:
    with pytest.raises(MlopsError) as refused:
        to_list(predictions)
    assert refused.value.code == "contract.unsupported"


def test_equal_within_the_last_digits() -> None:
    assert not differs([0.1 + 0.2, {"a": 1}], [0.3, {"a": 1.0}])
    assert not differs(0.0, 1e-17)
    assert differs([1.0], [1.000001])
    assert differs([1.0], [1.0, 1.0])
    assert differs(True, 1)
    assert differs(None, 0.0)
    assert differs("a", "b")
