"""Names that stand in texts are read and written like any other."""

from __future__ import annotations

import pytest

from jupyter_mlops.notebook.dataflow import cell_code, cell_flow
from jupyter_mlops.notebook.document import Cell
from jupyter_mlops.notebook.namespace import Namespace

CASES = [
    ("globals()['x'] = 1", "", "x"),
    ("y = globals()['x']", "x", "y"),
    ("del globals()['x']", "x", ""),
    ("y = globals().get('x', z)", "x z", "y"),
    ("globals().update(x=z)", "z", "x"),
    ("if 'x' not in globals():\n    x = 1", "x", "x"),
    ("get_ipython().user_ns['x'] = 1", "", "x"),
    ("exec('x = y')", "y", "x"),
    ("z = eval('x + y')", "x y", "z"),
    ("eval('xs.append(n)')", "xs n", ""),
    ("exec('x = 1', space)", "space", ""),
    ("def f():\n    exec('x = y')", "", "f"),
    ("few = df.query('a > @least')", "df least", "few"),
    ("few = df.query(f'a > @least and b < {most}')", "df least most", "few"),
    ("z = pd.eval('x + y')", "pd x y", "z"),
    ("z = sqldf('select * from flights join planes on 1')", "flights planes sqldf", "z"),
]


@pytest.mark.parametrize(("source", "reads", "writes"), CASES)
def test_names(source: str, reads: str, writes: str) -> None:
    found = cell_flow(Cell("c1", 1, "code", source))
    assert set(found.reads) == set(reads.split())
    assert set(found.writes) == set(writes.split())


@pytest.mark.parametrize(
    "source", ["exec(text)", "eval(text)", "dict(globals())", "'{x}'.format(**locals())", "dir()"]
)
def test_what_is_not_known_may_be_any_name(source: str) -> None:
    namespace = Namespace()
    for each in ("x = 1", "y = [2]"):
        namespace.run(cell_code(Cell("c1", 1, "code", each)).operations)
    effects = namespace.run(cell_code(Cell("c2", 2, "code", source)).operations)
    assert {"x", "y"} <= effects.reads.keys()
    assert not {"x", "y"} & effects.hard
