"""Proof: equal, equal within tolerance, or different, with the words that say what differs."""

from __future__ import annotations

import builtins
import json
import re
import threading
import types
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

from jupyter_mlops import values
from jupyter_mlops.pipeline import differences, work
from jupyter_mlops.pipeline.proof import Proof
from jupyter_mlops.pipeline.prove import compare, reference_plan
from tests.pipelines import small

FRAME = pd.DataFrame(
    {
        "x": [1.0, 2.0, np.nan],
        "name": ["a", None, "c"],
        "time": pd.to_datetime(["2020", "2021", "2022"]),
        "kind": pd.Categorical(["u", "v", "u"]),
    },
    index=["i", "j", "k"],
)
FOREST = RandomForestRegressor(2, random_state=0).fit([[1.0], [2.0], [3.0]], [1, 2, 3])


WITHIN = "equal within tolerance"


def searched(seconds: float, score: int) -> types.SimpleNamespace:
    """Return what looks like a search for parameters that has run."""
    results = {"mean_fit_time": np.array([seconds]), "mean_test_score": np.array([score])}
    return types.SimpleNamespace(refit_time_=seconds, cv_results_=results)


def counter(n: int) -> Callable[[], int]:
    """Return a function that keeps a number."""
    return lambda: n


def box(size: int) -> type:
    """Return a class as notebooks define them, with an attribute."""
    return type("Box", (), {"__module__": "__main__", "size": size})


def changed(column: str, value: Any) -> pd.DataFrame:
    frame = FRAME.copy()
    frame.loc["j", column] = value
    return frame


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (1, 2, "1 in the notebook, 2 in the pipeline"),
        (1, 1.0, "int in the notebook, float in the pipeline"),
        (True, False, "True in the notebook"),
        ("a", "b", "'a' in the notebook, 'b' in the pipeline"),
        (None, 1, "NoneType in the notebook"),
        ([1, 2], [1], "2 items in the notebook, 1 in the pipeline"),
        ([1, [2]], [1, [3]], "[1][0]: 2 in the notebook, 3"),
        ({"a": 1}, {"b": 1}, "the key 'a' is only in the notebook"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "['a']['b']: 1 in the notebook"),
        ({1, 2}, {1, 3}, "2 is only in the notebook"),
        (0.1, 0.2, "0.1 in the notebook, 0.2"),
        (np.zeros(3), np.zeros(4), "shape (3,) in the notebook"),
        (np.zeros(3), np.zeros(3, "f4"), "dtype float64 in the notebook"),
        (np.zeros(3), np.array([0, 0.5, 0]), "1 of 3 values differ, by 0.5 at most"),
        (np.arange(6).reshape(2, 3), np.zeros((2, 3), int), "the first at [0, 1]"),
        (np.array(["a", "b"]), np.array(["a", "c"]), "'b'"),
        (FRAME, FRAME.rename(columns={"x": "y"}), "the column 'x' is only in the notebook"),
        (FRAME, FRAME[["name", "x", "time", "kind"]], "another order"),
        (FRAME, FRAME[:2], "3 rows in the notebook, 2 in the pipeline"),
        (FRAME, FRAME.astype({"x": "f4"}), "column 'x': dtype float64 in the notebook"),
        (FRAME, FRAME.reset_index(drop=True), "the index is"),
        (FRAME, FRAME.set_axis(["i", "j", "z"]), "the index: 1 of 3 rows differ"),
        (FRAME, changed("x", 2.5), "column 'x': 1 of 3 rows differ, the first at 'j': "),
        (FRAME, changed("name", "b"), "column 'name': 1 of 3 rows differ"),
        (FRAME, changed("time", pd.NaT), "column 'time': 1 of 3 rows differ"),
        (FRAME, changed("kind", "u"), "column 'kind': 1 of 3 rows differ"),
        (FRAME["x"], FRAME["x"].rename("y"), "the name is 'x'"),
        (FRAME["name"], changed("name", "b")["name"], "nan in the notebook, 'b' in the pipeline"),
        (FRAME, FRAME["x"], "pandas.DataFrame in the notebook, pandas.Series"),
        (counter(3), counter(4), "n: 3 in the notebook, 4 in the pipeline"),
        (box(3), box(4), "size: 3 in the notebook, 4 in the pipeline"),
        (FOREST, RandomForestRegressor(2, random_state=0), "is only in the notebook"),
        (
            FOREST,
            RandomForestRegressor(2, random_state=0).fit([[1.0], [2.0], [3.0]], [1, 2, 9]),
            "estimators_[0].tree_",
        ),
    ],
)
def test_what_differs_is_said(one: Any, other: Any, words: str) -> None:
    found = differences.compare(one, other)
    assert found.verdict == "different"
    assert words in found.words


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        (1, 1, "equal"),
        (float("nan"), float("nan"), "equal"),
        (FRAME, FRAME.copy(), "equal"),
        (0.3, 0.1 + 0.2, "equal within tolerance"),
        ([0.3], [0.1 + 0.2], "equal within tolerance"),
        (np.array([1.0, np.nan]), np.array([1 + 1e-12, np.nan]), "equal within tolerance"),
        (FRAME, FRAME.assign(x=FRAME["x"] * (1 + 1e-12)), "equal within tolerance"),
        (FRAME["x"], FRAME["x"] * (1 + 1e-12), "equal within tolerance"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "equal within tolerance"),
        ({"fit_time": np.ones(2), "n": 1}, {"fit_time": np.zeros(2), "n": 1}, WITHIN),
        (searched(0.1, 1), searched(0.2, 1), WITHIN),
        (searched(0.1, 1), searched(0.2, 2), "different"),
        (FRAME.assign(mean_fit_time=1.0), FRAME.assign(mean_fit_time=2.0), WITHIN),
        ({"fit_time": np.ones(2)}, {"fit_time": [1]}, "different"),
        ({"benefit_time": 1.0}, {"benefit_time": 2.0}, "different"),
        (1e-12, 2e-12, "different"),
        (0.0, 1e-300, "different"),
        (threading.Lock(), threading.Lock(), "different"),
    ],
)
def test_tolerance_is_for_rounding_only(one: Any, other: Any, verdict: str) -> None:
    assert differences.compare(one, other).verdict == verdict


