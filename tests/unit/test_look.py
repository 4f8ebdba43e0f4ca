"""Cards, charts and forms: what they show of a run, and that any values can be shown."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.capture.journal import Journal
from jupyter_mlops.capture.records import CellEnd, CellStart, Metric, Start
from jupyter_mlops.charts.curves import metric_curves
from jupyter_mlops.charts.parallel import parallel_coordinates
from jupyter_mlops.charts.sparkline import svg_line, text_line
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.look import card
from jupyter_mlops.faces.look.facts import Facts, FactsReader
from jupyter_mlops.faces.look.form import Form
from jupyter_mlops.notebook.document import read
from jupyter_mlops.notebook.parameters import read_parameters
from jupyter_mlops.tracking.curves import Curve
from jupyter_mlops.tracking.runs import RunSummary
from tests.support import write_notebook

PARAMETERS = """\
depth: int = 6  # 1..20
rate = 0.1  # 0..1 how fast it learns
criterion = "gini"  # one of: gini, entropy
shuffle = True
label: str | None = None
bands = [1, 2]
"""


def summary(name: str, parameters: dict[str, str], metrics: dict[str, float]) -> RunSummary:
    started = "2026-01-01T00:00:00+00:00"
    return RunSummary(
        name, "nb.ipynb", "rerun", "FINISHED", started, 1.0, parameters, metrics, None, name
    )


def journal(folder: Path) -> FactsReader:
    """Write a run whose second cell runs, and return who reads it."""
    writing = Journal(folder)
    words = {"kind": "interactive", "path": "", "host": "h", "user": "u"}
    words |= {"run": "nb-1", "notebook": "nb.ipynb", "python": "3", "platform": "p"}
    writing.append(Start(time=1.0, pid=1, pid_started=1.0, **words))
    writing.append(CellStart(time=1.0, order=1, source="a", cell="a", position=1))
    writing.append(Metric(time=1.0, order=1, name="auc", value=0.5, step=0))
    writing.append(Metric(time=1.1, order=1, name="auc", value=0.75, step=1))
    writing.append(CellEnd(time=2.0, order=1, seconds=1.0, outcome="ok"))
    writing.append(CellStart(time=2.0, order=2, source="b", cell="b", position=2))
    writing.close()
    return FactsReader(folder, None, "sqlite:///x")


@pytest.mark.parametrize(
    ("values", "blocks"),
    [
        ([0, 7], "▁█"),
        ([1, 1], "▅▅"),
        ([0, math.nan, 1], "▁ █"),
        ([-1e308, 1e308], "▁█"),
        ([], ""),
    ],
)
def test_numbers_as_blocks(values: list[float], blocks: str) -> None:
    assert text_line(values) == blocks


@given(st.lists(st.floats(), max_size=300), st.integers(1, 40))
def test_any_numbers_can_be_drawn(values: list[float], width: int) -> None:
    assert len(text_line(values, width)) == min(width, len(values))
    drawn = svg_line(values, 80, 20)
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_the_card_follows_the_journal(tmp_path: Path) -> None:
    facts = journal(tmp_path).read()
    assert (facts.state, facts.cell, facts.executed) == ("running", 2, 1)
    assert facts.metrics == {"auc": [0.5, 0.75]}
    words = card.text(facts)
    assert "auc = 0.75" in words
    assert "cell 2 has run for" in words
    assert 'class="number">0.75<' in card.html(facts)


def test_a_card_shows_no_markup_of_the_notebook() -> None:
    evil = "<script>alert(1)</script>"
    facts = Facts(
        run=evil,
        notebook=evil,
        state="failed",
        error=evil,
        parameters={evil: evil},
        metrics={evil: [1.0]},
        models={evil: evil},
        data={evil: (1, 2)},
        problems=(evil,),
    )
    assert "<script" not in card.html(facts)


def test_parallel_coordinates_show_what_differs() -> None:
    runs = [
        summary("a", {"depth": "4", "kind": "x", "same": "1"}, {"auc": 0.5}),
        summary("b", {"depth": "8", "kind": "y", "same": "1"}, {"auc": 0.9}),
    ]
    chart = parallel_coordinates(runs, ["auc"])
    assert chart is not None
    lines = chart.spec["layer"][0]["data"]["values"]
    assert {line["axis"] for line in lines} == {"depth", "kind", "auc"}
    heights = {(line["run"], line["axis"]): line["height"] for line in lines}
    assert heights["a", "depth"] == 0
    assert heights["b", "auc"] == 1
    assert parallel_coordinates(runs[:1], []) is None


_numbers = st.dictionaries(st.sampled_from(["auc", "mae"]), st.floats(), max_size=2)
_words = st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=4), max_size=2)


@given(st.lists(st.tuples(_words, _numbers), max_size=5))
def test_charts_of_any_runs_are_json(
    content: list[tuple[dict[str, str], dict[str, float]]],
) -> None:
    runs = [summary(str(n), words, numbers) for n, (words, numbers) in enumerate(content)]
    for metrics in ([], ["auc"], ["auc", "mae"]):
        chart = parallel_coordinates(runs, metrics)
        if chart is not None:
            heights = [line["height"] for line in chart.spec["layer"][0]["data"]["values"]]
            assert all(0 <= height <= 1 for height in heights)
            json.dumps(chart.spec, allow_nan=False)


def test_curves_have_a_line_for_each_run() -> None:
    curves = [
        Curve("a", "loss", tuple(range(2000)), tuple(1 / (n + 1) for n in range(2000))),
        Curve("b", "loss", (0, 1), (1.0, math.nan)),
        Curve("b", "auc", (0,), (0.5,)),
    ]
    chart = metric_curves(curves)
    assert chart is not None
    points = chart.spec["data"]["values"]
    assert {point["run"] for point in points} == {"a", "b"}
    assert len(points) <= 502
    assert points[-2]["step"] == 1999
    json.dumps(chart.spec, allow_nan=False)
    assert metric_curves(curves[2:]) is None


@pytest.fixture
def form(tmp_path: Path) -> Form:
    path = tmp_path / "nb.ipynb"
    write_notebook(path, [("parameters", PARAMETERS), ("", "x = depth")])
    parameters = read_parameters(read(path))
    return Form(path, parameters, lambda words, tell, stop: None)


def test_a_form_has_the_fields_that_fit(form: Form) -> None:
    kinds: dict[str, Any] = {name: type(field).__name__ for name, field in form.fields.items()}
    assert kinds == {
        "depth": "IntSlider",
        "rate": "FloatSlider",
        "criterion": "Dropdown",
        "shuffle": "Checkbox",
        "label": "Text",
        "bands": "Text",
    }
    assert (form.fields["depth"].min, form.fields["depth"].max) == (1, 20)
    assert form.words()[2:] == []


def test_a_form_gives_what_was_changed(form: Form) -> None:
    form.fields["depth"].value = 9
    form.fields["bands"].value = "[3]"
    form.fields["shuffle"].value = False
    assert form.words()[2:] == ["-p", "depth=9", "-p", "shuffle=False", "-p", "bands=[3]"]
    form.fields["bands"].value = "three"
    with pytest.raises(MlopsError, match="`bands` wants list"):
        form.words()
    form.rerun.click()
    assert "`bands` wants list" in form.told.value
