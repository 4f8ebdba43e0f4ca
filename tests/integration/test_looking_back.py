"""Looking back at runs: what led to a result, what differs between runs, which data they read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.cli import main
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.artifacts import ServedArtifacts
from jupyter_mlops.tracking.compare import Comparison, compare_runs
from jupyter_mlops.tracking.data_use import data_use
from jupyter_mlops.tracking.many_runs import compare_many
from jupyter_mlops.tracking.runs import RunDetail, detail, record
from jupyter_mlops.tracking.store import Store
from jupyter_mlops.tracking.why import why
from tests.kernels import start_kernel
from tests.support import write_notebook

CELLS = [
    ("", "%load_ext jupyter_mlops"),
    (
        "imports",
        "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "from sklearn.metrics import accuracy_score\n"
        "from sklearn.model_selection import train_test_split",
    ),
    ("parameters", "max_depth = 3\ntest_share = 0.25"),
    (
        "",
        "np.random.seed(0)\ndef split(frame):\n"
        "    return train_test_split(frame[['x', 'k']], frame.y, test_size=test_share)",
    ),
    ("", "data = pd.read_csv('data.csv')\ndata['z'] = data.x ** 2"),
    ("", "unused = data.describe()"),
    ("", "X_train, X_test, y_train, y_test = split(data)"),
    (
        "",
        "model = DecisionTreeClassifier(max_depth=max_depth).fit(X_train, y_train)\n"
        "predicted = model.predict(X_test)",
    ),
    ("metrics", "accuracy = accuracy_score(y_test, predicted)"),
    ("", "plt.hist(predicted)\nplt.show()"),
]
EDITED = {
    2: ("parameters", "max_depth = 6\ntest_share = 0.25"),
    3: ("", CELLS[3][1].replace("seed(0)", "seed(1)")),
    4: ("", CELLS[4][1] + "\ndata = data[data.x > -2]"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A project with three runs: as it is; on other data; edited, and executed out of order."""
    root = tmp_path_factory.mktemp("back")
    (root / "mlops.toml").write_text("")
    edited = [EDITED.get(number, cell) for number, cell in enumerate(CELLS)]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_MLOPS_PROJECT", "MLFLOW_TRACKING_URI", "JUPYTER_MLOPS_RUN"):
            patch.delenv(name, raising=False)
        every = list(range(len(CELLS)))
        _data(root, 400)
        _run(root, CELLS, every)
        _data(root, 500)
        _run(root, CELLS, every)
        _run(root, edited, [*every, 2, 7, 6, 7, 8])
    store = Store(Project(root))
    store.sync()
    return store


@pytest.fixture(scope="module")
def runs(store: Store) -> list[RunDetail]:
    return [store.run(each.run) for each in reversed(store.runs())]


