"""Filters of runs: what they take, what they refuse, and that text is compared as numbers."""

from __future__ import annotations

import contextlib
import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.tracking.run_filter import RunFilter
from jupyter_mlops.tracking.run_values import Name, Names
from jupyter_mlops.tracking.runs import RunSummary

STARTED = "2026-03-04T10:00:00+00:00"


def run(
    metrics: dict[str, float] | None = None,
    parameters: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
    **facts: object,
) -> RunSummary:
    fields: dict[str, object] = {
        "run": "nb-1",
        "notebook": "nb.ipynb",
        "kind": "interactive",
        "status": "FINISHED",
        "started": STARTED,
        "seconds": 3.0,
        "parameters": parameters or {},
        "metrics": metrics or {},
        "model": "Ridge",
        "mlflow_id": "0",
        "tags": tags or {},
    }
    return RunSummary(**(fields | facts))  # type: ignore[arg-type]


ONE = run(
    {"accuracy": 0.92, "accuracy-2": 0.5, "train": 0.99},
    {"max_depth": "10", "criterion": "gini", "limit": "None", "depth/2": "7"},
    {"champion": "true", "team": "blue"},
    estimator_parameters={"n_estimators": "100", "model.alpha": "0.5"},
)


def holds(text: str, one: RunSummary = ONE) -> bool:
    return RunFilter(text).bind(Names.of([one, ONE]))(one)


@pytest.mark.parametrize(
    "text",
    [
        "accuracy > 0.9 and max_depth >= 4",
        "max_depth > 9",
        "0.9 < accuracy <= 0.92",
        "max_depth == 10.0",
        "max_depth = 10 AND NOT accuracy < 0.9",
        "criterion == 'gini' or accuracy > 1",
        "criterion in ('gini', 'entropy') and max_depth in (2, 10)",
        "criterion not in ['entropy']",
        "'epo' in notebook or 'nb' in notebook",
        "params.max_depth < 11 and metrics.accuracy > 0 and tags.team = 'blue'",
        "champion and team == 'blue'",
        "accuracy-2 == 0.5",
        "`accuracy-2` < 0.6",
        "depth/2 == 7",
        "train - accuracy > 0.05",
        "model.alpha == 0.5",
        "n_estimators > 99",
        "limit == None",
        "limit is None",
        "max_depth is not None",
        "status == 'FINISHED' and kind != 'rerun' and model == \"Ridge\"",
        "started > '2026-03-01' and started < '2026-04-01'",
        "seconds < 4",
        "-accuracy < 0",
    ],
)
def test_what_holds(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


def test_a_run_without_the_value_is_in_neither_half() -> None:
    other = run({"train": 1.0})
    assert not holds("accuracy > 0.9", other)
    assert not holds("not accuracy > 0.9", other)
    assert not holds("accuracy != 0.5", other)
    assert holds("accuracy > 0.9 or train == 1", other)
    assert holds("accuracy == None", other)


def test_a_number_is_neither_above_nor_below_a_word() -> None:
    auto = run(parameters={"max_depth": "auto"})
    assert not holds("max_depth > 4", auto)
    assert not holds("max_depth <= 4", auto)
    assert holds("max_depth != 4", auto)


NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False, width=32)
)
OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@given(NUMBERS, NUMBERS, st.sampled_from(sorted(OPERATORS)))
def test_parameters_are_compared_as_numbers(left: float, right: float, compare: str) -> None:
    one = run(parameters={"depth": str(left)})
    expected = OPERATORS[compare](float(left), float(right))
    assert RunFilter(f"depth {compare} {right}").bind(Names.of([one]))(one) is expected


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    told = None
    with contextlib.suppress(MlopsError):
        told = RunFilter(text).bind(Names.of([ONE]))(ONE)
        assert isinstance(told, bool)
    if told is None:
        with pytest.raises(MlopsError, match=r"\AThe filter|\ANone of") as caught:
            RunFilter(text).bind(Names.of([ONE]))
        assert caught.value.code in ("runs.filter", "runs.name")


@pytest.mark.parametrize(
    "text",
    [
        "accuracy >",
        "__import__('os')",
        "[x for x in y]",
        "f(1) > 0",
        "accuracy ** 9",
        "lambda: 1",
        "",
    ],
)
def test_what_is_no_such_expression(text: str) -> None:
    with pytest.raises(MlopsError) as caught:
        RunFilter(text)
    assert caught.value.code == "runs.filter"


def test_an_unknown_name_is_told_with_near_ones() -> None:
    with pytest.raises(MlopsError) as caught:
        holds("acuracy > 0.9")
    assert caught.value.code == "runs.name"
    assert "`accuracy`" in caught.value.hint


def test_no_number_is_never_above_or_below() -> None:
    nan = run({"accuracy": math.nan})
    assert not holds("accuracy > 0", nan)
    assert not holds("accuracy <= 0", nan)


def test_what_a_store_can_sort_out_by_itself() -> None:
    assert RunFilter("accuracy > 0.9 and depth >= 4 and x == 1").least() == [
        ("accuracy", ">", 0.9),
        ("depth", ">=", 4.0),
    ]
    assert RunFilter("accuracy > 0.9 or depth >= 4").least() == []
    assert RunFilter("loss < 1").least() == [("loss", "<", 1.0)]


def test_the_names_of_people_come_before_facts() -> None:
    names = Names(parameters={"kind": None})
    assert names.get("kind") == Name("parameters", "kind")
    assert names.get("run.kind") == Name("facts", "kind")
    assert names.get("run") == Name("facts", "run")
    assert names.get("status") == Name("facts", "status")
