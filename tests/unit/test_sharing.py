"""Which variables share an object that can change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.capture.sharing import all_groups, quick_groups


class Thing:
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


ARRAY = np.arange(10.0)
FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
LIST: list[int] = []
SHARED: dict[str, tuple[dict[str, Any], str, str]] = {
    # What there is; the names that share; those of them that only hold it.
    "one list": ({"x": LIST, "y": LIST}, "xy", ""),
    "a list in a list": ({"x": LIST, "y": [LIST]}, "xy", "y"),
    "a list in two": ({"x": [LIST], "y": (LIST,)}, "xy", "xy"),
    "a list in a dict in an object": ({"x": LIST, "y": Thing(a={"b": LIST})}, "xy", "y"),
    "a list in a closure": ({"x": LIST, "y": (lambda kept: lambda: kept)(LIST)}, "xy", "y"),
    "a list as a default": ({"x": LIST, "y": lambda kept=LIST: kept}, "xy", "y"),
    "a bound method": ({"x": LIST, "y": Thing(push=LIST.append)}, "", ""),
    "one frame": ({"x": FRAME, "y": FRAME}, "xy", ""),
    "a view of an array": ({"x": ARRAY, "y": ARRAY[2:5]}, "xy", ""),
    "two views of one array": ({"x": ARRAY[:6].reshape(2, 3), "y": ARRAY[5:]}, "xy", ""),
    "two views that do not meet": ({"x": ARRAY[:5], "y": ARRAY[5:]}, "", ""),
    "an array in a model": ({"x": ARRAY, "y": Thing(rows=ARRAY[:3])}, "xy", "y"),
    "the memory of a frame": ({"x": FRAME, "y": FRAME["a"].to_numpy()}, "xy", ""),
    "equal lists": ({"x": [1], "y": [1]}, "", ""),
    "numbers, text and tuples of them": ({"x": 1, "y": 1, "z": ("a", 2), "w": ("a", 2)}, "", ""),
    "modules, classes and functions": (
        {"x": np, "y": np, "z": Thing, "w": Thing, "v": len},
        "",
        "",
    ),
}


@pytest.mark.parametrize("case", SHARED)
def test_all_groups(case: str) -> None:
    values, names, holders = SHARED[case]
    groups = all_groups(values)
    expected = {(frozenset(names), frozenset(holders))} if names else set()
    assert groups == expected


@pytest.mark.skipif(pd.__version__ < "3", reason="pandas copies on write from version 3")
def test_frames_that_pandas_keeps_apart_do_not_share() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert all_groups({"x": frame, "y": frame[["a"]], "z": frame.iloc[:1]}) == set()


def test_quick_groups_see_what_is_near() -> None:
    values = {"x": LIST, "y": LIST, "z": {"k": LIST}, "w": [[LIST]]}
    assert set(quick_groups(values, ["y"])) == {(frozenset("xy"), frozenset())}
    assert set(quick_groups(values, ["z", "w", "gone"])) == {(frozenset("xyz"), frozenset("z"))}


def test_a_circle_ends() -> None:
    one: list[Any] = []
    one.append(one)
    assert all_groups({"x": one, "y": one}) == {(frozenset("xy"), frozenset())}