def test_cycles_end() -> None:
    def loop(value: int) -> list[Any]:
        items: list[Any] = [value]
        items.append(items)
        return items

    assert differences.compare(loop(1), loop(1)).verdict == "equal"
    assert differences.compare(loop(1), loop(2)).words.startswith("[0]: 1")


MODEL = "class Model:\n    def __init__(self, k): self.k = k"


def leave(folder: Path, **given: Any) -> Path:
    """Leave what a run of the small pipeline leaves, through the plan of observations."""
    for observation in reference_plan(small(), folder):
        namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
        exec(MODEL, namespace)
        kept = {
            "rows": [0, 1, 2],
            "k": 6,
            "score": 5.5,
            "best": "x",
            "predictions": [0, 6],
            **given,
        }
        namespace |= {**kept, "model": namespace["Model"](kept["k"])}
        for name in given.get("without", ()):
            del namespace[name]
        values.observe(observation, namespace, kept["predictions"])
    return folder


def test_the_plan_names_what_each_step_leaves(tmp_path: Path) -> None:
    plan = reference_plan(small(), tmp_path)
    assert [(each.cell, each.names) for each in plan] == [
        ("id-5", ("rows",)),
        ("id-6", ("model",)),
        ("id-8", ("score", "best")),
        ("id-8", ("model",)),
    ]
    assert plan[-1].expressions == {work.EXAMPLE: "rows[:2]"}
    assert plan[-1].result == work.PREDICTIONS


def test_equal_runs_are_proven_equal(tmp_path: Path) -> None:
    proof = compare(small(), leave(tmp_path / "a"), leave(tmp_path / "b"))
    assert proof.ok
    assert proof.words == "equal to the notebook: 6 equal"
    assert [(each.kind, each.name) for each in proof.comparisons] == [
        ("output", "rows"),
        ("output", "model"),
        ("metric", "score"),
        ("serving", "model"),
        ("serving", "example"),
        ("serving", "predictions"),
    ]


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"rows": [0, 1, 3]}, "rows", "[2]: 2 in the notebook, 3 in the pipeline"),
        ({"k": 7}, "model", "k: 6 in the notebook, 7"),
        ({"score": 6}, "score", "float in the notebook, int"),
        ({"predictions": [0, 7]}, "predictions", "[1]: 6 in the notebook, 7"),
        ({"predictions": None}, "predictions", "the pipeline has no value of it"),
        ({"without": ["rows"]}, "rows", "the pipeline has no value of it: not assigned"),
    ],
)
def test_a_difference_is_found_and_placed(
    tmp_path: Path, given: dict[str, Any], name: str, words: str
) -> None:
    proof = compare(small(), leave(tmp_path / "a"), leave(tmp_path / "b", **given))
    assert not proof.ok
    first = proof.differences[0]
    assert first.name == name
    assert words in first.words
    assert first.place.notebook == "notebooks/small.ipynb"
    assert first.place.cell in (5, 6, 8)
    assert proof.words.startswith("not equal to the notebook")


def test_what_neither_side_assigns_is_no_difference(tmp_path: Path) -> None:
    sides = [leave(tmp_path / side, without=["rows"]) for side in ("a", "b")]
    proof = compare(small(), *sides)
    assert "rows" not in {each.name for each in proof.differences}
    assert "score" in {each.name for each in proof.comparisons}


def test_a_run_that_left_nothing_is_different(tmp_path: Path) -> None:
    proof = compare(small(), leave(tmp_path / "a"), tmp_path / "nothing")
    assert not proof.ok
    assert all(each.verdict == "different" for each in proof.comparisons)


def test_the_page_stands_alone_and_escapes(tmp_path: Path) -> None:
    proof = compare(
        small(), leave(tmp_path / "a", rows=["<script>"]), leave(tmp_path / "b", rows=["&"])
    )
    json.dumps(proof.to_dict())
    page = proof.to_html()

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tags: set[str] = set()
            self.text = ""

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            self.tags.add(tag)
            assert not any(name in ("src", "onload") for name, _ in attrs)
            assert all(value.startswith("#") for name, value in attrs if name == "href")

        def handle_data(self, data: str) -> None:
            self.text += data

    reader = Reader()
    reader.feed(page)
    assert "script" not in reader.tags
    assert "'<script>' in the notebook, '&' in the pipeline" in reader.text
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r"https?://", page)


def test_nothing_to_compare_is_said() -> None:
    assert Proof("p", "n.ipynb", "0", ()).words == "no step leaves a value to compare"
