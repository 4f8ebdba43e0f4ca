"""The local target and the step runtime, as processes: what runs, what it leaves, how it fails."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops import values
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import read
from jupyter_mlops.notebook.parameters import read_parameters
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.generate import generate
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.prove import compare, reference_plan
from jupyter_mlops.pipeline.targets import PipelineRun
from jupyter_mlops.pipeline.targets.local import LocalTarget
from jupyter_mlops.progress import Event, drain
from tests.pipelines import cell, notebook, small
from tests.support import write_notebook


def run(
    pipeline: Pipeline, folder: Path, events: list[Event] | None = None, **given: Any
) -> PipelineRun:
    """Generate a pipeline below ``folder`` and run it there."""
    generate(pipeline, notebook(pipeline), folder / "pipeline")
    progress = LocalTarget().run(pipeline, folder / "pipeline", folder / "work", given, cwd=folder)
    return drain(progress, events.append if events is not None else None)


def steps(*sources: str, prelude: str = "", **more: Any) -> Pipeline:
    """Return a pipeline of steps s1, s2, …, that need nothing of one another."""
    before = (cell(1, prelude, "imports"),) if prelude else ()
    made = tuple(
        Step(f"s{n}", (cell(n + 1, source, f"step:s{n}"),), before, **more)
        for n, source in enumerate(sources, 1)
    )
    return Pipeline("plain", "notebooks/plain.ipynb", "0", (), made)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[PipelineRun, list[Event]]:
    events: list[Event] = []
    return run(small(), tmp_path_factory.mktemp("small"), events, n=3), events


def test_steps_run_in_their_order_and_tell_so(done: tuple[PipelineRun, list[Event]]) -> None:
    result, events = done
    assert list(result.steps) == ["load", "train", "check"]
    assert {step.status for step in result.steps.values()} == {"ok"}
    told = [(event.message, event.status) for event in events]
    assert told[-1] == ("check is done", "done")
    assert told.index(("load is done", "done")) < told.index(("running check", "started"))
    assert all(event.seconds for event in events if event.status == "done")


def test_a_step_leaves_outputs_metrics_and_what_is_served(
    done: tuple[PipelineRun, list[Event]],
) -> None:
    result, _ = done
    assert result.metrics == {"score": pytest.approx(18 / 3.14159265, rel=1e-6)}
    received: dict[str, Any] = {}
    values.load(result.steps["check"].folder / "serving", received)
    assert received["example"] == [0, 1]
    assert received["predictions"] == [0, 6]
    assert received["model"].k == 6
    assert set(result.steps["load"].outputs) == {"rows"}
    assert (result.steps["load"].folder / "log.txt").read_text() == "loaded 3\n"


def test_the_executed_notebook_is_valid_and_has_the_outputs(
    done: tuple[PipelineRun, list[Event]],
) -> None:
    result, _ = done
    executed = nbformat.read(result.steps["load"].executed, as_version=4)
    nbformat.validate(executed)
    (loaded,) = [each for each in executed.cells if each.id == "id-5"]
    assert [output.output_type for output in loaded.outputs] == ["stream", "execute_result"]
    assert loaded.outputs[0].text == "loaded 3\n"
    assert loaded.outputs[1].data["text/plain"] == "[0, 1, 2]"
    (given,) = [
        each for each in executed.cells if "injected-parameters" in each.metadata.get("tags", [])
    ]
    assert given.source == "factor = 3\nn = 3"


def test_nothing_is_left_beside_what_is_promised(done: tuple[PipelineRun, list[Event]]) -> None:
    result, _ = done
    left = {path.name for path in result.steps["load"].folder.iterdir()}
    assert left == {"outputs", "executed.ipynb", "result.json", "log.txt"}


def failing(folder: Path, source: str, prelude: str = "") -> MlopsError:
    with pytest.raises(MlopsError) as caught:
        run(steps("ok = 1", source, prelude=prelude), folder)
    return caught.value


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("x = 1\n\n1 / 0", 3, "ZeroDivisionError: division by zero"),
        ("def f(v):\n    return [][v]\n\nf(1)", 2, "IndexError: list index out of range"),
        ("x = 1\nif x\n    pass", 2, "SyntaxError"),
        ("import json\njson.loads('{')", 2, "JSONDecodeError"),
        ("raise SystemExit('enough')", 1, "SystemExit: enough"),
        ("x = 1\nnever", 2, "NameError: name 'never' is not defined"),
        ("%nosuchmagic", 1, "UsageError"),
        ("\n\nx = 1\n1 / 0", 4, "ZeroDivisionError"),
        ("%%time\nx = 1\n1 / 0", 3, "ZeroDivisionError"),
        ("%%time\nx = 1\ny = (", 3, "SyntaxError"),
        ("def f():\n    return 1 / 0\n%time f()", 2, "ZeroDivisionError"),
    ],
)
def test_a_failure_names_cell_and_line(tmp_path: Path, source: str, line: int, words: str) -> None:
    error = failing(tmp_path, source)
    assert error.code == "step.failed"
    assert words in error.message
    assert error.place is not None
    assert (error.place.notebook, error.place.cell) == ("notebooks/plain.ipynb", 3)
    assert error.place.line == line
    executed = tmp_path / "work" / "steps" / "s2" / "executed.ipynb"
    assert str(executed) in error.hint
    content = nbformat.read(executed, as_version=4)
    nbformat.validate(content)
    assert "error" in [output.output_type for output in content.cells[-1].outputs]
    left = json.loads((executed.parent / "result.json").read_text())
    assert left["status"] == "failed"
    assert left["error"]["traceback"]
    assert not (executed.parent / "outputs").exists()


def test_tracebacks_read_like_the_notebook(tmp_path: Path) -> None:
    failing(tmp_path, "x = 1\nhelper(0)", prelude="def helper(n):\n    return 1 / n")
    log = (tmp_path / "work" / "steps" / "s2" / "log.txt").read_text()
    assert "File notebooks/plain.ipynb, cell 3, line 2" in log
    assert "File notebooks/plain.ipynb, cell 1, line 2" in log
    assert "return 1 / n" in log
    assert "\x1b[" not in log


def test_the_first_failure_stops_the_others(tmp_path: Path) -> None:
    pipeline = steps(
        "import time\nopen('started', 'w').close()\ntime.sleep(120)",
        "import os, time\nwhile not os.path.exists('started'): time.sleep(.05)\n1 / 0",
        "open('never', 'w').close()",
    )
    start = time.monotonic()
    generate(pipeline, notebook(pipeline), tmp_path / "pipeline")
    target = LocalTarget(workers=2)
    progress = target.run(pipeline, tmp_path / "pipeline", tmp_path / "w", {}, cwd=tmp_path)
    with pytest.raises(MlopsError) as caught:
        drain(progress)
    assert time.monotonic() - start < 60
    assert caught.value.place is not None
    assert caught.value.place.cell == 3
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("prelude", ["", "import numpy"])  # in a process of its own, and forked
def test_a_killed_step_is_told(tmp_path: Path, prelude: str) -> None:
    error = failing(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", prelude)
    assert error.code == "step.killed"
    assert "SIGKILL" in error.message
    assert "memory" in error.hint


def test_what_cannot_travel_is_named(tmp_path: Path) -> None:
    pipeline = steps("handle = open('file', 'w')", outputs=("handle",))
    with pytest.raises(MlopsError, match="`handle`") as caught:
        run(pipeline, tmp_path)
    assert caught.value.code == "values.unserialisable"
    assert caught.value.place is not None
    assert caught.value.place.cell == 2


def test_figures_displays_and_streams_become_outputs(tmp_path: Path) -> None:
    source = (
        "import sys\n"
        "from IPython.display import display, clear_output\n"
        "print('gone'); clear_output()\n"
        "handle = display('first', display_id=True); handle.update('second')\n"
        "print('out'); print('err', file=sys.stderr)\n"
        "!echo shell\n"
        "figure, axes = plt.subplots(); axes.plot([1, 2])\n"
        "None"
    )
    run(steps("x = 1", source, prelude="import matplotlib.pyplot as plt"), tmp_path)
    executed = nbformat.read(tmp_path / "work/steps/s2/executed.ipynb", as_version=4)
    nbformat.validate(executed)
    outputs = executed.cells[-1].outputs
    assert [each.get("name", each.output_type) for each in outputs] == [
        "display_data",
        "stdout",
        "stderr",
        "stdout",
        "display_data",
    ]
    assert outputs[0].data["text/plain"] == "'second'"
    assert "shell" in outputs[3].text
    assert outputs[4].data["image/png"].startswith("iVBOR")


def test_forked_steps_compute_and_draw_their_own_random_numbers(tmp_path: Path) -> None:
    source = (
        "from sklearn.ensemble import HistGradientBoostingRegressor\n"
        "X = np.random.random((5000, 4)); y = pd.Series(X[:, 0]).rolling(2).mean().fillna(0)\n"
        "model = HistGradientBoostingRegressor(max_iter=5).fit(X, y)\n"
        "np.linalg.svd(X[:500].T @ X[:500]); text = pd.Series(['a', 'b']).str.upper()\n"
        "drawn = float(X[0, 0])"
    )
    prelude = "%matplotlib inline\nimport numpy as np\nimport pandas as pd\nimport sklearn.ensemble"
    result = run(steps(source, source, prelude=prelude, metrics=("drawn",)), tmp_path)
    drawn = [step.metrics["drawn"] for step in result.steps.values()]
    assert drawn[0] != drawn[1]


def test_a_missing_step_and_a_missing_folder_are_told(tmp_path: Path) -> None:
    pipeline = small()
    generate(pipeline, notebook(pipeline), tmp_path / "pipeline")
    for folder, step, code in [
        ("pipeline", "other", "step.unknown"),
        ("nowhere", "load", "pipeline.missing"),
        ("pipeline", "check", "values.missing"),
    ]:
        command = [sys.executable, "-m", "jupyter_mlops.pipeline.runtime", "--step", step]
        command += ["--pipeline", str(tmp_path / folder), "--work", str(tmp_path / "work")]
        (tmp_path / "work").mkdir(exist_ok=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        left = json.loads((tmp_path / "work" / "steps" / step / "result.json").read_text())
        assert left["error"]["code"] == code


def test_the_generated_test_passes(tmp_path: Path) -> None:
    pipeline = dataclasses.replace(small(), notebook="small.ipynb")
    generate(pipeline, notebook(pipeline), tmp_path / "pipelines" / "small")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path / "pipelines" / "small",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_compiled_notebook_is_proven_equal_to_itself(project_root: Path) -> None:
    """The notebook runs as one script of all cells; the pipeline as steps; both leave the same."""
    path = write_notebook(project_root / "notebooks" / "made.ipynb")
    source = read(path, name="notebooks/made.ipynb")
    pipeline = compile_notebook(source)
    generate(pipeline, source, project_root / "pipeline")
    plan = [observation.to_dict() for observation in reference_plan(pipeline, project_root / "ref")]
    defaults = {each.name: each.default for each in read_parameters(source)}
    whole = (
        "import json, sys, types\n"
        "from pathlib import Path\n"
        "from jupyter_mlops import values\n"
        "from jupyter_mlops.notebook.document import read\n"
        "from jupyter_mlops.pipeline.execution import Session\n"
        "plan, defaults, path = json.loads(sys.stdin.read())\n"
        "session = Session(path, Path('scratch'))\n"
        "session.namespace.update(defaults)\n"
        "for cell in read(path).code_cells:\n"
        "    done = session.run(cell)\n"
        "    assert done.error is None, done.error\n"
        "    for each in map(values.Observation.from_dict, plan):\n"
        "        if each.cell == cell.id:\n"
        "            values.observe(each, session.namespace, done.result)\n"
    )
    subprocess.run(
        [sys.executable, "-c", whole],
        input=json.dumps([plan, defaults, str(path)]),
        text=True,
        check=True,
    )
    target = LocalTarget()
    run = target.run(pipeline, project_root / "pipeline", project_root / "run", {}, cwd=path.parent)
    result = drain(run)
    proof = compare(pipeline, project_root / "ref", project_root / "run")
    assert proof.ok, proof.to_dict()
    assert {each.kind for each in proof.comparisons} == {"output", "metric", "serving"}
    assert result.metrics["mae"] > 0


def test_an_interrupted_run_leaves_no_process(tmp_path: Path) -> None:
    pipeline = steps("open('pid', 'w').write(str(__import__('os').getpid()))\nwhile True: pass")
    generate(pipeline, notebook(pipeline), tmp_path / "pipeline")
    script = (
        "import sys; from pathlib import Path\n"
        "from jupyter_mlops.pipeline.manifest import read_folder\n"
        "from jupyter_mlops.pipeline.targets.local import LocalTarget\n"
        "from jupyter_mlops.progress import drain\n"
        "here = Path(sys.argv[1]); folder = here / 'pipeline'\n"
        "drain(LocalTarget().run(read_folder(folder), folder, here / 'w', {}, cwd=here))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.DEVNULL
    ) as process:
        pid = tmp_path / "pid"
        deadline = time.monotonic() + 60
        while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.wait(30)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
