from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge, SGDRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from jupyter_mlops.capture.estimators import Estimators
from jupyter_mlops.capture.names import collect
from jupyter_mlops.capture.records import Model


class Kernel:
    """Runs cells in a namespace and tells which models were kept."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(0)
        X = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "c"])
        self.namespace: dict[str, Any] = {
            **{k.__name__: k for k in (Ridge, SGDRegressor, Pipeline, StandardScaler)},
            **{k.__name__: k for k in (RandomForestRegressor, FunctionTransformer)},
            "X": X,
            "y": X["a"] * 2 + rng.normal(size=60),
        }
        self.folder = folder
        self.estimators = Estimators(folder)
        self.order = 0

    def run(self, source: str) -> list[Model]:
        self.order += 1
        exec(source, self.namespace)
        found = self.estimators.collect(self.order, collect(source), self.namespace)
        return [model for model, parameters in found if parameters().digest == model.digest]


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_a_fit_keeps_the_model_once(kernel: Kernel) -> None:
    (model,) = kernel.run("model = Ridge(alpha=2.0).fit(X, y)")
    assert (model.name, model.type) == ("model", "sklearn.linear_model._ridge.Ridge")
    loaded = pickle.loads((kernel.folder / model.file).read_bytes())
    assert np.array_equal(loaded.coef_, kernel.namespace["model"].coef_)
    assert kernel.run("p = model.predict(X)") == []
    assert kernel.run("print(model)\nmodel") == []
    assert kernel.run("same = model")[0].name == "same"


def test_what_is_not_fitted_is_no_model(kernel: Kernel) -> None:
    assert kernel.run("model = Ridge()") == []
    assert kernel.run("same = FunctionTransformer()") == []
    assert kernel.run("p = Pipeline([('s', StandardScaler()), ('m', Ridge())])") == []


def test_a_second_fit_replaces_the_file(kernel: Kernel) -> None:
    (first,) = kernel.run("model = Ridge().fit(X, y)")
    (second,) = kernel.run("model.fit(X, y * 2)")
    assert first.digest != second.digest
    files = sorted(path.name for path in (kernel.folder / "models").iterdir())
    assert files == ["2-model.pickle", "2-model.sample"]


def test_fits_in_place_are_seen(kernel: Kernel) -> None:
    kernel.run("model = SGDRegressor().partial_fit(X, y)")
    (model,) = kernel.run("for _ in range(3):\n    model.partial_fit(X, y)")
    loaded = pickle.loads((kernel.folder / model.file).read_bytes())
    assert np.array_equal(loaded.coef_, kernel.namespace["model"].coef_)


def test_a_pipeline_stands_for_its_parts(kernel: Kernel) -> None:
    (model,) = kernel.run(
        "scale, ridge = StandardScaler(), Ridge()\n"
        "model = Pipeline([('scale', scale), ('ridge', ridge)]).fit(X, y)"
    )
    assert model.name == "model"
    assert model.regressor
    assert model.predicts
    sample = pickle.loads((kernel.folder / model.sample).read_bytes())
    pd.testing.assert_frame_equal(sample["inputs"], kernel.namespace["X"].head())
    pd.testing.assert_series_equal(sample["outputs"], kernel.namespace["y"].head())
    assert kernel.run("q = model.predict(X)") == []
    assert len(kernel.run("model.fit(X, y + 1)")) == 1


def test_classes_of_the_notebook_travel_by_value(kernel: Kernel, tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import pathlib, sys\n"
        "from sklearn.linear_model import Ridge\n"
        "from jupyter_mlops.capture.spool import digest, spool\n"
        "class Mine(Ridge):\n    def predict(self, X):\n        return 42\n"
        "m = Mine().fit([[1.0], [2.0]], [1.0, 2.0])\n"
        "assert spool(m, pathlib.Path(sys.argv[1])).digest == digest(m)\n"
    )
    path = tmp_path / "mine.pickle"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    assert pickle.loads(path.read_bytes()).predict(None) == 42
