"""The data of figures, kept when IPython shows them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure

from jupyter_mlops.notebook.figure_data import MIME, MOST_VALUES, figure_data, keep_figure_data


@pytest.fixture
def figure() -> Iterator[Figure]:
    with mpl.rc_context({"backend": "agg"}):
        yield Figure()


def test_every_kind_of_mark_is_kept(figure: Figure) -> None:
    axes = figure.subplots(2, 3)
    axes[0, 0].plot([0, 1, 2], [3.5, float("nan"), 4.5], label="sin")
    axes[0, 0].legend()
    axes[0, 0].set_title("waves")
    axes[0, 1].bar(["a", "b"], [2, 3])
    axes[0, 2].scatter([1, 2], [3, 4], c=[0.5, 0.7], s=[10, 20])
    axes[1, 0].imshow([[1, 2], [3, 4]])
    axes[1, 1].fill_between([0, 1], [1, 2])
    axes[1, 2].text(0, 0, "note")
    figure.suptitle("all")
    data = figure_data(figure)
    assert data is not None
    json.dumps(data, allow_nan=False)
    assert data["texts"] == ["all"]
    assert data["axes 1, titles"] == ["waves", "", ""]
    assert data["axes 1, line 1, y"] == [3.5, "nan", 4.5]
    assert data["axes 1, legend"] == ["sin"]
    assert data["axes 2, x ticks"] == ["a", "b"]
    assert {data["axes 2, shape 1"][5], data["axes 2, shape 2"][5]} == {2.0, 3.0}
    assert data["axes 3, marks 1, places"] == [1, 3, 2, 4]
    assert data["axes 3, marks 1, values"] == [0.5, 0.7]
    assert data["axes 3, marks 1, sizes"] == [10, 20]
    assert data["axes 4, image 1"] == [1, 2, 3, 4]
    assert any(name.startswith("axes 5, marks 1, shape 1") for name in data)
    assert data["axes 6, texts"] == ["note"]


def test_of_long_series_the_digest_is_kept(figure: Figure) -> None:
    axes = figure.subplots()
    axes.plot(np.arange(MOST_VALUES + 1.0))
    data = figure_data(figure)
    assert data is not None
    assert data["axes 1, line 1, y"]["size"] == MOST_VALUES + 1


def test_what_cannot_be_told_is_nothing() -> None:
    assert figure_data(object()) is None


def test_a_shell_shows_the_data_beside_the_picture(
    figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A shell puts its own namespace there for good.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    shell: Any = InteractiveShell()  # type: ignore[no-untyped-call]
    keep_figure_data(shell)
    figure.subplots().plot([1, 2])
    data, _ = shell.display_formatter.format(figure)
    assert data[MIME]["axes 1, line 1, y"] == [1, 2]
    assert MIME not in shell.display_formatter.format(3)[0]
