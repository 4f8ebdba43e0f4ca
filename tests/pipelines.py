"""Pipelines made by hand, for tests of what comes after the compiler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_mlops.notebook.document import Cell, Notebook
from jupyter_mlops.notebook.parameters import Parameter
from jupyter_mlops.pipeline.model import Pipeline, Serving, Step


def cell(position: int, source: str, *tags: str) -> Cell:
    return Cell(f"id-{position}", position, "code", source, tags)


def parameter(name: str, default: Any, **more: Any) -> Parameter:
    kind = type(default).__name__
    return Parameter(name, default, more.get("type", kind), False, more.get("help", ""), 1)


def notebook(pipeline: Pipeline) -> Notebook:
    cells = {c.position: c for step in pipeline.steps for c in (*step.prelude, *step.cells)}
    return Notebook(
        Path(pipeline.notebook),
        pipeline.notebook,
        tuple(cells[position] for position in sorted(cells)),
        "python3",
        "python",
    )


def small() -> Pipeline:
    """Return a pipeline of three steps over plain Python, with a serve cell."""
    imports = cell(2, "%load_ext jupyter_mlops\nimport math", "imports")
    functions = cell(
        3,
        "class Model:\n"
        "    def predict(self, rows):\n"
        "        return [row * self.k for row in rows]\n"
        "\n"
        "def scale(x):\n"
        "    return x * factor",
        "functions",
    )
    load = cell(5, "rows = list(range(n))\nprint('loaded', len(rows))\nrows", "step:load")
    train = cell(6, "# %% fit\nmodel = Model()\nmodel.k = scale(2)", "step:train")
    score = cell(
        7, "score = sum(model.predict(rows)) / math.pi\nbest = 'x'", "step:check", "metrics"
    )
    serve = cell(8, "def answer(rows):\n    return model.predict(rows)\nanswer(rows[:2])", "serve")
    return Pipeline(
        name="small",
        notebook="notebooks/small.ipynb",
        notebook_digest="0" * 64,
        parameters=(parameter("factor", 3, help="what to | scale by"), parameter("n", 4)),
        steps=(
            Step("load", (load,), (imports,), parameters=("n",), outputs=("rows",)),
            Step("train", (train,), (functions,), parameters=("factor",), outputs=("model",)),
            Step(
                "check",
                (score, serve),
                (imports, functions),
                inputs={"rows": "load", "model": "train"},
                metrics=("score", "best"),
            ),
        ),
        serving=Serving(
            cell=serve,
            step="check",
            source=f"{functions.source}\n\n\ndef answer(rows):\n    return model.predict(rows)\n",
            function="answer",
            example="rows[:2]",
            state=("model",),
        ),
    )
