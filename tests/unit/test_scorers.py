from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_mlops.capture.imports import ImportWatch
from jupyter_mlops.capture.scorers import Result, Scorers, numbers_of


@pytest.fixture
def told() -> Iterator[list[tuple[str, float]]]:
    import sklearn.metrics  # noqa: F401

    found: list[tuple[str, float]] = []

    def tell(result: Result) -> None:
        found.extend((result.name + more, value) for more, value in numbers_of(result))

    scorers = Scorers(tell)
    failed: list[Exception] = []
    watch = ImportWatch({"sklearn.": scorers.imported}, failed.append)
    watch.start()
    yield found
    watch.stop()
    scorers.stop()
    assert failed == []


def test_a_name_imported_before_is_told_of_and_stays_the_same_function(told: Any) -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix

    assert accuracy_score([0, 1, 1], [0, 1, 0]) == pytest.approx(2 / 3)
    confusion_matrix([0, 1], [0, 1])
    assert told == [("accuracy_score", pytest.approx(2 / 3))]
    assert pickle.loads(pickle.dumps(accuracy_score)) is accuracy_score


def test_what_scikit_learn_calls_itself_is_not_told_of(told: Any) -> None:
    import numpy as np
    from sklearn.linear_model import Ridge
    from sklearn.metrics import make_scorer, mean_absolute_error, r2_score
    from sklearn.model_selection import cross_validate

    X = np.arange(12.0).reshape(-1, 1)
    y = X.ravel() * 2 + np.sin(X.ravel())

    def own(true: Any, predicted: Any) -> float:
        return float(mean_absolute_error(true, predicted))

    scores = cross_validate(Ridge(), X, y, cv=3, scoring=make_scorer(own))
    names = [name for name, _ in told]
    assert names == ["cross_validate_test_score", "cross_validate_test_score_std"]
    assert told[0][1] == pytest.approx(scores["test_score"].mean())
    told.clear()
    model = Ridge().fit(X, y)
    assert told == []
    assert model.score(X, y) == r2_score(y, model.predict(X))
    assert [name for name, _ in told] == ["Ridge_score", "r2_score"]


def test_errors_are_the_functions_own(told: Any) -> None:
    from sklearn.metrics import accuracy_score

    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        accuracy_score([0], [0, 1])
    with pytest.raises(TypeError):
        accuracy_score()
    assert told == []