@pytest.fixture
def inside(store: Store, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(store.project.root)
    return CliRunner()


def _data(root: Path, rows: int) -> None:
    chance = np.random.default_rng(rows)
    frame = pd.DataFrame({"x": chance.normal(size=rows), "k": chance.integers(0, 3, rows)})
    frame["y"] = (frame.x * 2 + frame.k + chance.normal(0, 0.8, rows) > 1).astype(int)
    frame.to_csv(root / "data.csv", index=False)


def _run(root: Path, cells: list[tuple[str, str]], order: list[int]) -> None:
    notebook = write_notebook(root / "clf.ipynb", cells)
    environment = {"JPY_SESSION_NAME": str(notebook), "JUPYTER_MLOPS_WRITER": "off"}
    with start_kernel(root, environment) as kernel:
        for number in order:
            reply, _ = kernel.run(cells[number][1], f"c{number + 1}")
            assert reply["status"] == "ok", reply


def _cells(found: Any) -> list[str | None]:
    return [each.cell for each in found.executions]


def test_the_tables_say_what_mlflow_says(store: Store, runs: list[RunDetail]) -> None:
    assert any(run.models for run in runs)
    assert any(run.frames for run in runs)
    assert any(len(run.metrics) > 1 for run in runs)
    assert any(run.datasets for run in runs)
    for run in runs:
        theirs = record(store.client, store.client.get_run(run.mlflow_id))
        files = ServedArtifacts(store.client, run.mlflow_id)
        assert run == detail(theirs, files)
        assert list(run.metrics) == list(theirs.facts["metrics"])
        for name in (run.run, run.run[:-1], run.mlflow_id, run.mlflow_id[:12]):
            assert store.run_id(name) == run.mlflow_id
        read = store.artifacts(run.mlflow_id)
        assert all(read.content(name) == files.content(name) for name in run.artifacts)
        assert read.content("none.json") is files.content("none.json") is None


def test_why_names_the_cells_and_nothing_else(store: Store, runs: list[RunDetail]) -> None:
    found = why(store, "accuracy", runs[0].run)
    assert (found.kind, found.value) == ("metric", runs[0].metrics["accuracy"])
    assert _cells(found) == ["c2", "c3", "c4", "c5", "c7", "c8", "c9"]
    assert found.parameters == {"max_depth": "3", "test_share": "0.25"}
    assert {"data.csv", "X_train"} <= {each["name"] for each in found.datasets}
    assert found.seeds[0]["what"] == "np.random.seed"
    assert found.unmade == ()
    assert why(store, "model", runs[0].run).executions[-1].cell == "c8"
    assert _cells(why(store, "unused", runs[0].run)) == ["c2", "c5", "c6"]


def test_why_takes_the_executions_that_counted(store: Store, runs: list[RunDetail]) -> None:
    found = why(store, "accuracy", runs[2].run)
    # Not the first execution of the parameters, of the split, of the fit.
    assert [each.order for each in found.executions] == [2, 4, 5, 11, 13, 14, 15]
    assert found.parameters["max_depth"] == "6"
    assert any("further down" in warning for warning in found.warnings)
    assert why(store, "accuracy", runs[0].run).warnings == [
        "Edited since this run, whose code stands here: cell 3, cell 4 and cell 5."
    ]


def test_why_of_what_is_not_there(store: Store, runs: list[RunDetail]) -> None:
    with pytest.raises(MlopsError) as caught:
        why(store, "acuracy", runs[0].run)
    assert caught.value.code == "why.unknown"
    assert "`accuracy`" in caught.value.hint


@pytest.fixture(scope="module")
def edited(store: Store, runs: list[RunDetail]) -> Comparison:
    return compare_runs(store, runs[1], runs[2])


def test_compare_tells_what_was_edited(edited: Comparison) -> None:
    assert edited.parameters == {"max_depth": ("3", "6")}
    assert edited.seeds == {"np.random.seed": ("0", "1")}
    assert [each.place for each in edited.cells if each.change == "changed"] == [
        "cell 3",
        "cell 4",
        "cell 5",
    ]
    assert edited.cells[4].diff[1:] == [
        " data['z'] = data.x ** 2",
        "+data = data[data.x > -2]",
    ]
    assert edited.cells[7].executions == (1, 3)
    assert edited.environment == {}
    assert {each["name"]: each["change"] for each in edited.data if each["kind"] == "file"} == {
        "data.csv": "same"
    }


def test_compare_names_causes_first(
    store: Store, runs: list[RunDetail], edited: Comparison
) -> None:
    assert edited.reasons[0] == "parameter max_depth: 3 → 6"
    assert "seed np.random.seed: 0 → 1" in edited.reasons
    assert any(reason.startswith("code of cell 5") for reason in edited.reasons)
    assert any(reason.startswith("order:") for reason in edited.reasons)
    (only,) = compare_runs(store, runs[0], runs[1]).reasons
    assert only.startswith("file data.csv: changed")


def test_compare_tells_figures_apart(store: Store, runs: list[RunDetail]) -> None:
    found = compare_runs(store, runs[0], runs[1])
    assert [(o["cell"], o["kind"], o["change"]) for o in found.outputs] == [
        ("cell 10", "figure", "changed")
    ]
    same = compare_runs(store, runs[0], runs[0])
    assert [o["change"] for o in same.outputs] == ["same"]
    assert same.reasons == []
    assert {each.change for each in same.cells} == {"same"}


def test_compare_many(store: Store, runs: list[RunDetail]) -> None:
    found = {(each.kind, each.name): each.values for each in compare_many(store, runs)}
    assert found["parameter", "max_depth"] == ["3", "3", "6"]
    assert found["data", "data.csv (file)"] == ["A", "B", "B"]
    assert found["code", "cell 5"] == ["A", "A", "B"]
    assert ("code", "cell 7") not in found
    assert len(set(found["metric", "accuracy"])) == 3


def test_data_tells_who_read_the_same_and_what_changed(store: Store, runs: list[RunDetail]) -> None:
    first, second, third = (run.run for run in runs)
    use = {each.name: each for each in data_use(store, runs[0])}["data.csv"]
    assert (use.kind, use.source, use.same, use.now) == ("file", "data.csv", [], "changed")
    assert set(use.other) == {second, third}
    use = {each.name: each for each in data_use(store, runs[1])}["data.csv"]
    assert (use.same, list(use.other), use.now) == ([third], [first], "same")


def test_as_a_user_types_it(inside: CliRunner, runs: list[RunDetail]) -> None:
    first, second, third = (run.run for run in runs)

    def say(*words: str) -> str:
        result = inside.invoke(main, words)
        assert result.exit_code == 0, result.output
        return result.output

    assert "What can explain it:\n  - parameter max_depth: 3 → 6" in say("compare", second, third)
    assert "+max_depth = 6" in say("compare", second)
    assert "max_depth" in say("compare", first, second, third)
    assert "out of order" in say("why", "accuracy")
    assert f"data.csv had other content in {first}" in say("data")
    listed = say("runs", "--filter", "max_depth > 4")
    assert third in listed
    assert first not in listed
    assert second in say("best", "accuracy", "--filter", f"run == '{second}'")
    refused = inside.invoke(main, ["compare", first, first])
    assert (refused.exit_code, refused.output.count("\n")) == (1, 2)


def test_what_verbs_tell_machines(inside: CliRunner, runs: list[RunDetail]) -> None:
    names = [run.run for run in runs]

    def told(*words: str) -> Any:
        result = inside.invoke(main, [*words, "--json"])
        assert result.exit_code == 0, result.output
        last = json.loads(result.stdout.splitlines()[-1])
        assert last["stage"] == "result"
        return last["data"]

    assert {run["run"] for run in told("runs")} == set(names)
    shown = told("show", names[1])
    assert (shown["run"], shown["metrics"]) == (names[1], runs[1].metrics)
    assert len(shown["cells"]) == len(runs[1].cells)
    assert told("compare", names[1], names[2])["runs"] == names[1:]
    assert told("data", names[0])["data"][0]["name"] == "data.csv"
    assert told("why", "accuracy", names[2])
    assert told("best", "accuracy")
