"""A sweep's summary notebook: any sweep can be told, and its code shows what it shows."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import read
from jupyter_mlops.notebook.parameters import check_parameters, read_parameters
from jupyter_mlops.project import Project
from jupyter_mlops.sweeps import plots, read_sweep, tables
from jupyter_mlops.sweeps.record import Head, Row, Sweep, write_head, write_row
from jupyter_mlops.sweeps.setting import Setting
from jupyter_mlops.sweeps.summary import summary, write_summary
from tests.support import write_notebook

VEGA_LITE = "application/vnd.vegalite.v5+json"


def make_sweep(rows: list[Row], **head: Any) -> Sweep:
    content: dict[str, Any] = {
        "name": "train-1",
        "kind": "sweep",
        "notebook": "train.ipynb",
        "path": "/x/train.ipynb",
        "digest": "",
        "started": time.time(),
        "fixed": {},
        "swept": [],
        "points": [],
        "metric": "auc",
        "shared": 4,
        "cells": 7,
    }
    return Sweep(Head(**{**content, **head}), rows, "/x/.mlops/sweeps/train-1")


def kept(sweep: Sweep, root: Path) -> tuple[Setting, Sweep]:
    """Write a sweep into a project as a running one does, and read it again."""
    path = write_notebook(root / "train.ipynb", [("parameters", "depth = 1"), ("", "depth")])
    setting = Setting(Project(root), read(path, name="train.ipynb"), sweep.name, {})
    setting.make_folder()
    write_head(setting.folder, sweep.head)
    for row in sweep.rows:
        write_row(setting.folder, row)
    return setting, read_sweep(setting.folder)


def shows(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [o["data"] for c in content["cells"] for o in c.get("outputs", ())]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=200),
    st.dates().map(str),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)
NAMES = st.sampled_from(["depth", "lr", "kind", "x", "y", "best", "metric", "größe"])
ROWS = st.builds(
    Row,
    number=st.integers(1, 10**6),
    parameters=st.dictionaries(NAMES, VALUES, max_size=4),
    status=st.sampled_from(["ok", "ok", "ok", "failed", "pruned", "waiting", "running"]),
    run=st.sampled_from(["", "train-2"]),
    metrics=st.dictionaries(st.sampled_from(["auc", "loss", "my.score[0]"]), st.floats()),
    seconds=st.floats(0, 1e6),
    error=st.text(max_size=100),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(ROWS, max_size=12, unique_by=lambda row: row.number),
    metric=st.sampled_from(["", "auc", "loss"]),
    kind=st.sampled_from(["sweep", "tune"]),
)
def test_any_sweep_can_be_told(rows: list[Row], metric: str, kind: str) -> None:
    found = make_sweep(rows, metric=metric, kind=kind)
    content = summary(found)
    text = json.dumps(content, allow_nan=False)
    nbformat.validate(nbformat.reads(text, as_version=4))
    names = {"plots": plots, "tables": tables, "sweep": found}
    for cell in content["cells"]:
        if cell["cell_type"] != "code" or "import" in cell["source"]:
            continue
        shown = eval(cell["source"], names)
        bundle = getattr(shown, "_repr_mimebundle_", dict)()
        assert bundle.get(VEGA_LITE) == cell["outputs"][0]["data"].get(VEGA_LITE)
    failed = sum(row.status == "failed" for row in rows)
    assert ("tables.failures(sweep)" in [c["source"] for c in content["cells"]]) == bool(failed)


def test_a_point_of_any_metric_is_read_as_it_was_written(tmp_path: Path) -> None:
    metrics = {"auc": float("inf"), "loss": float("-inf"), "cost": 1.5, "other": float("nan")}
    sweep = make_sweep([Row(1, {"depth": 1}, "ok", "train-2", metrics)])
    _, found = kept(sweep, tmp_path)
    assert {k: str(v) for k, v in found.rows[0].metrics.items()} == {
        k: str(v) for k, v in metrics.items()
    }


def test_the_best_point_comes_first_with_the_command_that_runs_it(tmp_path: Path) -> None:
    cells = [("parameters", "depth = 1\nkinds = ['a']\nname: str | None = 'x'"), ("", "depth")]
    notebook = read(write_notebook(tmp_path / "train.ipynb", cells), name="train.ipynb")
    given_ = {"depth": 8, "kinds": ["it's", 'a "b"'], "name": None}
    rows = [
        Row(1, {"depth": 2}, "ok", "a", {"auc": 0.5}),
        Row(2, given_, "ok", "b", {"auc": 0.7}),
        Row(3, {"depth": 2}, "failed", "c", {}, 1.0, "ValueError: no\n  at train.ipynb, cell 2"),
        Row(4, {"depth": 2}, "pruned", "d", {"auc": 0.9}),
    ]
    sweep = make_sweep(rows)
    assert [row[0] for row in tables.points(sweep).rows] == [2, 1, 4, 3]
    best = tables.best(sweep)
    assert isinstance(best, tables.Best)
    words = shlex.split(best.command)
    assert words[:4] == ["jupyter", "mlops", "rerun", "train.ipynb"]
    parsed = dict(word.split("=", 1) for word in words[5::2])
    assert check_parameters(notebook, read_parameters(notebook), parsed) == given_
    assert tables.failures(sweep).rows[0][2] == "ValueError: no (at train.ipynb, cell 2)"
    with pytest.raises(MlopsError) as caught:
        plots.by_parameter(sweep, "depth", "loss")
    assert caught.value.code == "sweep.nothing-to-draw"


@pytest.mark.parametrize(
    ("values", "words", "expected"),
    [
        ([0.01, 0.0215443469, 0.0464158883, 0.1], "", True),
        ([1e-4, 0.5], "", True),
        ([0.2, 0.5, 0.9], "0.1:1:log", True),
        ([1, 2, 3, 4], "", False),
        ([0, 1, 100, 10000], "", False),
        ([-1, 1], "", False),
        ([5], "", False),
    ],
)
def test_axes_are_logarithmic_where_values_are_spread_so(
    values: list[float], words: str, expected: bool
) -> None:
    assert plots.is_logarithmic(values, words) == expected


def test_two_parameters_are_a_map_and_more_are_lines() -> None:
    grid = [(a, b) for a in (1, 2) for b in ("x", "y")]
    two = [Row(i, {"a": a, "b": b}, "ok", "", {"auc": i}) for i, (a, b) in enumerate(grid)]
    text = next(data for data in shows(summary(make_sweep(two))) if VEGA_LITE in data)
    assert text["text/plain"].splitlines() == [
        "auc by a and b",
        "b \\ a  1  2",
        "    x  0  2",
        "    y  1  3",
    ]
    three = [Row(i, {"a": i, "b": -i, "c": "k"}, "ok", "", {"auc": i}) for i in range(300)]
    three[0] = Row(0, {"a": 5, "b": 6, "c": "l"}, "ok", "", {"auc": 0.0})
    sources = [cell["source"] for cell in summary(make_sweep(three))["cells"]]
    assert "plots.parallel(sweep)" in sources
    assert "plots.by_parameter(sweep, 'c')" in sources


def test_large_sweeps_make_a_small_notebook(tmp_path: Path) -> None:
    rows = [
        Row(i, {"a": i / 7, "b": i % 10}, "ok", f"train-{i}", {"auc": i / 1000})
        for i in range(1, 3_001)
    ]
    sweep = make_sweep(rows)
    content = summary(sweep)
    assert len(json.dumps(content)) < 3_000_000
    points = next(data for data in shows(content) if "points(sweep" in data["text/plain"])
    assert points["text/html"].count("<tr>") == 101


def test_a_changed_summary_is_kept(tmp_path: Path) -> None:
    setting, sweep = kept(make_sweep([Row(1, {"depth": 1}, "ok", "r", {"auc": 1.0})]), tmp_path)
    path = write_summary(setting, sweep)
    assert write_summary(setting, sweep) == path
    assert [each.name for each in setting.folder.glob("*.ipynb")] == ["summary.ipynb"]
    content = json.loads(path.read_text())
    content["cells"][0]["source"] += "\n\nmy own words"
    path.write_text(json.dumps(content))
    write_summary(setting, sweep)
    assert "my own words" in (setting.folder / "summary-1.ipynb").read_text()
    assert "my own words" not in path.read_text()
