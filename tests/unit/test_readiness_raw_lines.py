"""Lines of a notebook's file, found for the lines of its cells."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.readiness.raw_lines import RawLines

SOURCES = st.lists(st.text('ab"\\{}[]:,\n\t é😀\u2028', max_size=40), min_size=1, max_size=6)


def _lines(source: str) -> list[str]:
    return [line for line in re.split(r"(?<=\n)", source) if line]


def notebook(sources: list[str], *, listed: bool) -> dict[str, object]:
    return {
        "metadata": {"cells": [{"source": "no cell"}]},
        "cells": [
            {
                "outputs": [{"source": ["no source"], "text": "{\"cells\": ["}],
                "source": _lines(source) if listed else source,
                "cell_type": "code",
            }
            for source in sources
        ],
        "nbformat": 4,
    }  # fmt: skip


@given(SOURCES, st.sampled_from([None, 1, 2]), st.booleans(), st.booleans())
def test_a_line_of_the_file_holds_the_line_of_the_cell(
    sources: list[str], indent: int | None, listed: bool, ascii_only: bool
) -> None:
    text = json.dumps(notebook(sources, listed=listed), indent=indent, ensure_ascii=ascii_only)
    raw, lines = RawLines(text), text.split("\n")
    for position, source in enumerate(sources, 1):
        for number, line in enumerate(_lines(source), 1):
            written = json.dumps(line, ensure_ascii=ascii_only)[1:-1]
            assert written in lines[raw.line(position, number) - 1]
        assert "{" in lines[raw.line(position) - 1]


def test_lines_differ_where_the_file_has_a_line_for_each() -> None:
    text = json.dumps(notebook(["a\nb\nc", "d"], listed=True), indent=1)
    raw = RawLines(text)
    lines = [raw.line(1, n) for n in (1, 2, 3)]
    assert lines == [lines[0], lines[0] + 1, lines[0] + 2]
    assert raw.line(2, 1) > lines[2]


@given(st.text(max_size=60) | SOURCES.map(lambda s: json.dumps(notebook(s, listed=True))[:-5]))
def test_any_text_gives_some_line(text: str) -> None:
    raw = RawLines(text)
    assert all(raw.line(cell, line) >= 1 for cell in (None, 0, 1, 9) for line in (None, 0, 1, 9))
