"""The serve cell becomes plain Python that answers alone as the notebook did."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import values
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.model import Serving
from tests.programs import Cells, new_namespace, notebook, run

MODEL = """\
class Model:
    def __init__(self):
        self.rate = 1

    def fit(self, rows):
        self.rate = len(rows)
        return self

    def predict(self, rows, plus=0):
        return [row * self.rate + plus for row in rows]"""


def serving(*cells: tuple[str, str]) -> Serving:
    found = compile_notebook(notebook(*cells)).serving
    assert found is not None
    return found


def answer(cells: Cells, found: Serving) -> tuple[Any, Any]:
    """Return what the notebook answered, and what the slice answers with the state alone."""
    whole = new_namespace()
    for cell in notebook(*cells).cells:
        if "serve" not in cell.tags:
            run(cell, whole)
    body, _, last = found.cell.source.rpartition("\n")
    exec(body, whole)
    rows = eval(found.example, whole)
    expected = eval(last, whole)
    alone = new_namespace()
    with tempfile.TemporaryDirectory() as folder:
        values.dump(whole, found.state, Path(folder) / "state")
        values.load(Path(folder) / "state", alone)
    exec(found.source, alone)
    return expected, alone[found.function](rows)


CASES: dict[str, tuple[Cells, str, str, str]] = {
    # cells, function, example, state
    "a method": (
        [
            ("functions", MODEL),
            ("step:train", "model = Model().fit([1, 2])"),
            ("serve", "model.predict([1, 2, 3])"),
        ],
        "predict", "[1, 2, 3]", "model",
    ),
    "a method with more arguments": (
        [
            ("functions", MODEL),
            ("step:train", "model = Model().fit([1, 2])\nextra = 10\nrows = [5]"),
            ("serve", "model.predict(rows, plus=extra)"),
        ],
        "predict", "rows", "extra model",
    ),
    "a function, what it needs, and constants": (
        [
            ("imports", "import math\nimport json\nfrom math import floor as down"),
            ("parameters", "shift = 1"),
            ("functions", "SCALE = 3\n\ndef grow(x):\n    return math.sqrt(x) * SCALE\n\n"
             "def unused():\n    return json"),
            ("step:a", "names = ['a']"),
            ("serve", "def predict(rows):\n    return [down(grow(r)) + shift + len(names) "
             "for r in rows]\n\nexamples = [4, 9]\npredict(examples)"),
        ],
        "predict", "examples", "SCALE names shift",
    ),
    "a function with more arguments": (
        [
            ("step:a", "k = 2"),
            ("serve", "def score(rows, k):\n    return [r * k for r in rows]\n\nscore([1], k)"),
        ],
        "predict", "[1]", "k",
    ),
    "a function given by keyword": (
        [("step:a", "def score(rows):\n    return rows"), ("serve", "score(rows=[1])")],
        "predict", "[1]", "",
    ),
    "a function that is a value": (
        [
            ("step:a", "from functools import partial\n"
             "add = partial(lambda a, b: [a + x for x in b], 1)"),
            ("serve", "add([1, 2])"),
        ],
        "predict", "[1, 2]", "add",
    ),
    "a name that is taken": (
        [
            ("step:a", "def predict(rows, k):\n    return rows * k"),
            ("serve", "predict([1], 2)"),
        ],
        "predict_rows", "[1]", "",
    ),
    "a class of the notebook": (
        [
            ("step:a", MODEL),
            ("step:b", "model = Model().fit([1])"),
            ("serve", "def predict(rows):\n    assert isinstance(model, Model)\n"
             "    return model.predict(rows)\npredict([3])"),
        ],
        "predict", "[3]", "Model model",
    ),
    "a value that holds a function": (
        [
            ("functions", "RATE = 4\ndef times(x):\n    return x * RATE"),
            ("step:a", "parts = [times]"),
            ("serve", "def predict(rows):\n    return [parts[0](r) for r in rows]\npredict([2])"),
        ],
        "predict", "[2]", "RATE parts",
    ),
    "a default that has changed since": (
        [
            ("step:a", "k = 1\ndef scale(x, by=k):\n    return x * by"),
            ("step:b", "k = 100"),
            ("serve", "def predict(rows):\n    return [scale(r) + k for r in rows]\npredict([2])"),
        ],
        "predict", "[2]", "k scale",
    ),
    "a submodule": (
        [
            ("imports", "import xml.dom"),
            ("step:a", "import xml.sax"),
            ("serve", "def predict(rows):\n    return xml.dom.__name__ + xml.sax.__name__\n"
             "predict([1])"),
        ],
        "predict", "[1]", "",
    ),
    "a decorated function": (
        [
            ("imports", "import functools"),
            ("functions", "def twice(f):\n    @functools.wraps(f)\n    def g(rows):\n"
             "        return f(f(rows))\n    return g"),
            ("step:a", "1"),
            ("serve", "@twice\ndef predict(rows):\n    return [r + 1 for r in rows]\npredict([1])"),
        ],
        "predict", "[1]", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "function", "example", "state"), CASES.values(), ids=CASES.keys()
)
def test_the_slice_answers_as_the_notebook(
    cells: Cells, function: str, example: str, state: str
) -> None:
    found = serving(*cells)
    assert (found.function, found.example) == (function, example)
    assert set(found.state) == set(state.split())
    assert list(found.state) == sorted(found.state)
    expected, got = answer(cells, found)
    assert got == expected


def test_the_slice_is_verbatim_and_in_the_notebook_s_order() -> None:
    found = serving(
        ("imports", "%matplotlib inline\nimport math  # exact\nimport json"),
        ("functions", "def grow(x):  # a comment\n    return math.sqrt( x )\n\nother = 1"),
        ("step:a", "examples = [4]"),
        ("serve", "def predict(rows):\n    return [grow(r) for r in rows]\npredict(examples)"),
    )
    assert found.source == (
        "import math\n\n\n"
        "def grow(x):  # a comment\n    return math.sqrt( x )\n\n\n"
        "def predict(rows):\n    return [grow(r) for r in rows]\n"
    )


def test_the_step_of_the_serve_cell_has_the_state() -> None:
    cells = [
        ("parameters", "shift = 1"),
        ("step:train", "model = [1]"),
        ("step:evaluate", "print(model)"),
    ]
    code = "def predict(rows):\n    return [r + shift + model[0] for r in rows]\npredict([1])"
    pipeline = compile_notebook(notebook(*cells, ("serve", code)))
    assert [step.name for step in pipeline.steps] == ["train", "evaluate", "serve"]
    assert pipeline.serving is not None
    assert pipeline.serving.step == "serve"
    assert pipeline.step("serve").inputs == {"model": "train"}
    assert pipeline.step("serve").parameters == ("shift",)

    tagged = compile_notebook(notebook(*cells, ("step:train serve", code)))
    assert tagged.serving is not None
    assert tagged.serving.step == "train"
    assert [cell.id for cell in tagged.step("train").cells] == ["c2", "c4"]


REFUSED: list[tuple[str, int | None, str]] = [
    ("x = 1", 1, "expression"),
    ("x = 1\nx", 2, "call"),
    ("predict()", 1, "example rows"),
    ("predict(*rows)", 1, "star"),
    ("predict([1], **options)", 1, "star"),
    ("rows[0](1)", 1, "neither"),
    ("predict(rows.sample(2))", 1, "examples = rows.sample(2)"),
    ("predict(-3.0, 6.0)", 1, "`-3.0`"),
]


@pytest.mark.parametrize(("source", "line", "words"), REFUSED)
def test_a_serve_cell_that_is_not_understood(source: str, line: int | None, words: str) -> None:
    before = "rows = [1]\noptions = {}\ndef predict(*rows):\n    return rows"
    with pytest.raises(MlopsError) as caught:
        serving(("step:a", before), ("serve", source))
    assert caught.value.code == "pipeline.serve"
    assert caught.value.place is not None
    assert (caught.value.place.cell, caught.value.place.line) == (2, line)
    assert words in str(caught.value)


def test_two_serve_cells_are_refused() -> None:
    with pytest.raises(MlopsError) as caught:
        serving(("step:a", "f = len"), ("serve", "f([1])"), ("serve", "f([1])"))
    assert caught.value.code == "pipeline.two-serve-cells"


def test_a_notebook_need_not_serve() -> None:
    assert compile_notebook(notebook(("step:a", "x = 1"))).serving is None
