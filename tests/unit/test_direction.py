"""Which value of a metric is the best, by its name."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.tracking.direction import direction


@pytest.mark.parametrize(
    ("metric", "highest"),
    [
        ("accuracy", True),
        ("accuracy_score_X_test-2", True),
        ("f1_score_X_test", True),
        ("roc_auc", True),
        ("r2", True),
        ("R2Score", True),
        ("training_score", True),
        ("neg_mean_squared_error", True),
        ("d2_absolute_error_score", True),
        ("explained_variance_score", True),
        ("log_likelihood", True),
        ("true_positive_rate", True),
        ("loss", False),
        ("val_loss", False),
        ("valLoss", False),
        ("log_loss", False),
        ("mse", False),
        ("rmse", False),
        ("RMSE", False),
        ("mean_absolute_error_X_test", False),
        ("brier_score_loss", False),
        ("false_positive_rate", False),
        ("seconds_to_fit", False),
        ("latency_ms", False),
    ],
)
def test_usual_metrics(metric: str, highest: bool) -> None:
    found = direction(metric)
    assert found.highest is highest
    assert found.reason


@pytest.mark.parametrize("metric", ["rows", "x", "loss_of_accuracy", ""])
def test_others_are_asked_for(metric: str) -> None:
    with pytest.raises(MlopsError) as caught:
        direction(metric)
    assert caught.value.code == "best.direction"
    assert "--min" in caught.value.hint
