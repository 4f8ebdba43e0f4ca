"""A space of parameters as Optuna draws from it, and back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from jupyter_mlops.sweeps.distributions import (
    distributions,
    drawn_as,
    every,
    size,
    values_of,
    words_of,
)
from jupyter_mlops.sweeps.space import Choices, Range, Space

optuna = pytest.importorskip("optuna")

_VALUES = (
    *(None, True, False, 0, 1, 2, 0.5, 1.0, 1e-7, 1 / 3, 1 / 3 + 1e-12, "", "a", "1", "None"),
    *("[1, 2]", dt.date(2013, 1, 31), dt.datetime(2013, 1, 31, 12), dt.time(12), Path("a/b")),
)
_OPTIONS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(_VALUES),
    st.lists(st.integers(-3, 3), max_size=3),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2),
)


def _distinct(values: list[Any]) -> tuple[Any, ...]:
    found: list[Any] = []
    for value in values:
        if not any(type(value) is type(each) and value == each for each in found):
            found.append(value)
    return tuple(found)


@st.composite
def _ranges(draw: st.DrawFn) -> Range:
    log, whole = draw(st.booleans()), draw(st.booleans())
    least = 1 if whole else 1e-6
    low = draw(st.integers(1, 50)) if whole else draw(st.floats(least, 50))
    if not log:
        low -= 25
    high = low + (draw(st.integers(1, 50)) if whole else draw(st.floats(1e-3, 50)))
    count = draw(st.none() | st.integers(2, 6))
    return Range(low, high, log, count, whole)


_SPACES: st.SearchStrategy[Space] = st.dictionaries(
    st.sampled_from(["lr", "depth", "kind", "when"]),
    st.lists(_OPTIONS, min_size=2, max_size=6)
    .map(_distinct)
    .filter(lambda options: len(options) > 1)
    .map(Choices)
    | _ranges(),
    min_size=1,
)


@given(_SPACES, st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_what_is_drawn_lies_in_the_space_and_is_found_again(space: Space, seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask(distributions(space))
    values = values_of(space, trial.params)

    assert list(values) == list(space)
    for name, each in space.items():
        if isinstance(each, Choices) or each.count is not None:
            options = each.values() or []
            assert any(values[name] is option or values[name] == option for option in options)
        else:
            assert each.low <= values[name] <= each.high
            assert isinstance(values[name], int if each.whole else float)
    assert drawn_as(space, values) == trial.params

    study.enqueue_trial(drawn_as(space, values))
    assert values_of(space, study.ask(distributions(space)).params) == values


@given(_SPACES)
@settings(max_examples=60, deadline=None)
def test_a_space_that_is_counted_is_listed_whole(space: Space) -> None:
    count = size(space)
    if count is None or count > 3000:
        return
    points = every(space, 1)
    assert len(points) == len({repr(point) for point in points}) == count
    assert all(drawn_as(space, point) is not None for point in points)
    assert every(space, 1) == points


@pytest.mark.parametrize(
    ("each", "value"),
    [
        (Range(2, 12, whole=True), 13),
        (Range(2, 12, whole=True), 2.5),
        (Range(2, 12, whole=True), True),
        (Range(0.1, 0.2), "0.15"),
        (Range(0.1, 0.2), None),
        (Choices((1, 2)), 1.0),
        (Choices((None, "a")), "None"),
    ],
)
def test_what_is_outside_is_not_drawn(each: Range | Choices, value: object) -> None:
    assert drawn_as({"x": each}, {"x": value}) is None


def test_a_space_is_told_as_it_would_be_given() -> None:
    assert words_of(Range(1e-4, 0.1, log=True)) == "0.0001:0.1:log"
    assert words_of(Range(2, 12, whole=True)) == "2:12"
    assert words_of(Range(0, 1, count=5)) == "0:1:lin5"
    assert words_of(Choices(("gini", None, [1, 2]))) == "gini, None, [1, 2]"
