"""Evaluations of gradient boosting become metrics, round by round."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.capture.boosting import Boosting
from jupyter_mlops.capture.imports import ImportWatch

Point = tuple[str, float, int]


@pytest.fixture
def points() -> Any:
    found: list[Point] = []
    failed: list[Exception] = []
    boosting = Boosting(lambda name, value, step: found.append((name, value, step)))
    watch = ImportWatch(boosting.imports, failed.append)
    watch.start()
    yield found
    watch.stop()
    boosting.stop()
    assert failed == []


def _data() -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    return X, (X[:, 0] > 0).astype(int)


def test_lightgbm(points: list[Point]) -> None:
    import lightgbm

    X, y = _data()
    data = lightgbm.Dataset(X, y)
    own: dict[str, Any] = {}
    lightgbm.train(
        {"objective": "binary", "verbose": -1},
        data,
        4,
        valid_sets=[data],
        callbacks=[lightgbm.record_evaluation(own)],
    )
    values = own["training"]["binary_logloss"]
    assert points == [("training-binary_logloss", v, n) for n, v in enumerate(values)]
    points.clear()
    lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y, eval_X=(X,), eval_y=(y,))
    assert [step for _, _, step in points] == [0, 1, 2]


def test_xgboost(points: list[Point]) -> None:
    import xgboost

    X, y = _data()
    model = xgboost.XGBClassifier(n_estimators=4).fit(X, y, eval_set=[(X, y)], verbose=False)
    own = model.evals_result()["validation_0"]["logloss"]
    assert points == [("validation_0-logloss", v, n) for n, v in enumerate(own)]
