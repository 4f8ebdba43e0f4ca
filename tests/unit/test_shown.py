"""What cells showed, read from executed notebooks of a kernel and of a step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from jupyter_mlops.notebook.document import Cell
from jupyter_mlops.notebook.figure_data import MIME
from jupyter_mlops.pipeline.shown import (
    ExecutedNotebook,
    Shown,
    compare_figures,
    compare_printed,
)

CELL = Cell("c1", 1, "code", "show()")


def out(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def result(**data: Any) -> dict[str, Any]:
    bundle = {kind.replace("_", "/", 1): content for kind, content in data.items()}
    return {"output_type": "execute_result", "data": bundle, "metadata": {}}


def display(mime: str, content: Any, **data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {mime: content, **data}, "metadata": {}}


def shown(folder: Path, *outputs: dict[str, Any], cell_id: str = "c1") -> Shown:
    cell = {"cell_type": "code", "id": cell_id, "source": ["show()"], "outputs": list(outputs)}
    path = folder / "executed.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ""}, cell]}))
    executed = ExecutedNotebook.read(path)
    assert executed is not None
    found = executed.shown(CELL)
    assert found is not None
    return found


def test_streams_are_joined_and_errors_of_the_system_left_out(tmp_path: Path) -> None:
    one = shown(tmp_path, out("a\n"), out("warn", "stderr"), out("b\n"), result(text_plain="7"))
    other = shown(tmp_path, out(["a\n", "b\n"]), result(text_plain=["7"]))
    assert one.printed == "a\nb\n7"
    assert compare_printed(one, other).verdict == "equal"


@pytest.mark.parametrize(
    ("output", "other"),
    [
        (result(text_plain="7"), result(text_plain="8")),
        (result(text_html="<td>1</td>", text_plain="x"), result(text_html="<td>2</td>")),
        (out("a"), out("b")),
        (display("application/json", {"a": 1}), display("application/json", {"a": 2})),
        (
            {"output_type": "error", "ename": "E", "evalue": "1", "traceback": []},
            {"output_type": "error", "ename": "E", "evalue": "2", "traceback": []},
        ),
    ],
)
def test_other_results_are_different(
    tmp_path: Path, output: dict[str, Any], other: dict[str, Any]
) -> None:
    one, two = shown(tmp_path, output), shown(tmp_path, other)
    assert compare_printed(one, two).verdict == "different"
    assert compare_printed(one, one).verdict == "equal"


def test_widgets_and_what_this_package_shows_are_left_out(tmp_path: Path) -> None:
    found = shown(
        tmp_path,
        display("application/vnd.jupyter.widget-view+json", {"model_id": "1"}),
        display("text/html", '<div class="mlops-view">run 7</div>'),
    )
    assert found == Shown()


def test_figures_are_compared_by_data_then_drawing_then_picture(tmp_path: Path) -> None:
    def figure(*outputs: dict[str, Any]) -> Shown:
        return shown(tmp_path, *outputs)

    data = {"axes 1, line 1, y": [1.0]}
    one = figure(display("image/png", "AAAA", **{MIME: data}))
    same = figure(display("image/png", "BBBB", **{MIME: data}))
    assert compare_figures(one, same).verdict == "equal"
    other = figure(display("image/png", "AAAA", **{MIME: {"axes 1, line 1, y": [2.0]}}))
    assert compare_figures(one, other).verdict == "different"
    assert (
        compare_figures(one, Shown()).words == "1 figure in the notebook, 0 figures in the pipeline"
    )

    plotly = "application/vnd.plotly.v1+json"
    drawn = [
        figure(display(plotly, {"data": [{"y": [1, y], "uid": uid}]}))
        for y, uid in ((2, "a"), (2, "b"), (3, "a"))
    ]
    assert compare_figures(drawn[0], drawn[1]).verdict == "equal"
    found = compare_figures(drawn[0], drawn[2])
    assert found.verdict == "different"
    assert "['y'][1]: 2 in the notebook, 3" in found.words

    svg = [
        figure(display("image/svg+xml", f'<svg id="{name}"><text>{text}</text></svg>'))
        for name, text in (("a", "x"), ("b", "x"), ("a", "y"))
    ]
    assert compare_figures(svg[0], svg[1]).verdict == "equal"
    assert compare_figures(svg[0], svg[2]).verdict == "different"


def test_a_cell_is_found_by_its_source_where_ids_are_new(tmp_path: Path) -> None:
    assert shown(tmp_path, out("a"), cell_id="new").printed == "a"
    executed = ExecutedNotebook.read(tmp_path / "executed.ipynb")
    assert executed is not None
    assert executed.shown(Cell("c9", 9, "code", "other()")) is None
    assert ExecutedNotebook.read(tmp_path / "nothing.ipynb") is None


def test_how_long_a_search_took_does_not_count(tmp_path: Path) -> None:
    def searched(depths: list[int]) -> Shown:
        search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": depths}, cv=2)
        search.fit([[0.0], [1.0], [2.0], [3.0]] * 5, [0, 0, 1, 1] * 5)
        search.refit_time_ += len(depths)
        html = search._repr_html_()
        assert "sk-container-id" in html
        return shown(tmp_path, result(text_html=html, text_plain=repr(search)))

    assert compare_printed(searched([1, 2]), searched([1, 2])).verdict == "equal"
    assert compare_printed(searched([1, 2]), searched([2, 3])).verdict == "different"
