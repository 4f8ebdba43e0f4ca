"""What one notebook leaves in the store by itself: a real kernel and a real MLflow store."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.project import Project
from jupyter_mlops.tracking.runs import RunDetail
from jupyter_mlops.tracking.store import Store
from tests.kernels import start_kernel
from tests.support import write_notebook

CELLS = [
    ("", "%load_ext jupyter_mlops"),
    (
        "imports",
        "import random\nimport sqlite3\nimport numpy as np\nimport pandas as pd\n"
        "from sklearn.datasets import load_breast_cancer\n"
        "from sklearn.linear_model import LogisticRegression, Ridge\n"
        "from sklearn.metrics import accuracy_score, f1_score, mean_squared_error, roc_auc_score\n"
        "from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler",
    ),
    (
        "",
        "SEED = 11\nrandom.seed(7)\nrng = np.random.default_rng(SEED)\n"
        "def again():\n    np.random.seed(5)",
    ),
    (
        "",
        "X, y = load_breast_cancer(return_X_y=True, as_frame=True)\n"
        "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=3)",
    ),
    (
        "",
        "def read(stem):\n    return pd.read_csv(stem + '.csv')\n\n"
        "own = read('own')\nlines = open('lines.txt').read()\ncounts = np.load('counts.npy')\n"
        "packed = pd.read_parquet('packed.parquet')\n"
        "table = pd.read_sql('select a from t', sqlite3.connect('base.sqlite'))",
    ),
    (
        "",
        "model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)\n"
        "pred = model.predict(X_test)\naccuracy_score(y_test, pred)",
    ),
    (
        "",
        "print(f1_score(y_test, pred), accuracy_score(y_train, model.predict(X_train)))\n"
        "roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])",
    ),
    ("", "model.score(X_test, y_test)"),
    (
        "",
        "def evaluate(fitted, data, target):\n    found = fitted.predict(data)\n"
        "    return mean_squared_error(target, found)\n\nevaluate(model, X_test, y_test)",
    ),
    ("", "for _ in range(3):\n    accuracy_score(y_test, model.predict(X_test))"),
    ("", "scores = cross_val_score(Ridge(), X_train, y_train, cv=3)"),
    (
        "",
        "search = GridSearchCV(Ridge(), {'alpha': [0.1, 1.0]}, cv=3).fit(X_train, y_train)\n"
        "search.score(X_test, y_test)",
    ),
    (
        "",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()\n"
        "owners = pd.DataFrame({'name': ['a'] * 300, 'api_key': ['hunter2hunter2'] * 300})\nowners",
    ),
    ("", "for i in range(40):\n    display(pd.DataFrame({'i': [i]}))"),
    (
        "report",
        "import jupyter_mlops\nfor i in range(5):\n    jupyter_mlops.log(loss=1 / (i + 1))",
    ),
]
FILES = """
import sqlite3, numpy as np, pandas as pd
frame = pd.DataFrame({"a": [1, 2, 3]})
frame.to_csv("own.csv", index=False)
frame.to_parquet("packed.parquet")
frame.to_sql("t", sqlite3.connect("base.sqlite"), index=False)
np.save("counts.npy", np.arange(4))
open("lines.txt", "w").write("one\\n")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("records")
    (root / "mlops.toml").write_text("")
    subprocess.run([sys.executable, "-c", FILES], cwd=root, check=True)
    notebook = write_notebook(root / "nb.ipynb", CELLS)
    content = json.loads(notebook.read_text())
    content["cells"].insert(1, {"id": "words", "cell_type": "markdown", "source": "# Words"})
    content["cells"][1]["metadata"] = {}
    notebook.write_text(json.dumps(content))
    environment = {"JPY_SESSION_NAME": str(notebook), "JUPYTER_MLOPS_WRITER": "off"}
    with (
        pytest.MonkeyPatch.context() as patch,
        start_kernel(root, environment) as kernel,
    ):
        for name in ("JUPYTER_MLOPS_PROJECT", "MLFLOW_TRACKING_URI", "JUPYTER_MLOPS_RUN"):
            patch.delenv(name, raising=False)
        for number, (_, source) in enumerate(CELLS, 1):
            reply, _ = kernel.run(source, f"c{number}")
            assert reply["status"] == "ok", reply
        # Two cells once more, edited and in another order.
        kernel.run("accuracy_score(y_test, pred)", "c6")
        kernel.run("SEED = 12", "c3")
    return Project(root)


@pytest.fixture(scope="module")
def store(project: Project) -> Store:
    store = Store(project)
    store.sync()
    return store


@pytest.fixture(scope="module")
def run(store: Store) -> RunDetail:
    found = store.run()
    assert found.problems == []
    return found


@pytest.fixture(scope="module")
def read(store: Store, run: RunDetail) -> Any:
    def artifact(name: str) -> Any:
        path = Path(store.client.download_artifacts(run.mlflow_id, name))
        return json.loads(path.read_text())

    return artifact


def test_results_of_scikit_learn_are_metrics_as_autologging_names_them(run: RunDetail) -> None:
    expected = {
        "accuracy_score_X_test",
        "f1_score_X_test",
        "accuracy_score-2_X_train",
        "roc_auc_score_X_test",
        "Pipeline_score_X_test",
        "mean_squared_error_X_test",
        "accuracy_score-3_X_test",
        "cross_val_score_X_train",
        "cross_val_score_std_X_train",
        "GridSearchCV_score_X_test",
        "best_cv_score",
        "loss",
    }
    assert set(run.metrics) == expected
    assert run.metrics["accuracy_score_X_test"] == run.metrics["Pipeline_score_X_test"]
    wrong = 1 - run.metrics["accuracy_score_X_test"]
    assert run.metrics["mean_squared_error_X_test"] == pytest.approx(wrong)


