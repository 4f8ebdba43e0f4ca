"""Tagged notebooks become steps with the right cells, inputs, outputs and order; or errors."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import Notebook
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from tests.programs import Cells, new_namespace, notebook, run, run_step
from tests.support import calls


def compiled(*cells: tuple[str, str]) -> Pipeline:
    return compile_notebook(notebook(*cells))


def ids(cells: Any) -> list[str]:
    return [cell.id for cell in cells]


def values_at_the_end(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """Run all steps; return what each has in its names at the end, as text."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            step.name: _shown(run_step(pipeline, step, Path(folder))) for step in pipeline.steps
        }


def _shown(namespace: dict[str, Any]) -> dict[str, str]:
    return {name: repr(value) for name, value in namespace.items() if not name.startswith("__")}


# --- equal to the notebook: programs whose last cell makes `seen` --------------------------------

EQUAL: dict[str, Cells] = {
    "a plain chain": [
        ("step:a", "x = 1"),
        ("step:b", "y = x + 1"),
        ("step:c", "seen = (x, y)"),
    ],
    "an alias made in one step, used in the next": [
        ("step:a", "x = []\ny = x"),
        ("step:b", "x.append(1)"),
        ("step:c", "seen = (x, y, x is y)"),
    ],
    "an alias made in a step of its own": [
        ("step:a", "x = []"),
        ("step:b", "y = x"),
        ("step:c", "y.append(1)"),
        ("step:d", "x.append(2)"),
        ("step:e", "seen = (x, y)"),
    ],
    "an object inside a container": [
        ("step:a", "x = [0]\nbox = {'x': x}"),
        ("step:b", "box['x'].append(1)"),
        ("step:c", "seen = x"),
    ],
    "two steps that change one object in turn": [
        ("step:a", "d = {}"),
        ("step:b", "d['b'] = 1"),
        ("step:c", "d['c'] = len(d)"),
        ("step:d", "seen = d"),
    ],
    "a parameter that a step reassigns": [
        ("parameters", "n = 1"),
        ("step:a", "before = n"),
        ("step:b", "n = n * 10"),
        ("step:c", "seen = (before, n)"),
    ],
    "a parameter that a step changes in place": [
        ("parameters", "names = ['a']"),
        ("step:a", "names.append('b')"),
        ("step:b", "seen = names"),
    ],
    "an alias of a parameter": [
        ("parameters", "names = ['a']"),
        ("step:a", "more = names"),
        ("step:b", "more.append('b')"),
        ("step:c", "seen = (names, more)"),
    ],
    "parameters that differ by case": [
        ("parameters", "n = 1\nN = 2"),
        ("step:a", "x = n - N"),
        ("step:b", "seen = (x, n, N)"),
    ],
    "a closure": [
        ("step:a", "def make(k):\n    def add(x):\n        return x + k + base\n    return add"),
        ("step:b", "base = 100\nadd = make(1)"),
        ("step:c", "seen = add(10)"),
    ],
    "a closure that counts": [
        ("step:a", "def make():\n    n = 0\n    def f():\n        nonlocal n\n        n += 1\n"
         "        return n\n    return f\nf = make()"),
        ("step:b", "x = f()"),
        ("step:c", "y = f()"),
        ("step:d", "seen = (x, y, f())"),
    ],
    "a global that a function sets": [
        ("step:a", "total = 0\ndef add(x):\n    global total\n    total += x"),
        ("step:b", "add(1)"),
        ("step:c", "add(2)"),
        ("step:d", "seen = total"),
    ],
    "a function that changes its argument": [
        ("functions", "def mark(d):\n    d['m'] = 1"),
        ("step:a", "d = {}"),
        ("step:b", "mark(d)"),
        ("step:c", "seen = d"),
    ],
    "a comprehension's own variable": [
        ("step:a", "x = 5\nxs = [x for x in range(3)]"),
        ("step:b", "ys = [x for x in xs]"),
        ("step:c", "seen = (x, ys)"),
    ],
    "a conditional redefinition": [
        ("parameters", "fast = False"),
        ("step:a", "limit = 3"),
        ("step:b", "if fast:\n    limit = 1"),
        ("step:c", "seen = limit"),
    ],
    "a conditional definition of a function": [
        ("step:a", "def f():\n    return 1"),
        ("step:b", "if False:\n    def f():\n        return 2"),
        ("step:c", "seen = f()"),
    ],
    "a star import": [
        ("step:a", "from math import *"),
        ("step:b", "seen = floor(sqrt(17)) + pi"),
    ],
    "modules imported in steps": [
        ("step:a", "import os.path, json as j\nfrom math import sqrt as root\nx = root(4)"),
        ("step:b", "import os"),
        ("step:c", "seen = (os.path.join('a', 'b'), j.dumps(x), root(9))"),
    ],
    "a submodule imported in another step": [
        ("step:a", "import xml.dom"),
        ("step:b", "import xml.sax"),
        ("step:c", "seen = (xml.dom.__name__, xml.sax.__name__)"),
    ],
    "an import that may fail": [
        ("step:a", "try:\n    import not_there\nexcept ImportError:\n    not_there = None"),
        ("step:b", "seen = not_there"),
    ],
    "a function that reads what a later step sets": [
        ("functions", "def f():\n    return k"),
        ("step:a", "k = 1\nx = f()"),
        ("step:b", "k = 2"),
        ("step:c", "seen = (x, f())"),
    ],
    "a functions cell that needs a step at once": [
        ("step:a", "k = 7"),
        ("functions", "def f(x=k):\n    return x"),
        ("step:b", "k = 8"),
        ("step:c", "seen = (f(), k)"),
    ],
    "a functions cell that is redefined": [
        ("functions", "def f():\n    return 1"),
        ("step:a", "x = f()"),
        ("functions", "def f():\n    return 2"),
        ("step:b", "seen = (x, f())"),
    ],
    "a functions cell between the cells of a step": [
        ("step:a", "k = 3"),
        ("functions", "f = [k]"),
        ("step:a", "k = 4\nx = f[0]"),
        ("step:b", "seen = (x, f, k)"),
    ],
    "a state in an imports cell": [
        ("imports", "results = {}\nalso = results"),
        ("step:a", "results['a'] = 1"),
        ("step:b", "results['b'] = 2"),
        ("step:c", "seen = (results, also)"),
    ],
    "a decorator that registers": [
        ("step:a", "table = {}\ndef keep(f):\n    table[f.__name__] = f\n    return f"),
        ("step:b", "rate = 3\n@keep\ndef triple(x):\n    return x * rate"),
        ("step:c", "seen = table['triple'](2)"),
    ],
    "a function inside an object": [
        ("step:a", "rate = 2\nparts = [('double', lambda x: x * rate)]"),
        ("step:b", "seen = parts[0][1](4)"),
    ],
    "a class and its instances": [
        ("functions", "class Box:\n    kind = 'box'\n    def __init__(self, n):\n"
         "        self.n = n\n"
         "    def more(self):\n        self.n += step\n        return self.n"),
        ("step:a", "step = 5\nb = Box(1)"),
        ("step:b", "x = b.more()"),
        ("step:c", "seen = (x, b.n, isinstance(b, Box), b.kind)"),
    ],
    "a class made in a step": [
        ("step:a", "class A:\n    pass\na = A()"),
        ("step:b", "b = A()"),
        ("step:c", "seen = (isinstance(a, A), isinstance(b, A), type(a) is type(b))"),
    ],
    "a generator's consumer": [
        ("step:a", "xs = (i for i in range(5))\nfirst = next(xs)\nrest = list(xs)"),
        ("step:b", "seen = (first, rest)"),
    ],
    "a random generator that is drawn from": [
        ("step:a", "import random\nrng = random.Random(0)"),
        ("step:b", "x = rng.random()"),
        ("step:c", "y = rng.random()"),
        ("step:d", "seen = (x, y, rng.random())"),
    ],
    "unpacking, walrus, star": [
        ("step:a", "a, (b, *c) = 1, (2, 3, 4)\n(d := c)"),
        ("step:b", "d.append(a)"),
        ("step:c", "seen = (a, b, c, d)"),
    ],
    "deletion": [
        ("step:a", "x = [1]\ny = x\ndel x"),
        ("step:b", "y.append(2)\nx = 3"),
        ("step:c", "seen = (x, y)"),
    ],
    "match captures": [
        ("step:a", "match [1, 2, 3]:\n    case [one, *rest]:\n        pass"),
        ("step:b", "seen = (one, rest)"),
    ],
    "an untagged first cell": [
        ("", "base = 2"),
        ("step:a", "x = base + 1"),
        ("step:b", "seen = (x, base)"),
    ],
    "untagged imports": [
        ("", "import math\nimport json"),
        ("step:a", "x = math.floor(2.5)"),
        ("step:b", "seen = json.dumps(x)"),
    ],
    "names of builtins": [
        ("step:a", "list = [1]\nid = 5\nx = max(list)"),
        ("step:b", "seen = (list, id, x, len(list))"),
    ],
    "a default that is an object": [
        ("step:a", "def f(x, seen_before=[]):\n    seen_before.append(x)\n"
         "    return list(seen_before)\nf(1)"),
        ("step:b", "f(2)"),
        ("step:c", "seen = f(3)"),
    ],
    "Kale's tags": [
        ("imports", "import math"),
        ("pipeline-parameters", "n = 4"),
        ("functions", "def half(x):\n    return x / 2"),
        ("step:load", "x = n"),
        ("step:left prev:load", "l = half(x)"),
        ("step:right prev:load", "r = math.sqrt(x)"),
        ("step:join prev:left prev:right", "acc = l + r"),
        ("pipeline-metrics", "print(acc)"),
        ("step:end prev:join", "seen = acc"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("cells", EQUAL.values(), ids=EQUAL.keys())
def test_the_pipeline_leaves_what_the_notebook_leaves(cells: Cells) -> None:
    book = notebook(*cells)
    whole = new_namespace()
    for cell in book.cells:
        run(cell, whole)
    pipeline = compile_notebook(book)
    assert values_at_the_end(pipeline)[pipeline.steps[-1].name]["seen"] == repr(whole["seen"])


# --- what steps are given -----------------------------------------------------------------------


def test_a_whole_notebook() -> None:
    pipeline = compiled(
        ("imports", "import math"),
        ("parameters", "depth: int = 6  # how deep\nscale = 2.0"),
        ("functions", "def area(r):\n    return math.pi * r * scale"),
        ("step:load", "rows = [1, 2, 3]"),
        ("step:train", "model = [area(r) for r in rows][:depth]"),
        ("metrics", "size = len(model)"),
        ("step:report after:load", "print(model)"),
        ("skip", "nonsense ="),
        ("test", "assert model"),
    )
    assert pipeline.name == "book"
    assert [parameter.name for parameter in pipeline.parameters] == ["depth", "scale"]
    load, train, report = pipeline.steps
    assert load == Step("load", load.cells, outputs=("rows",))
    assert ids(train.cells) == ["c5", "c6"]
    assert ids(train.prelude) == ["c1", "c3"]
    assert train.inputs == {"rows": "load"}
    assert train.parameters == ("depth", "scale")
    assert train.outputs == ("model",)
    assert train.metrics == ("size",)
    assert report.inputs == {"model": "train"}
    assert report.after == ()  # it follows from the data
    assert report.prelude == ()
    assert pipeline.notices == ()
    assert pipeline.step("train") is train


def test_only_what_is_needed_travels() -> None:
    pipeline = compiled(
        ("imports", "import math"),
        ("imports", "import json"),
        ("functions", "def used(x):\n    return helper(x)\ndef helper(x):\n    return x"),
        ("functions", "def unused():\n    return json"),
        ("step:a", "x, y, z = 1, 2, 3"),
        ("step:b", "seen = used(x)"),
        ("step:c", "math.sqrt(y)"),
    )
    a, b, c = pipeline.steps
    assert a.outputs == ("x", "y")
    assert (ids(a.prelude), ids(b.prelude), ids(c.prelude)) == ([], ["c3"], ["c1"])


def test_import_statements_of_other_steps_are_repeated() -> None:
    pipeline = compiled(
        ("step:a", "import math, json\nimport os.path\nx = 1"),
        ("step:b", "print(math.pi, os.path.sep)"),
    )
    (cell,) = pipeline.step("b").prelude
    assert cell.source == "import math, json\nimport os.path"
    assert (cell.position, cell.id) == (1, "c1-imports")
    assert pipeline.step("a").outputs == ()


def test_a_parameter_is_the_changed_one_after_a_step_changes_it() -> None:
    pipeline = compiled(
        ("parameters", "n = 1"), ("step:a", "n += 1"), ("step:b", "print(n)"), ("step:c", "m = n")
    )
    a, b, c = pipeline.steps
    assert (a.parameters, a.outputs) == (("n",), ("n",))
    assert (b.parameters, b.inputs, c.inputs) == ((), {"n": "a"}, {"n": "a"})


def test_independent_steps_do_not_wait_for_each_other() -> None:
    pipeline = compiled(
        ("step:load", "data = [1, 2]"),
        ("step:left", "l = sum(data)"),
        ("step:right", "r = max(data)"),
        ("step:join", "print(l + r)"),
    )
    assert [step.upstream for step in pipeline.steps] == [
        (),
        ("load",),
        ("load",),
        ("left", "right"),
    ]


def test_steps_that_meet_in_files_keep_their_order() -> None:
    pipeline = compiled(
        ("step:a", "open('x.txt', 'w').write('1')"),
        ("step:b", "y = 1"),
        ("step:c", "z = open('x.txt').read()"),
        ("step:d", "open('x.txt', 'w').write('2')"),
        ("step:e after:d", "print(open('x.txt').read())"),
    )
    assert [step.after for step in pipeline.steps] == [(), (), ("a",), ("c",), ("d",)]


def test_after_may_name_a_later_step() -> None:
    pipeline = compiled(("step:a after:b", "x = 1"), ("step:b", "y = 1"))
    assert [step.name for step in pipeline.steps] == ["b", "a"]


def test_cells_that_set_up_the_session_run_before_every_step() -> None:
    pipeline = compiled(
        ("imports", "import sys\nsys.path.append('../src')"),
        ("imports", "import math"),
        ("step:a", "x = 1"),
        ("step:b", "y = math.pi"),
    )
    assert [ids(step.prelude) for step in pipeline.steps] == [["c1"], ["c1", "c2"]]


@pytest.mark.parametrize(
    "source",
    ["%matplotlib inline\nimport math", "import warnings\nwarnings.simplefilter('ignore')"],
)
def test_untagged_cells_that_set_up_the_session_count_as_imports(source: str) -> None:
    pipeline = compiled(("", source), ("step:a", "x = 1"))
    assert ids(pipeline.step("a").prelude) == ["c1"]
    assert "imports" in pipeline.notices[0].message


def test_cells_that_only_talk_to_us_are_left_out() -> None:
    pipeline = compiled(
        ("", "%load_ext jupyter_mlops"), ("step:a", "x = 1"), ("", "# now\n%mlops promote")
    )
    assert ids(pipeline.step("a").cells) == ["c2"]


def test_untagged_cells_join_with_a_notice() -> None:
    pipeline = compiled(("", "a = 1"), ("step:x", "b = a"), ("", "c = b"), ("", "# nothing"))
    assert ids(pipeline.step("x").cells) == ["c1", "c2", "c3"]
    assert [(n.place.cell, "joins the step `x`" in n.message) for n in pipeline.notices] == [
        (1, True),
        (3, True),
    ]


def test_a_setting_of_a_module_in_a_step_is_repeated_and_told() -> None:
    pipeline = compiled(
        ("step:a", "import os\nos.environ['A'] = '1'"), ("step:b", "print(os.environ['A'])")
    )
    assert [cell.source for cell in pipeline.step("b").prelude] == [
        "import os\nos.environ['A'] = '1'"
    ]
    assert "`os`" in pipeline.notices[0].message
    assert pipeline.notices[0].place.line == 2


def test_names_that_a_script_may_define_come_from_the_cell_that_runs_it() -> None:
    pipeline = compiled(("step:a", "%run setup.py"), ("step:b", "print(from_setup)"))
    assert pipeline.step("b").inputs == {"from_setup": "a"}


def test_metrics_are_named_by_assignment_and_by_print() -> None:
    pipeline = compiled(
        ("step:a", "acc = 1\nloss = 2"),
        ("metrics", "import math\nmae = math.sqrt(acc)\n_t = 1"),
        ("pipeline-metrics", "print(acc)\nloss"),
    )
    assert pipeline.step("a").metrics == ("mae", "acc", "loss")


@pytest.mark.parametrize(
    ("file", "name"),
    [("My Flights (2).ipynb", "my-flights-2"), ("---.ipynb", "notebook"), ("a_b.ipynb", "a-b")],
)
def test_the_pipeline_is_named_after_the_notebook(file: str, name: str) -> None:
    assert compile_notebook(notebook(("step:a", "x = 1"), path=Path(file))).name == name


# --- errors -------------------------------------------------------------------------------------

ERRORS: list[tuple[str, Cells, str, int | None, int | None, str]] = [
    ("no tags", [("", "x = 1")], "pipeline.no-tags", None, None, "step:load"),
    (
        "two mistyped names",
        [("step:a", "frame = 1"), ("step:b", "y = 1\nprint(frme)")],
        "pipeline.undefined-name", 2, 2, "did you mean `frame`?",
    ),
    (
        "a later cell",
        [("step:a", "print(x)"), ("step:b", "x = 1")],
        "pipeline.undefined-name", 1, 1, "move cell 2 above cell 1",
    ),
    (
        "a skipped cell",
        [("step:a", "y = 1"), ("skip", "x = 1"), ("step:b", "print(x)")],
        "pipeline.undefined-name", 3, 1, "tag `skip`",
    ),
    (
        "a deleted name",
        [("step:a", "x = 1"), ("step:b", "del x"), ("step:c", "print(x)")],
        "pipeline.undefined-name", 3, 1, "del x",
    ),
    (
        "a functions cell that needs what is nowhere",
        [("functions", "def f(x=nowhere):\n    return x"), ("step:a", "f()")],
        "pipeline.undefined-name", 1, 1, "nowhere",
    ),
    ("a step of nobody", [("step:a after:b", "x = 1")], "pipeline.nothing-feeds", 1, None, "a"),
    ("prev of nobody", [("step:a prev:b", "x = 1")], "pipeline.nothing-feeds", 1, None, "a"),
    ("no Python", [("step:a", "x = 1\ny = ")], "pipeline.syntax", 1, 2, "mend"),
    ("upper case", [("step:LoadData", "x = 1")], "pipeline.step-name", 1, None, "step:load-data"),
    ("no name", [("step:a", "x = 1"), ("step:", "x = 1")], "pipeline.step-name", 2, None, ""),
    ("a path", [("step:../x", "x = 1")], "pipeline.step-name", 1, None, "step:x"),
    (
        "names that images confuse",
        [("step:a-b", "x = 1"), ("step:a_b", "x = 1")],
        "pipeline.step-name", 2, None, "different",
    ),
    ("two steps", [("step:a step:b", "x = 1")], "pipeline.two-roles", 1, None, "one"),
    (
        "a served import",
        [("imports serve", "f(1)"), ("step:a", "1")],
        "pipeline.two-roles", 1, None, "serve",
    ),
    (
        "a cycle by data",
        [("step:a", "x = 1"), ("step:b", "y = x"), ("step:a", "z = y")],
        "pipeline.cycle", 1, None, "same step tag",
    ),
    (
        "a cycle by tags",
        [("step:a after:b", "x = 1"), ("step:b after:a", "y = 1")],
        "pipeline.cycle", 1, None, "after:",
    ),
    (
        "a step that goes on after its reader",
        [("step:a", "x = 1"), ("step:b", "y = x"), ("step:a", "x = 2")],
        "pipeline.entangled", 2, 1, "same step",
    ),
    (
        "siblings that change one frame",
        [
            ("step:a", "df = {}"),
            ("step:b after:a", "df['b'] = 1"),
            ("step:c after:a", "x = 1\ndf['c'] = 1"),
        ],
        "pipeline.unordered", 3, 2, "after:b",
    ),
    (
        "history of outputs",
        [("step:a", "1 + 1"), ("step:b", "x = _1")],
        "pipeline.hidden-output", 2, 1, "name",
    ),
    (
        "two parameters cells",
        [("parameters", "a = 1"), ("parameters", "b = 1"), ("step:a", "1")],
        "parameters.two-cells", 2, None, "cell 1",
    ),
    (
        "computed parameters",
        [("parameters", "a = 1\nb = a + f()"), ("step:a", "1")],
        "parameters.not-plain", 1, 2, "plain",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "code", "cell", "line", "words"),
    [each[1:] for each in ERRORS],
    ids=[each[0] for each in ERRORS],
)
def test_errors_name_the_place_and_what_to_do(
    cells: Cells, code: str, cell: int | None, line: int | None, words: str
) -> None:
    with pytest.raises(MlopsError) as caught:
        compiled(*cells)
    error = caught.value
    assert error.code == code
    assert error.place is not None
    assert (error.place.notebook, error.place.cell, error.place.line) == ("book.ipynb", cell, line)
    assert words in str(error)
    assert error.hint


def test_twice_the_cells_are_about_twice_the_work() -> None:
    few, many = (_cells_with_functions(count) for count in (25, 50))
    assert calls(lambda: compile_notebook(many)) < 3 * calls(lambda: compile_notebook(few))


def _cells_with_functions(count: int) -> Notebook:
    functions = "\n".join(f"def f{i}(d, k):\n    d = dict(d)\n    return d" for i in range(20))
    body = (
        "part{i} = f{j}(data, k={i})\ndata['c{i}'] = len(part{i})\n"
        "for key in list(data):\n    if key.startswith('c'):\n        data[key] += depth\n"
        "totals = [v for v in data.values() if v > {i}]\nprint(f'{{totals[-1:]}}')"
    )
    cells = [("parameters", "depth = 1"), ("functions", functions), ("step:s0", "data = {}")]
    cells += [
        (f"step:s{i // 5}" if i % 5 == 0 else "", body.format(i=i, j=i % 20))
        for i in range(5, count + 2)
    ]
    book = notebook(*cells)
    assert len(book.cells) == count
    return book
