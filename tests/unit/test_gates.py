from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.governance.gates import against_champion, check, direction_of
from jupyter_mlops.settings import Gate, RetrainSettings

DEFAULT = RetrainSettings()
NAN = float("nan")
finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)


def test_a_gate_tells_what_it_wants_and_what_it_got() -> None:
    gates = (Gate(metric="mae", max=15), Gate(metric="r2", min=0.2, max=1), Gate(metric="auc"))
    held = check(gates, {"mae": 11.917, "r2": 0.1})
    assert [result.passed for result in held] == [True, False, False]
    assert [result.words for result in held] == [
        "mae 11.92, the gate wants at most 15: passed",
        "r2 0.1, the gate wants at least 0.2 and at most 1: not passed",
        "auc is absent; the gate wants a number (the notebook has mae, r2)",
    ]
    assert held[2].value is None


@given(finite, finite)
def test_a_bound_itself_passes_and_what_is_past_it_does_not(value: float, bound: float) -> None:
    (at_most,) = check([Gate(metric="m", max=bound)], {"m": value})
    (at_least,) = check([Gate(metric="m", min=bound)], {"m": value})
    assert at_most.passed == (value <= bound)
    assert at_least.passed == (value >= bound)


@pytest.mark.parametrize(
    "gate", [Gate(metric="m"), Gate(metric="m", min=0), Gate(metric="m", max=0)]
)
def test_what_is_not_a_number_never_passes(gate: Gate) -> None:
    assert not check([gate], {"m": NAN})[0].passed


def test_the_comparison_reads_as_a_sentence() -> None:
    better = against_champion({"mae": 11.917}, {"mae": 13.1}, DEFAULT)
    assert better.better
    assert better.words == "mae 11.92 is better than the champion's 13.1 (−9.0 %)"
    worse = against_champion({"r2": 0.31}, {"r2": 0.4}, DEFAULT)
    assert not worse.better
    assert worse.words == "r2 0.31 is worse than the champion's 0.4 (−22.5 %)"
    equal = against_champion({"r2": 0.4}, {"r2": 0.4}, DEFAULT)
    assert not equal.better
    assert equal.words == "r2 0.4 is equal to the champion's 0.4"


def test_the_tolerance_lets_a_slightly_worse_challenger_pass() -> None:
    settings = RetrainSettings(tolerance=0.02)
    assert against_champion({"mae": 13.2}, {"mae": 13.1}, settings).better
    assert not against_champion({"mae": 13.5}, {"mae": 13.1}, settings).better
    within = against_champion({"r2": 0.399}, {"r2": 0.4}, settings)
    assert within.words.endswith(
        "is worse than the champion's 0.4 (−0.3 %), within the tolerance of 2.0 %"
    )


@given(finite, finite, st.sampled_from(["mae", "auc"]))
def test_exactly_one_side_of_a_difference_is_better(new: float, old: float, metric: str) -> None:
    there = against_champion({metric: new}, {metric: old}, DEFAULT)
    back = against_champion({metric: old}, {metric: new}, DEFAULT)
    assert there.better + back.better == (new != old)


def test_what_is_not_a_number_never_beats_a_champion() -> None:
    generous = RetrainSettings(tolerance=10)
    assert not against_champion({"mae": NAN}, {"mae": 13.1}, generous).better
    assert not against_champion({"mae": NAN}, {"mae": NAN}, generous).better
    assert against_champion({"mae": 13.1}, {"mae": NAN}, DEFAULT).better
    assert not against_champion({"mae": math.inf}, {"mae": 13.1}, generous).better
    assert not against_champion({"mae": math.inf}, {"mae": NAN}, generous).better


def test_the_first_known_metric_in_the_notebooks_order_decides() -> None:
    challenger = {"rows": 9.0, "baseline_mae": 1.0, "rmse": 20.0, "r2": 0.9}
    champion = {"r2": 0.1, "rmse": 19.0, "baseline_mae": 2.0, "rows": 8.0}
    assert against_champion(challenger, champion, DEFAULT).metric == "rmse"
    only_r2 = {"r2": 0.1}
    assert against_champion(challenger, only_r2, DEFAULT).metric == "r2"


def test_the_settings_override_metric_and_direction() -> None:
    settings = RetrainSettings(metric="profit", direction="maximize")
    assert against_champion({"mae": 9, "profit": 2}, {"mae": 1, "profit": 1}, settings).better


@pytest.mark.parametrize(
    ("challenger", "champion", "settings"),
    [
        ({"rows": 1.0}, {"rows": 1.0}, DEFAULT),
        ({}, {"mae": 1.0}, DEFAULT),
        ({"mae": 1.0}, {}, DEFAULT),
        ({"baseline_mae": 1.0}, {"baseline_mae": 1.0}, DEFAULT),
        ({"mae": 1.0}, {"mae": 1.0}, RetrainSettings(metric="r2")),
        ({"profit": 1.0}, {"profit": 1.0}, RetrainSettings(metric="profit")),
    ],
)
def test_no_metric_to_decide_is_an_error_with_what_to_set(
    challenger: dict[str, float], champion: dict[str, float], settings: RetrainSettings
) -> None:
    with pytest.raises(MlopsError) as caught:
        against_champion(challenger, champion, settings)
    assert caught.value.code == "gates.no-metric"
    assert "[retrain]" in caught.value.hint
    assert "mlops.toml" in caught.value.hint


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        *((name, "minimize") for name in ("mae", "val_log_loss", "RMSE", "testMAE", "mape")),
        *((name, "minimize") for name in ("mean_absolute_error", "error_rate", "f1_loss")),
        *((name, "maximize") for name in ("r2", "r2_score", "ROC-AUC", "F1", "macro_f1", "acc")),
        *((name, "maximize") for name in ("neg_mean_squared_error", "average_precision_score")),
        *((name, None) for name in ("rows", "seconds", "n_estimators", "mapping", "lossy")),
    ],
)
def test_directions_are_known_by_the_words_of_a_name(metric: str, direction: str | None) -> None:
    assert direction_of(metric) == direction