def test_the_same_call_again_is_the_next_step(store: Store, run: RunDetail) -> None:
    def steps(name: str) -> list[int]:
        return [point.step for point in store.client.get_metric_history(run.mlflow_id, name)]

    assert steps("accuracy_score-3_X_test") == [0, 1, 2]
    assert steps("accuracy_score_X_test") == [0, 1]
    assert steps("loss") == [0, 1, 2, 3, 4]


def test_how_metrics_came_to_their_values(read: Any) -> None:
    commands = read("metric_info.json")
    assert commands["accuracy_score_X_test"] == "accuracy_score(y_true=y_test, y_pred=pred)"
    assert commands["Pipeline_score_X_test"] == "Pipeline.score(X=X_test, y=y_test)"
    assert "best_cv_score" not in commands


def test_a_search_leaves_its_best_parameters_and_all_candidates(
    store: Store, run: RunDetail
) -> None:
    assert run.estimator_parameters["best_alpha"] in ("0.1", "1.0")
    path = store.client.download_artifacts(run.mlflow_id, "tables/12-cv_results_search.csv")
    head, *rows = Path(path).read_text().splitlines()
    assert "mean_test_score" in head.split(",")
    assert len(rows) == 2


def test_data_read_from_files_databases_and_packages_is_known_by_its_content(
    project: Project, run: RunDetail, store: Store, read: Any
) -> None:
    from xxhash import xxh3_128_hexdigest

    found = {entry["name"]: entry for entry in read("datasets.json")}
    for name in ("own.csv", "lines.txt", "counts.npy", "packed.parquet"):
        content = (project.root / name).read_bytes()
        assert found[name]["fingerprint"] == xxh3_128_hexdigest(content)
        assert (found[name]["kind"], found[name]["bytes"]) == ("file", len(content))
        assert found[name]["cell"] == 5
    (query,) = (entry for entry in found.values() if entry["kind"] == "sql")
    assert query["source"] == f"sqlite:///{project.root / 'base.sqlite'}"
    assert (query["query"], query["rows"], query["columns"]) == ("select a from t", 3, 1)
    assert query["fingerprint"] == found["table"]["fingerprint"]
    package = found["scikit-learn load_breast_cancer: X"]
    assert package["kind"] == "package"
    assert package["source"].startswith("scikit-learn==")
    assert package["fingerprint"] == found["X"]["fingerprint"]
    inputs = store.client.get_run(run.mlflow_id).inputs.dataset_inputs
    named = {each.dataset.name: each.dataset for each in inputs}
    assert json.loads(named["own.csv"].source) == {"uri": "own.csv"}
    assert "own.csv" not in {frame["name"] for frame in run.frames}


def test_seeds(store: Store, run: RunDetail, read: Any) -> None:
    found = {entry["what"]: entry["value"] for entry in read("seeds.json")}
    assert found == {
        "random.seed": "7",
        "np.random.default_rng": "11",
        "np.random.seed": "5",
        "train_test_split random_state": "3",
    }
    assert json.loads(store.client.get_run(run.mlflow_id).data.tags["mlops.seeds"]) == found


def test_figures_and_tables(store: Store, run: RunDetail, read: Any) -> None:
    figure = Path(store.client.download_artifacts(run.mlflow_id, "figures/13-1.png"))
    assert figure.read_bytes().startswith(b"\x89PNG")
    table = read("tables/13-2.json")
    assert table["shape"] == [300, 2]
    assert table["columns"] == ["name", "api_key"]
    assert len(table["rows"]) == 100
    assert table["rows"][0] == ["a", "[redacted]"]
    assert run.cells[12]["shown"] == ["figures/13-1.png", "tables/13-2.json"]


def test_of_many_displays_the_first_and_the_last_are_kept(run: RunDetail, read: Any) -> None:
    shown = run.cells[13]["shown"]
    assert len(shown) == 21
    assert read("tables/14-21.json")["rows"] == [[39]]


def test_order_and_lineage(run: RunDetail, read: Any) -> None:
    assert [cell["again"] for cell in run.cells[-2:]] == [2, 2]
    assert [cell["out_of_order"] for cell in run.cells[-2:]] == [True, True]
    assert not any(cell["out_of_order"] for cell in run.cells[:-2])
    lineage = read("lineage.json")
    assert lineage["metrics"]["accuracy_score_X_test"] == [6, 16]
    assert lineage["metrics"]["loss"] == [15]
    assert lineage["models"] == {"model": 6, "search": 12}
    assert lineage["datasets"]["own.csv"] == 5
    assert lineage["datasets"]["X_train"] == 4


def test_the_notebook_is_kept_as_it_was_executed(store: Store, run: RunDetail) -> None:
    path = store.client.download_artifacts(run.mlflow_id, "notebook.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.id for cell in notebook.cells[:3]] == ["c1", "words", "c2"]
    assert notebook.cells[1].source == "# Words"
    sources = {cell.id: cell.source for cell in notebook.cells}
    assert sources["c3"] == "SEED = 12"
    assert sources["c5"] == CELLS[4][1]
    assert "hunter2" not in Path(path).read_text()
    assert notebook.cells[-1].metadata.tags == ["report"]


def test_nothing_is_left_in_the_journals_folder_that_the_store_has(project: Project) -> None:
    (folder,) = project.journals.iterdir()
    assert not [path for path in folder.iterdir() if path.is_dir()]
