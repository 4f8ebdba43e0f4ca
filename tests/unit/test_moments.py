"""Dates, times and paths go to text and back, and to Python that makes them."""

from __future__ import annotations

import ast
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook import moments

VALUES = (
    st.dates() | st.datetimes() | st.times()
    | st.text(min_size=1).filter(lambda text: "\0" not in text).map(Path)
)  # fmt: skip


@given(VALUES)
def test_values_survive_text_and_python(value: Any) -> None:
    kind = moments.kind_of(value)
    assert kind is not None
    text = moments.plain(value)
    assert json.loads(json.dumps(text)) == text
    assert moments.take(kind, text) == value
    for maker in ("", f"dt.{kind}" if kind != "path" else "Path"):
        made = eval(moments.source(value, maker) or "", {"dt": dt, "Path": Path})
        assert made == value
        assert type(made) is type(value)


@pytest.mark.parametrize(
    "source", ["date(x, 1, 1)", "date(2013, 13, 1)", "open('a')", "pd.Timestamp('2013')", "date"]
)
def test_other_expressions_are_not_read(source: str) -> None:
    assert moments.read_call(ast.parse(source, mode="eval").body) is None


def test_the_maker_is_what_the_cell_calls() -> None:
    node = ast.parse("dt.datetime(2013, 1, 1, tzinfo=None)", mode="eval").body
    assert moments.read_call(node) == (dt.datetime(2013, 1, 1), "dt.datetime")
    assert moments.source(dt.date(2013, 1, 31), "date") == "date(2013, 1, 31)"
