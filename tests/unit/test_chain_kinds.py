"""What kind of value code makes, told only where it is beyond doubt."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from jupyter_mlops.chains.giving import giving
from jupyter_mlops.chains.kinds import kinds, takes
from jupyter_mlops.notebook.document import read
from tests.support import write_notebook


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("x = 3", "int"),
        ("x: float = 0.5", "float"),
        ("x = f'{y}'", "str"),
        ("x = len(y)", "int"),
        ("x = [1]", "list"),
        ("x = {k: 1 for k in y}", "dict"),
        ("x = pd.read_csv('a.csv')", "table"),
        ("x = y", None),
        ("x = y > 1", None),
        ("x = pd.read_csv('a.csv').shape", None),
        ("x, y = 1, 2", None),
        ("x = mine(y)", None),
        ("x = 3\nx = other(x)", None),
    ],
)
def test_kinds_of_expressions(code: str, kind: str | None) -> None:
    assert kinds(ast.parse(code), {"mine"}).get("x") == kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["x = 1"], "int"),
        (["x = 1", "x = 'a'"], "str"),
        (["x = 1", "x = f()"], None),
        (["x = 1\nif y:\n    x = 'a'"], None),
        (["def len(y):\n    return y", "x = len(2)"], None),
        (["x = 1", "x += 0.5"], None),
        (["x = 1", "%run other.py"], "int"),
    ],
)
def test_the_last_binding_counts(tmp_path: Path, cells: list[str], kind: str | None) -> None:
    path = write_notebook(tmp_path / "a.ipynb", [("", cell) for cell in cells])
    assert giving(read(path)).kinds.get("x") == kind


def test_which_parameters_take_them() -> None:
    assert takes("float", "int")
    assert not takes("int", "float")
    assert takes("date", "str")
    assert takes("any", "dict")
    assert not takes("any", "table")
    assert takes("path", "table")
