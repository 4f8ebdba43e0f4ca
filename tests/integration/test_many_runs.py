"""A store of more runs than MLflow gives on one page: all of them count, and none is cut unsaid."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.runs import fill
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.cli import main
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.best import best
from jupyter_mlops.tracking.curves import read_curves
from jupyter_mlops.tracking.reading import Wanted, pages, read_runs
from jupyter_mlops.tracking.runs import summary
from jupyter_mlops.tracking.selection import Choice, choose
from jupyter_mlops.tracking.store import Store

COUNT = 2_300
DAY_MS = 24 * 3600 * 1000


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("many")
    (root / "mlops.toml").write_text("")
    return Project(root)


@pytest.fixture(scope="module")
def made(project: Project) -> list[dict[str, Any]]:
    """The runs, the newest first."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_MLOPS_PROJECT", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        return fill(project, COUNT)[::-1]


@pytest.fixture(scope="module")
def store(project: Project, made: list[dict[str, Any]]) -> Store:
    assert made
    return Store(project)


def names(runs: list[Any]) -> list[str]:
    return [run["name"] if isinstance(run, dict) else run.run for run in runs]


def test_all_of_them_the_newest_first(store: Store, made: list[dict[str, Any]]) -> None:
    chosen = choose(store, Choice())
    assert names(chosen.runs) == names(made)
    assert chosen.total == COUNT
    assert names(store.runs(limit=1_500)) == names(made)[:1_500]


def test_both_ways_of_reading_say_the_same(store: Store) -> None:
    wanted = Wanted(store.experiments(), limit=1_200)
    by_tables, total = read_runs(store, wanted)
    by_pages = [summary(run) for run in pages(store.client, wanted.experiments)]
    assert by_pages[:1_200] == by_tables
    assert len(by_pages) == total == COUNT


def test_filter_and_sort_look_at_every_run(store: Store, made: list[dict[str, Any]]) -> None:
    fit = [
        run
        for run in made
        if run["metrics"]["accuracy"] > 0.8 and float(run["params"]["max_depth"]) >= 10
    ]
    fit.sort(key=lambda run: run["metrics"]["accuracy"], reverse=True)
    chosen = choose(
        store,
        Choice(filter="accuracy > 0.8 and max_depth >= 10", sort="accuracy", limit=7),
    )
    assert names(chosen.runs) == names(fit)[:7]
    assert chosen.total == len(fit) > 100
    assert [name.name for name in chosen.asked] == ["accuracy", "max_depth"]
    lowest = choose(store, Choice(sort="log_loss", ascending=True, limit=1))
    assert lowest.runs[0].metrics["log_loss"] == min(r["metrics"]["log_loss"] for r in made)


def test_notebook_status_and_since(store: Store, made: list[dict[str, Any]]) -> None:
    start = int(time.time() * 1000) - 30 * DAY_MS
    expected = [
        run
        for run in made
        if run["notebook"] == "churn.ipynb" and run["status"] == "FAILED" and run["start"] > start
    ]
    choice = Choice(notebook="churn.ipynb", status="FAILED", since="30d")
    assert names(choose(store, choice).runs) == names(expected) != []
    with pytest.raises(MlopsError, match="no time"):
        choose(store, Choice(since="yesterday"))


def test_tags(store: Store, made: list[dict[str, Any]]) -> None:
    oldest = made[-1]
    store.client.set_tag(oldest["id"], "team", "blue")
    for tag in ("team", "team=blue"):
        assert names(choose(store, Choice(tags=[tag])).runs) == [oldest["name"]]
    assert choose(store, Choice(tags=["team=red"])).runs == []
    assert names(choose(store, Choice(filter="team == 'blue'")).runs) == [oldest["name"]]


def test_best_of_all(store: Store, made: list[dict[str, Any]]) -> None:
    found = best(store, "accuracy", Choice())
    assert found.run.metrics["accuracy"] == max(run["metrics"]["accuracy"] for run in made)
    assert (found.compared, found.nan, found.without) == (COUNT, 0, 0)
    found = best(store, "log_loss", Choice(filter="max_depth = 4"))
    values = [r["metrics"]["log_loss"] for r in made if r["params"]["max_depth"] == "4"]
    assert (found.run.metrics["log_loss"], found.compared) == (min(values), len(values))


def test_no_number_never_wins(store: Store, made: list[dict[str, Any]]) -> None:
    for run, value in zip(made, (math.nan, 0.5, math.inf, 0.75, 0.75), strict=False):
        store.client.log_metric(run["id"], "odd_score", value)
    for highest, winner in ((True, made[4]), (False, made[1]), (None, made[4])):
        found = best(store, "odd_score", Choice(), highest=highest)
        assert found.run.run == winner["name"]
    found = best(store, "odd_score", Choice(), highest=False)
    assert found.run.run == made[1]["name"]
    assert (found.nan, found.without) == (2, COUNT - 5)
    with pytest.raises(MlopsError) as caught:
        best(store, "odd_scor", Choice())
    assert "`odd_score`" in caught.value.hint


def test_a_run_is_found_by_name_and_id(store: Store, made: list[dict[str, Any]]) -> None:
    oldest = made[-1]
    for ref in (oldest["name"], oldest["name"][:-2], oldest["id"], oldest["id"][:14]):
        assert store.run_id(ref) == oldest["id"]
    with pytest.raises(MlopsError) as caught:
        store.run_id("abcdef0123456789")
    assert caught.value.code == "run.unknown"


def test_curves_are_those_of_mlflow(store: Store, made: list[dict[str, Any]]) -> None:
    run = made[7]
    for step, value in ((2, 0.2), (0, 0.9), (1, math.nan), (3, 0.1)):
        store.client.log_metric(run["id"], "loss", value, step=step)
    found = read_curves(store, [store.run(run["name"])], ["loss"])
    assert [each.steps for each in found] == [(0, 1, 2, 3)]
    assert str(found[0].values) == str((0.9, math.nan, 0.2, 0.1))


def test_a_cut_list_says_so(
    project: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    printed = CliRunner().invoke(main, ["runs", "--limit", "3"]).output
    assert f"3 of {COUNT} runs" in printed
    printed = CliRunner().invoke(main, ["runs", "--filter", "max_dept > 3"]).output
    assert "`max_depth`" in printed
    assert printed.count("\n") == 2
