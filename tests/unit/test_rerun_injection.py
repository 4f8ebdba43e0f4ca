"""The injected parameters: exact values, the right place, and every cell known by its original."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
from hypothesis import given
from hypothesis import strategies as st
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from jupyter_mlops.notebook.document import Notebook, read
from jupyter_mlops.rerun import injection
from tests.support import write_notebook

_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
)
_LITERALS = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["depth", "rate", "pair", "größe"]), _LITERALS))
def test_the_injected_source_assigns_exactly_the_values(parameters: dict[str, Any]) -> None:
    namespace: dict[str, Any] = {}
    exec(injection.source(parameters), {}, namespace)
    assert namespace == parameters
    assert repr(namespace) == repr(parameters)


def test_sets_and_what_is_in_them_are_assigned() -> None:
    values = {"days": {date(2013, 1, 31), date(2013, 1, 1)}, "none": set(), "mixed": {1, "a"}}
    namespace: dict[str, Any] = {}
    source = injection.source(values)
    exec(source, {}, namespace)
    assert namespace == values
    assert source.index("2013, 1, 1)") < source.index("2013, 1, 31)")


def test_nan_is_a_value_too() -> None:
    namespace: dict[str, Any] = {}
    exec(injection.source({"rate": math.nan, "bounds": (-math.inf, [math.nan])}), {}, namespace)
    assert math.isnan(namespace["rate"])
    assert namespace["bounds"][0] == -math.inf


def _prepared(path: Path, parameters: dict[str, Any]) -> tuple[Any, Notebook]:
    """Return what papermill hands to the engine, and the original."""
    content = load_notebook_node(str(path))
    if parameters:
        content = parameterize_notebook(content, parameters)
    return content, read(path)


def test_cells_are_aligned_with_the_original(tmp_path: Path) -> None:
    cells = [("imports", "import os"), ("parameters", "pair = (1, 2)"), ("", "print(pair)")]
    content, notebook = _prepared(write_notebook(tmp_path / "nb.ipynb", cells), {"pair": (3, 4)})
    originals = injection.settle(content, notebook, {"pair": (3, 4)})
    assert [cell.id for cell in content.cells] == ["c1", "c2", injection.INJECTED, "c3"]
    assert [cell.position for cell in originals] == [1, 2, 2, 3]
    assert content.cells[2].source == "# Parameters\npair = (3, 4)"


def test_kales_parameters_cell_comes_before_the_injected_one(tmp_path: Path) -> None:
    cells = [("imports", "import os"), ("pipeline-parameters", "depth = 3"), ("", "print(depth)")]
    content, notebook = _prepared(write_notebook(tmp_path / "nb.ipynb", cells), {"depth": 9})
    injection.settle(content, notebook, {"depth": 9})
    assert [cell.id for cell in content.cells] == ["c1", "c2", injection.INJECTED, "c3"]


def test_an_executed_notebook_runs_again(tmp_path: Path) -> None:
    cells = [("parameters", "depth = 3"), ("injected-parameters", "depth = 4"), ("", "depth")]
    path = write_notebook(tmp_path / "nb.ipynb", cells)
    content, notebook = _prepared(path, {})
    assert [cell.position for cell in injection.settle(content, notebook, {})] == [1, 2, 3]
    assert content.cells[1].source == "depth = 4"
    content, notebook = _prepared(path, {"depth": 5})
    originals = injection.settle(content, notebook, {"depth": 5})
    assert [cell.position for cell in originals] == [1, 2, 3]
    assert content.cells[1].source.rstrip() == "# Parameters\ndepth = 5"


def test_cells_without_ids_are_called_as_the_document_calls_them(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "nb.ipynb", [("", "1"), ("", "2")])
    old = nbformat.read(path, as_version=4)
    old.nbformat_minor = 4
    for cell in old.cells:
        del cell["id"]
    nbformat.write(old, path)
    content, notebook = _prepared(path, {})
    injection.settle(content, notebook, {})
    assert [cell.id for cell in content.cells] == ["cell-1", "cell-2"]
