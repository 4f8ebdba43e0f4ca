"""A notebook's pipeline run here: what is unchanged is not run again, and failures are resumed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.capture.processes import SWITCH
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.run import LocalRun, find, run, runs
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.store import Store
from tests.kernels import start_kernel
from tests.support import write_notebook

CELLS = [
    ("parameters", "factor = 2"),
    ("step:load", "import csv\nrows = [int(r[0]) for r in csv.reader(open('data.csv'))]"),
    ("step:scale", "from helper import scale\nscaled = [scale(row, factor) for row in rows]"),
    ("step:report metrics", "total = sum(scaled)"),
    ("step:note", "with open('note.txt', 'a') as note:\n    note.write('ran ')\nnoted = len(rows)"),
    ("step:last", "last = noted + total"),
]


@pytest.fixture
def book(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(SWITCH, "off")  # `Store.sync` does the writer's work here
    (project_root / "data.csv").write_text("1\n2\n3\n")
    (project_root / "helper.py").write_text("def scale(x, by):\n    return x * by\n")
    return write_notebook(project_root / "book.ipynb", CELLS)


def go(book: Path, **options: Any) -> LocalRun:
    return drain(run(book, **options))


def ran(found: LocalRun) -> set[str]:
    return {name for name, each in found.steps.items() if not each["cached"]}


def test_only_what_has_changed_runs_again(book: Path) -> None:
    first = go(book)
    assert first.status == "ok"
    assert first.metrics == {"total": 12}
    assert ran(first) == {"load", "scale", "report", "note", "last"}
    # A step that writes files runs each time.
    assert ran(go(book)) == {"note"}
    changed = go(book, parameters={"factor": 3})
    assert (ran(changed), changed.metrics) == ({"scale", "report", "note", "last"}, {"total": 18})
    (book.parent / "helper.py").write_text("def scale(x, by):\n    return x * by + 1\n")
    helped = go(book)
    assert (ran(helped), helped.metrics) == ({"scale", "report", "note", "last"}, {"total": 15})
    (book.parent / "data.csv").write_text("4\n")
    loaded = go(book)
    assert (loaded.metrics, "load" in ran(loaded)) == ({"total": 9}, True)
    assert ran(go(book, cached=False)) == {"load", "scale", "report", "note", "last"}


def test_a_failed_run_goes_on_from_the_failed_step(book: Path) -> None:
    cells = [*CELLS[:-1], ("step:last", "last = noted + [total][1]")]
    write_notebook(book, cells)
    with pytest.raises(MlopsError) as caught:
        go(book, parameters={"factor": 5})
    assert caught.value.code == "step.failed"
    assert caught.value.place is not None
    assert (caught.value.place.cell, caught.value.place.line) == (6, 1)
    assert find(Project.find(book), "latest").status == "failed"
    write_notebook(book, CELLS)
    resumed = go(book, resume="latest")
    assert (resumed.status, resumed.parameters) == ("ok", {"factor": 5})
    assert ran(resumed) == {"last"}, "the step that writes was taken over as well"
    assert (book.parent / "note.txt").read_text() == "ran "
    with pytest.raises(MlopsError) as caught:
        go(book, resume="nothing-of-that-name")
    assert caught.value.code == "run.unknown"
    assert [each.status for each in runs(Project.find(book))] == ["ok", "failed"]


def test_runs_stand_in_the_store(book: Path) -> None:
    go(book)
    go(book, parameters={"factor": 4})
    write_notebook(book, [*CELLS[:-1], ("step:last", "1 / 0")])
    with pytest.raises(MlopsError):
        go(book)
    store = Store(Project.find(book))
    store.sync()
    failed, second, first = store.runs()
    assert [each.kind for each in (first, second, failed)] == ["pipeline"] * 3
    assert [each.status for each in (first, second, failed)] == ["FINISHED", "FINISHED", "FAILED"]
    assert (first.metrics, second.metrics) == ({"total": 12}, {"total": 24})
    assert (first.parameters, second.parameters) == ({"factor": "2"}, {"factor": "4"})
    assert [each.name for each in runs(Project.find(book))] == [
        each.run for each in (failed, second, first)
    ]
    tags = store.client.get_run(second.mlflow_id).data.tags
    steps = json.loads(tags["mlops.steps"])
    assert {name for name, each in steps.items() if each["cached"]} == {"load"}
    assert steps["scale"]["seconds"] > 0


def test_a_run_waits_for_no_store(book: Path) -> None:
    code = "import sys; from jupyter_mlops.faces.cli import main\n"
    code += "try: main(['run', 'book.ipynb'], prog_name='x')\n"
    code += "finally: print('mlflow' in sys.modules, 'sqlalchemy' in sys.modules)"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=book.parent, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "False False"


def test_debug_puts_the_failed_steps_inputs_into_the_kernel(book: Path) -> None:
    cells = [*CELLS[:3], ("step:report metrics", "total = sum(scaled) / (factor - 2)")]
    write_notebook(book, cells)
    with pytest.raises(MlopsError):
        go(book)
    with start_kernel(book.parent, {}) as kernel:
        kernel.run("%load_ext jupyter_mlops")
        kernel.run("factor = 'mine'")
        _, said = kernel.run("print((get_ipython().run_line_magic('mlops', 'debug')).text())")
        _, there = kernel.run("print(scaled, factor, factor_before_debug)")
    assert "ZeroDivisionError" in said
    assert "cell 4, line 1" in said
    assert "[2, 4, 6] 2 mine" in there
