"""What depends on draws without a seed, by the dataflow of cells."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.notebook.observed import ObservedCell, ObservedFlow, source_digest
from jupyter_mlops.pipeline.downstream import trace_chance
from tests.programs import notebook

IMPORTS = "import os, random, uuid\nimport numpy as np\nfrom functools import partial"


def traced(*cells: str, folder: Path | None = None, flow: ObservedFlow | None = None) -> set[str]:
    """Return the names that are random after the last of these cells."""
    book = notebook(*(("", source) for source in (IMPORTS, *cells)))
    found = trace_chance(book.code_cells, str(folder) if folder else None, flow)
    return set(found[book.code_cells[-1].id].names)


@pytest.mark.parametrize(
    ("cells", "random"),
    [
        (["a = random.random()", "b = a + 1", "c = 3"], {"a", "b"}),
        (["a, b = random.random(), 5"], {"a"}),
        (["a = random.random()", "b, c = a, 5"], {"a", "b"}),
        (["a = random.random()", "a = 1"], set()),
        (["a = random.random()", "if 1 > 2:\n    a = 1"], {"a"}),
        (["a = random.random()", "del a"], set()),
        (["random.seed(0)", "a = random.random()"], set()),
        (["random.seed(0)", "a = np.random.rand()"], {"a"}),
        (["a = random.random()\nrandom.seed(0)", "b = random.random()"], {"a"}),
        # functions draw when they are called, wherever they are written
        (["def f():\n    return random.random()", "random.seed(0)", "a = f()"], set()),
        (["def f():\n    return random.random()", "a = f()", "random.seed(0)", "b = f()"], {"a"}),
        (["def f():\n    return random.random()", "def g():\n    return f()", "a = g()"], {"a"}),
        (["def f(x):\n    return x", "a = f(1)"], set()),
        (["f = lambda: random.random()", "b = 1", "a = f()"], {"a"}),
        (["f = partial(random.randint, 0)", "a = 1"], set()),
        (["class D:\n    def go(self):\n        return random.random()", "a = D().go()"], {"a"}),
        (["def sow():\n    random.seed(3)", "sow()", "a = random.random()"], set()),
        (["def f():\n    random.seed(1)\n    return random.random()", "a = f()"], set()),
        # a seed that is random, and a generator that is asked as often as chance has it
        (["random.seed(os.urandom(4))", "a = random.random()"], {"a"}),
        (["n = uuid.uuid4().int", "np.random.seed(n % 9)", "a = np.random.rand()"], {"n", "a"}),
        (
            [
                "n = random.randint(1, 3)",
                "random.seed(0)",
                "for _ in range(n):\n    random.random()",
                "a = random.random()",
            ],
            {"n", "_", "a"},
        ),
        (["n = random.random()", "random.seed(0)\na = n + random.random()", "b = random.random()"],
         {"n", "a"}),
        # changes in place, through other names too
        (["a = []\nb = a", "a.append(random.random())", "c = len(b)"], {"a", "b", "c"}),
        (["a = [random.random()]", "b = []", "b.append(a)"], {"a", "b"}),
        (["g = np.random.default_rng()", "a = g.normal()"], {"g", "a"}),
        (["g = np.random.default_rng(0)", "a = g.normal()"], set()),
        # files
        (["with open('a.txt', 'w') as f:\n    f.write(str(random.random()))",
          "a = open('a.txt').read()", "b = open('b.txt').read()"], {"f", "a"}),
    ],
)  # fmt: skip
def test_names_that_depend_on_chance(cells: list[str], random: set[str]) -> None:
    assert traced(*cells) == random


def test_estimators_draw_when_they_are_fitted() -> None:
    made = "from sklearn.ensemble import IsolationForest as F\nm = F()\nk = F(random_state=0)"
    fitted = "k.fit(X, y)\nm.fit(X, y)"
    assert traced("X, y = [[0], [1]], [0, 1]", made) == set()
    assert traced("X, y = [[0], [1]], [0, 1]", made, fitted, "p = m.predict(X)") == {"m", "p"}


def test_the_draw_is_known_with_its_cell_and_line() -> None:
    book = notebook(
        ("", "import random"),
        ("", "def handful(n):\n    print('one')\n    return random.randint(0, n)"),
        ("", "first = handful(9)"),
        ("", "left = 9 - first"),
    )
    found = trace_chance(book.code_cells)
    (source,) = found["c4"].names["left"]
    assert (source.cell.position, source.draw.line, source.draw.name) == (2, 3, "random.randint")
    assert [bool(sources) for _, sources in found["c4"].statements] == [True]
    assert found["c2"].sources == ()


def test_modules_beside_the_notebook_draw_too(tmp_path: Path) -> None:
    (tmp_path / "dice.py").write_text("import random\ndef roll():\n    return random.random()\n")
    cells = ["from dice import roll", "a = roll()", "random.seed(1)", "b = roll()"]
    assert traced(*cells, folder=tmp_path) == {"a"}
    assert traced(*cells) == set()


def test_what_a_cell_was_seen_to_change_counts() -> None:
    sources = ["a = random.random()", "exec('b = a')", "c = b"]
    seen = ObservedCell("c3", source_digest(sources[1]), reads=("a",), binds=("b",))
    assert traced(*sources, flow=ObservedFlow((seen,))) == {"a", "b", "c"}


NAMES = st.sampled_from("abcd")
STATEMENTS = st.one_of(
    st.builds("{0} = random.random()".format, NAMES),
    st.builds("{0} = {1} + 1".format, NAMES, NAMES),
    st.builds("{0} = {1}".format, NAMES, NAMES),
    st.builds("{0} = 1.0".format, NAMES),
    st.builds("{0} = half({1})".format, NAMES, NAMES),
    st.builds("{0} = noisy({1})".format, NAMES, NAMES),
    st.builds("if {0} > 0.5:\n    {1} = 2.0".format, NAMES, NAMES),
    st.just("random.seed(7)"),
    st.builds("random.seed({0})".format, NAMES),
)
BEFORE = (
    "import random\na = b = c = d = 0.25\n"
    "def half(x):\n    return x / 2\n"
    "def noisy(x):\n    return x + random.random()"
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=8))
def test_what_is_not_random_is_the_same_in_every_run(statements: list[str]) -> None:
    book = notebook(("", BEFORE), *(("", each) for each in statements))
    found = trace_chance(book.code_cells)
    runs = []
    for start in (1, 2, 3):
        space = {}
        exec(BEFORE, space)
        space["random"].seed(start)
        for each in statements:
            exec(each, space)
        runs.append({name: space[name] for name in "abcd"})
    random = set(found[book.code_cells[-1].id].names)
    for name in set("abcd") - random:
        assert runs[0][name] == runs[1][name] == runs[2][name], name
