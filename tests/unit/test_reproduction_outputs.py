"""The verdict on each output of a reproduction, and the one on all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.pipeline.shown import ExecutedNotebook
from jupyter_mlops.reproduction.outputs import Output, Sources, compare, counted, overall
from jupyter_mlops.reproduction.recorded import Fitted, Recorded
from jupyter_mlops.reproduction.replay import Replay, replay

VERDICTS = st.sampled_from(["identical", "within tolerance", "different", "not compared"])


def _cell(order: int, source: str, **more: Any) -> dict[str, Any]:
    cell = {"order": order, "id": f"c{order}", "position": order, "tags": [], "source": source}
    return {**cell, "outcome": "ok", "error": "", "line": None, "again": 1, "shown": [], **more}


def _run(cells: list[dict[str, Any]], **more: Any) -> Recorded:
    facts: dict[str, Any] = {
        "run": "nb-1",
        "notebook": "nb.ipynb",
        "path": "",
        "kind": "rerun",
        "python": "3.11.7",
        "platform": "",
        "user": "ann",
        "started": "",
        "parameters": {},
        "cells": cells,
        "metrics": {},
        "set_by": {},
        "datasets": [],
        "shown": {},
        "models": {},
        "distributions": {},
        "local": (),
        "git": {},
        "folder": Path("journal"),
    }
    return Recorded(**{**facts, **more})


def _executed(run: Recorded, printed: dict[str, str]) -> ExecutedNotebook:
    cells = [
        {
            "cell_type": "code",
            "id": each["id"],
            "source": each["source"],
            "outputs": [{"output_type": "stream", "name": "stdout", "text": printed[each["id"]]}]
            if each["id"] in printed
            else [],
        }
        for each in run.cells
    ]
    return ExecutedNotebook(cells, (), {each["id"]: each for each in cells})


def _compare(
    run: Recorded,
    here: Recorded,
    printed: tuple[dict[str, str], dict[str, str]] = ({}, {}),
    tolerance: float = 1e-9,
) -> dict[str, Output]:
    replayed: Replay = replay(run)
    executed = (_executed(run, printed[0]), _executed(run, printed[1]))
    sources = Sources(run, here, replayed, executed, (("/was",), ("/is",)))
    found = compare(sources, tolerance)
    return {f"{each.kind} {each.name or each.cell}": each for each in found}


@given(st.lists(VERDICTS))
def test_the_verdict_on_all_is_the_worst_of_what_was_compared(verdicts: list[Any]) -> None:
    outputs = [Output("metric", "m", "cell 1", 1, each) for each in verdicts]
    found = overall(outputs)
    assert (found == "different") == ("different" in verdicts)
    assert (found == "not compared") == (set(verdicts) <= {"not compared"})
    if found == "identical":
        assert "within tolerance" not in verdicts


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=1e-9, max_value=1e9),
    st.floats(min_value=0, max_value=1e-3),
    st.sampled_from([1e-12, 1e-9, 1e-6, 1e-4]),
)
def test_metrics_are_judged_by_their_relative_difference(
    value: float, apart: float, tolerance: float
) -> None:
    other = value * (1 + apart)
    run = _run([_cell(1, "m = 1")], metrics={"m": [value]}, set_by={"m": 1})
    found = _compare(run, replace(run, metrics={"m": [other]}), tolerance=tolerance)["metric m"]
    difference = abs(value - other) / max(value, other)
    if value == other:
        assert found.verdict == "identical"
    elif difference <= tolerance:
        assert found.verdict == "within tolerance"
        assert found.relative == pytest.approx(difference)
    else:
        assert found.verdict == "different"
        assert repr(value) in found.words
        assert repr(other) in found.words


def test_printed_text_tells_the_line_and_both_values() -> None:
    run = _run([_cell(1, "print(x)"), _cell(2, "print(y)"), _cell(3, "print(z)")])
    found = _compare(
        run,
        run,
        (
            {"c1": "a\nscore 0.5\n", "c2": "0.30000000000000004\n", "c3": "/was/x.csv\n"},
            {"c1": "a\nscore 0.6\n", "c2": "0.3\n", "c3": "/is/x.csv\n"},
        ),
    )
    assert found["printed cell 1"].verdict == "different"
    assert found["printed cell 1"].words == "line 2: `score 0.5` in the run, `score 0.6` here"
    assert found["printed cell 2"].verdict == "within tolerance"
    assert found["printed cell 3"].words.startswith("line 1"), "no folders were given to settle"
    assert next(iter(found.values())).verdict == "different", "what matters comes first"


def test_times_that_are_printed_differ_within_tolerance() -> None:
    source = "import time\nstart = time.time()\nprint(f'took {time.time() - start:.2f} s')"
    run = _run([_cell(1, source)])
    found = _compare(run, run, ({"c1": "took 0.10 s\n"}, {"c1": "took 0.31 s\n"}))
    assert found["printed cell 1"].verdict == "within tolerance"
    assert found["printed cell 1"].words == "only times differ"


def test_what_follows_a_new_failure_is_not_compared() -> None:
    cells = [_cell(1, "import gone"), _cell(2, "m = 2")]
    run = _run(cells, metrics={"m": [2.0]}, set_by={"m": 2})
    failed = _cell(1, "import gone", outcome="failed", error="ModuleNotFoundError: gone", line=1)
    found = _compare(run, replace(run, cells=[failed], metrics={}), ({"c2": "2\n"}, {}))
    assert found["error cell 1"].verdict == "different"
    assert "ModuleNotFoundError: gone" in found["error cell 1"].words
    for name in ("metric m", "printed cell 2"):
        assert found[name].verdict == "not compared"
        assert found[name].words == "cell 1 failed before"


def test_a_failure_of_the_run_must_come_again() -> None:
    failed = {"outcome": "failed", "error": "ValueError: no", "line": 1}
    run = _run([_cell(1, "f()", **failed)])
    assert _compare(run, run)["error cell 1"].verdict == "identical"
    calm = replace(run, cells=[_cell(1, "f()")])
    assert _compare(run, calm)["error cell 1"].verdict == "different"
    other = replace(run, cells=[_cell(1, "f()", **{**failed, "line": 2})])
    assert "line 2" in _compare(run, other)["error cell 1"].words


def test_frames_models_and_data_are_told_by_their_digests() -> None:
    def data(kind: str, name: str, fingerprint: str, rows: int = 3) -> dict[str, Any]:
        facts = {"kind": kind, "name": name, "fingerprint": fingerprint, "source": name}
        return {**facts, "rows": rows, "columns": 1, "bytes": 9, "cell": 1}

    run = _run(
        [_cell(1, "x = 1")],
        datasets=[
            data("memory", "a", "1"),
            data("memory", "b", "2"),
            data("memory", "c", ""),
            data("file", "d.csv", "4"),
            data("file", "/was/e.csv", "5"),
            data("file", "https://f", ""),
        ],
        models={"model": Fitted("m", 1), "other": Fitted("n", 1)},
    )
    here = replace(
        run,
        datasets=[
            data("memory", "a", "1"),
            data("memory", "b", "9", rows=4),
            data("memory", "c", ""),
            data("file", "d.csv", "8"),
            data("file", "e.csv", "5"),
        ],
        models={"model": Fitted("m", 1), "other": Fitted("o", 1)},
    )
    found = {name: each.verdict for name, each in _compare(run, here).items()}
    assert found == {
        "frame a": "identical",
        "frame b": "different",
        "frame c": "not compared",
        "data d.csv": "different",
        "data /was/e.csv": "identical",
        "data https://f": "not compared",
        "model model": "identical",
        "model other": "not compared",
    }


def test_counts_are_told_in_words() -> None:
    outputs = [Output("metric", n, "", 1, "identical") for n in "ab"]
    outputs.append(Output("printed", "", "cell 1", 1, "identical"))
    assert counted(outputs) == "2 metrics, 1 printed text"
