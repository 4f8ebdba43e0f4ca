"""A glance never tells of a change that there is not, and sees any where it looked at all."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.capture.glance import glance

PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False)
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
).filter(lambda value: isinstance(value, list | dict))


@settings(deadline=None)
@given(NESTED, st.data())
def test_small_containers_are_seen_whole(value: Any, data: st.DataObject) -> None:
    before = glance(value)
    assert before is not None
    assert before.whole
    assert glance(value) == before
    kept = copy.deepcopy(value)
    if isinstance(value, list):
        value.append(data.draw(PLAIN))
    else:
        value["new key"] = data.draw(PLAIN)
    after = glance(value)
    assert after is not None
    assert after.token != before.token
    restored = glance(kept)
    assert restored is not None
    assert restored.token == before.token


@settings(deadline=None)
@given(
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=20),
    st.integers(0, 19),
    st.floats(1, 2),
)
def test_small_arrays_and_frames_are_seen_whole(
    numbers: list[float], place: int, other: float
) -> None:
    array = np.array(numbers)
    frame = pd.DataFrame({"a": array.copy(), "b": 1})
    column = frame["a"].copy()
    before = glance(array), glance(frame), glance(column)
    assert before == (glance(array), glance(frame), glance(column))
    assert all(each is not None and each.whole for each in before)
    place %= len(numbers)
    same = bool(array[place] == other)
    array[place] = other
    frame.iloc[place, 0] = column.iloc[place] = other
    for value, old in zip((array, frame, column), before, strict=True):
        assert (glance(value) == old) is same


def test_reading_a_frame_is_no_change() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    for number in range(3):
        frame[f"c{number}"] = float(number)
    before = glance(frame)
    # What consolidates the blocks and fills caches.
    frame.describe()
    frame.to_numpy()
    frame.sum(numeric_only=True)
    assert glance(frame) == before


@pytest.mark.parametrize("rows", [200_000, 2_000_000])
def test_of_large_data_samples_are_seen_and_said_to_be(rows: int) -> None:
    frame = pd.DataFrame({"a": np.arange(float(rows)), "b": np.arange(rows)})
    array = np.arange(float(rows)).reshape(100, -1)
    for value in (frame, array, array.T):
        seen = glance(value)
        assert seen is not None
        assert not seen.whole
    before = glance(frame), glance(array)
    frame["a"] *= 2
    array += 1
    assert all(new != old for new, old in zip((glance(frame), glance(array)), before, strict=True))


@pytest.mark.parametrize(
    "value",
    [
        list(range(100_000)),
        ["x" * 1_000_000],
        [[1] * 1000] * 100,
        [object()],
        np.array([[], 1], object),
    ],
    ids=["long", "long text", "long inside", "what nobody knows", "objects"],
)
def test_what_would_take_long_is_left_alone(value: Any) -> None:
    assert glance(value) is None
