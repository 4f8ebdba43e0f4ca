"""Where each front end lets the kernel know which notebook it runs."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from jupyter_mlops.capture.cells import FileCells
from jupyter_mlops.capture.location import Order, Request, notebook_path
from tests.support import write_notebook


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("JPY_SESSION_NAME", "JUPYTER_MLOPS_RUN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return write_notebook(tmp_path / "some work.ipynb")


def test_an_order_names_it(notebook: Path) -> None:
    order = Order(run="r", notebook="some work.ipynb")
    assert notebook_path({"__vsc_ipynb_file__": "/other.ipynb"}, order) == notebook


def test_jupyterlab_and_notebook_7_have_it_in_the_environment(
    notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    assert notebook_path({}, None) == notebook
    (notebook.parent / "deep").mkdir()
    monkeypatch.chdir(notebook.parent / "deep")
    monkeypatch.setenv("JPY_SESSION_NAME", "some work.ipynb")
    assert notebook_path({}, None) == notebook
    monkeypatch.setenv("JPY_SESSION_NAME", "console-1-7c0e")
    assert notebook_path({}, None) is None


def test_vs_code_has_it_in_the_namespace_and_in_the_ids_of_cells(notebook: Path) -> None:
    assert notebook_path({"__vsc_ipynb_file__": str(notebook)}, None) == notebook
    cell = f"vscode-notebook-cell:{quote(str(notebook))}#W0sZmlsZQ%3D%3D"
    assert notebook_path({}, None, Request(cell)) == notebook


def test_without_a_person_it_is_the_notebook_that_holds_the_cells(notebook: Path) -> None:
    write_notebook(notebook.with_name("other.ipynb"), [("", "x = 1"), ("", "y = 2")])
    alone = Request(attended=False)
    assert notebook_path({}, None, alone, ["", "x = 1"]) == notebook.with_name("other.ipynb")
    assert notebook_path({}, None, alone, ["", "y = 2", "x = 1"]) is None
    assert notebook_path({}, None, alone, []) is None
    assert notebook_path({}, None, Request(), ["", "x = 1"]) is None
    write_notebook(notebook.with_name("copy.ipynb"), [("", "x = 1")])
    assert notebook_path({}, None, alone, ["", "x = 1"]) is None


def test_ids_of_vs_code_become_those_of_the_file(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "nb.ipynb", [("", "x = 1"), ("metrics", "x = 1")])
    cells = FileCells(path)
    first = cells.find("vscode-notebook-cell:/nb.ipynb#W0", "x = 1")
    second = cells.find("vscode-notebook-cell:/nb.ipynb#W1", "x = 1\n")
    assert [(each.id, each.position, each.tags) for each in (first, second)] == [
        ("c1", 1, ()),
        ("c2", 2, ("metrics",)),
    ]
    assert cells.find("vscode-notebook-cell:/nb.ipynb#W9", "new").id is not None


def test_the_notebook_as_saved_has_neither_outputs_nor_secrets(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "nb.ipynb", [("", "password = 'hunter2hunter2'"), ("", "1")])
    content = json.loads(path.read_text())
    content["metadata"]["papermill"] = {"parameters": {"api_key": "hunter2hunter2"}}
    content["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    path.write_text(json.dumps(content))
    kept: list[bytes] = []
    FileCells(path, lambda make: kept.append(make())).find("c1", "")
    (saved,) = map(json.loads, kept)
    assert b"hunter2" not in kept[0]
    assert [cell["outputs"] for cell in saved["cells"]] == [[], []]
    assert saved["metadata"]["kernelspec"] == content["metadata"]["kernelspec"]
