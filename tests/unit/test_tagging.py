"""Tags are written into the file, and nothing else of it changes."""

from __future__ import annotations

import copy
import difflib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import read
from jupyter_mlops.notebook.tagging import add_tags

INDENTS: list[Any] = [None, 0, 1, 2, 4, "\t"]
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_METADATA = st.dictionaries(
    st.sampled_from(["collapsed", "jupyter", "zeta", "a b", "tag"]),
    st.one_of(_TEXT, st.booleans(), st.just({"x": [1, {}]}), st.just([])),
    max_size=3,
)


def content(cells: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cells": cells,
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def cell(number: int, metadata: Any, source: Any = "x = 1") -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"c{number}",
        "metadata": metadata,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ['"tags": [', "}"]}],
        "source": source,
    }


def write(path: Path, made: dict[str, Any], **style: Any) -> Path:
    path.write_bytes((json.dumps(made, **style) + "\n").encode())
    return path


@st.composite
def files(draw: st.DrawFn) -> tuple[str, dict[str, list[str]]]:
    """Draw the text of a notebook as some tool lays it out, and tags for some of its cells."""
    cells: list[dict[str, Any]] = []
    wanted: dict[str, list[str]] = {}
    for number in range(1, draw(st.integers(1, 4)) + 1):
        metadata = draw(_METADATA)
        if draw(st.booleans()):
            metadata["tags"] = draw(st.lists(st.sampled_from(["a", "é", 'q"']), max_size=2))
        made = cell(number, metadata, draw(_TEXT) + "\nx = 1")
        if draw(st.integers(0, 5)) == 0:
            made.pop("metadata")
        cells.append(made)
        if draw(st.booleans()):
            wanted[f"c{number}"] = draw(st.lists(st.sampled_from(["step:a", "a", "é"]), max_size=2))
    indent = draw(st.sampled_from(INDENTS))
    text = json.dumps(
        content(cells),
        indent=indent,
        ensure_ascii=draw(st.booleans()),
        sort_keys=draw(st.booleans()),
        separators=draw(st.sampled_from([None, (",", ":")])) if indent is None else None,
    )
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text + draw(st.sampled_from(["", "\n", "  \n\n"])), wanted


@given(files())
@settings(max_examples=300, deadline=None)
def test_only_the_tags_change(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[str, dict[str, list[str]]]
) -> None:
    text, wanted = drawn
    path = tmp_path_factory.getbasetemp() / "drawn.ipynb"
    path.write_bytes(text.encode())
    notebook = read(path)
    expected = copy.deepcopy(json.loads(text))
    changed = []
    for each in expected["cells"]:
        before = each.get("metadata", {}).get("tags", [])
        after = list(dict.fromkeys([*before, *wanted.get(each["id"], [])]))
        if set(after) != set(before):
            each.setdefault("metadata", {})["tags"] = after
            changed.append(each["id"])

    assert [each.id for each in add_tags(notebook, wanted)] == changed
    written = path.read_bytes().decode()
    assert json.loads(written) == expected
    if not changed:
        assert written == text
    # Nothing but what tags are made of came or went.
    lines = difflib.ndiff(text.splitlines(), written.splitlines())
    if "\n" in text.strip():
        for line in lines:
            if line[:2] in ("+ ", "- "):
                assert (
                    line[2:].strip().rstrip(",")
                    in {
                        *(
                            '"tags": [',
                            '"tags": []',
                            "]",
                            "{",
                            "}",
                            '"metadata": {',
                            '"metadata": {}',
                        ),
                        *('"a"', '"é"', '"step:a"', '"q\\""', '"\\u00e9"', '"tags": null'),
                    }
                    or line[2:].strip().rstrip(",") in text
                )
    assert written.endswith(text[-3:])
    assert ("\r\n" in written) == ("\r\n" in text)


@pytest.mark.parametrize("indent", [1, 2, 4, "\t"])
def test_laid_out_as_jupyter_does(tmp_path: Path, indent: Any) -> None:
    cells = [cell(1, {}), cell(2, {"tags": ["a"]}), cell(3, {"collapsed": True, "zeta": 1})]
    path = write(tmp_path / "nb.ipynb", content(cells), indent=indent, sort_keys=True)
    add_tags(read(path), {"c1": ["step:a"], "c2": ["b"], "c3": ["x"]})
    for each, tags in zip(cells, (["step:a"], ["a", "b"], ["x"]), strict=True):
        each["metadata"]["tags"] = tags
    assert path.read_text() == json.dumps(content(cells), indent=indent, sort_keys=True) + "\n"


def test_tags_that_are_there_touch_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "nb.ipynb", content([cell(1, {"tags": ["a"]})]))
    before = path.stat()
    assert add_tags(read(path), {"c1": ["a"]}) == ()
    assert path.stat() == before


def test_a_file_that_changed_since_is_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "nb.ipynb", content([cell(1, {})]))
    notebook = read(path)
    write(path, content([cell(1, {}, "x = 2")]))
    text = path.read_bytes()
    with pytest.raises(MlopsError) as caught:
        add_tags(notebook, {"c1": ["a"]})
    assert caught.value.code == "notebook.changed"
    assert path.read_bytes() == text
    path.unlink()
    with pytest.raises(MlopsError):
        add_tags(notebook, {"c1": ["a"]})
    assert os.listdir(tmp_path) == []


def test_mode_and_links_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "nb.ipynb", content([cell(1, {})]))
    path.chmod(0o640)
    link = tmp_path / "link.ipynb"
    link.symlink_to(path)
    add_tags(read(link), {"c1": ["a"]})
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert read(path).cells[0].tags == ("a",)
    assert sorted(os.listdir(tmp_path)) == ["link.ipynb", "nb.ipynb"]


def test_files_without_ids(tmp_path: Path) -> None:
    cells = [cell(1, {}), cell(2, {})]
    for each in cells:
        each.pop("id")
    path = write(tmp_path / "nb.ipynb", {**content(cells), "nbformat_minor": 4}, indent=1)
    add_tags(read(path), {"cell-2": ["step:a"]})
    assert [each.tags for each in read(path).cells] == [(), ("step:a",)]
