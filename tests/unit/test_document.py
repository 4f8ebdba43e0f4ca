"""Notebook files are read as data, or refused with what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import MlopsError, Place
from jupyter_mlops.notebook.document import Cell, Notebook, parse, read


def content(*cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}


def code(source: str | list[str] = "x = 1", **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], **more}


def parsed(raw: Any) -> Notebook:
    return parse(json.dumps(raw), path=Path("n.ipynb"), name="n.ipynb")


def test_cells_tags_and_places() -> None:
    book = parsed(
        content(
            {"cell_type": "markdown", "source": "# Title", "metadata": {}},
            code(["x = 1\n", "y = 2"], id="abc", metadata={"tags": ["step:a", "metrics"]}),
            code("   \n"),
            code("z = 3", execution_count=7, metadata=None),
            metadata={"kernelspec": {"name": "conda-env", "language": "python"}},
        )
    )
    title, first, empty, last = book.cells
    assert first == Cell("abc", 2, "code", "x = 1\ny = 2", ("step:a", "metrics"))
    assert (last.id, last.position, last.execution_count, last.tags) == ("cell-4", 4, 7, ())
    assert book.code_cells == (first, last)
    assert (title.kind, empty.source.strip()) == ("markdown", "")
    assert (book.kernel, book.language, book.stem) == ("conda-env", "python", "n")
    assert book.place(first, 2) == Place("n.ipynb", 2, "abc", 2)
    assert str(book.place()) == "n.ipynb"


def test_the_digest_is_of_code_order_and_tags_only() -> None:
    first = content(code("x = 1", metadata={"tags": ["b", "a"]}), code("y = 2"))
    same = content(
        {"cell_type": "markdown", "source": "new", "metadata": {}},
        code("x = 1", metadata={"tags": ["a", "b"], "collapsed": True}, execution_count=9),
        code("y = 2", outputs=[{"output_type": "stream", "name": "stdout", "text": "1"}]),
    )
    others = [
        content(code("y = 2"), code("x = 1", metadata={"tags": ["a", "b"]})),
        content(code("x = 1", metadata={"tags": ["a"]}), code("y = 2")),
        content(code("x = 2", metadata={"tags": ["a", "b"]}), code("y = 2")),
    ]
    assert parsed(first).digest() == parsed(same).digest()
    assert len({parsed(each).digest() for each in (first, *others)}) == 4


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "notebook.empty"),
        ("  \n", "notebook.empty"),
        ('{"nbformat": 4,\n oops', "notebook.not-json"),
        ("[]", "notebook.invalid"),
        ('{"a": 1}', "notebook.invalid"),
        (json.dumps({"nbformat": 3, "worksheets": []}), "notebook.old-format"),
        (json.dumps(content()), "notebook.empty"),
        (json.dumps(content(code("  "))), "notebook.empty"),
        (json.dumps(content({"cell_type": "chart"})), "notebook.invalid"),
        (json.dumps(content(code(), code(source=3))), "notebook.invalid"),
        (json.dumps(content(code(metadata={"tags": [1]}))), "notebook.invalid"),
        (
            json.dumps(content(code(), metadata={"language_info": {"name": "R"}})),
            "notebook.language",
        ),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path: Path, text: str, error: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(text)
    with pytest.raises(MlopsError) as caught:
        read(path, name="n.ipynb")
    assert caught.value.code == error
    assert caught.value.place is not None
    assert caught.value.place.notebook == "n.ipynb"


def test_the_line_of_broken_json_is_named() -> None:
    with pytest.raises(MlopsError) as caught:
        parse('{"nbformat": 4,\n<<<<<<< HEAD', path=Path("n.ipynb"), name="n.ipynb")
    assert caught.value.place == Place("n.ipynb", line=2)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MlopsError) as caught:
        read(tmp_path / "absent.ipynb")
    assert caught.value.code == "notebook.missing"
    with pytest.raises(MlopsError) as caught:
        read(tmp_path)
    assert caught.value.code == "notebook.not-json"
    (tmp_path / "latin.ipynb").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MlopsError) as caught:
        read(tmp_path / "latin.ipynb")
    assert caught.value.code == "notebook.not-json"
