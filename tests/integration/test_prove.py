"""Proofs of real notebooks: a kernel, a pipeline of processes, and the verb."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import read
from jupyter_mlops.pipeline import work
from jupyter_mlops.pipeline.acceptance import Accepted
from jupyter_mlops.pipeline.chance import tell_chance
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.generate import generate
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.pipeline.proof import Comparison
from jupyter_mlops.pipeline.prove import compare
from jupyter_mlops.pipeline.proving import Proven, prove, prove_pipeline
from jupyter_mlops.pipeline.reference import run_reference
from jupyter_mlops.pipeline.targets import PipelineRun
from jupyter_mlops.pipeline.targets.local import LocalTarget
from jupyter_mlops.progress import Event, Progress, drain
from jupyter_mlops.project import Project
from tests.support import write_notebook

# A step knows that it is one: what asks for that is different in the pipeline, every time.
CELLS = [
    ("imports", "import os, random, time\nimport matplotlib.pyplot as plt\nfrom beside import Box"),
    ("parameters", "n: int = 5"),
    ("step:load", "rows = list(range(n))\nprint('rows', len(rows), object())\nrows"),
    ("step:load", "plt.plot(rows, [x * x for x in rows]);"),
    ("step:noise", "a = 1\nnoise = [random.random() for _ in rows]"),
    (
        "step:time",
        "start = time.time()\ntotal = sum(rows)\n"
        "print(f'total {total} in {time.time() - start:.9f} s, {time.time()}')",
    ),
    ("step:time", "print('in a step' if 'JUPYTER_MLOPS_STEP' in os.environ else 'in a kernel')"),
    ("step:time", "plt.bar(['a', 'b'], [1, 2 + ('JUPYTER_MLOPS_STEP' in os.environ)]);"),
    ("step:fit", "box, other = Box(sum(noise)), Box(total)\nprint(box.value)"),
    ("step:end metrics", "score = box.value / 2\nclean = other.value / 3"),
    ("step:end", "print('at', max(time.time(), 1.0))"),
    ("step:end", "print(f'at {time.time():.9f}')\nprint('run', os.urandom(4).hex())"),
]
ACCEPTED = ["noise", "fit.box", "cell 7", "Cell 8", "cell 9", "cell 12"]


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> tuple[Proven, list[Event]]:
    root = tmp_path_factory.mktemp("proven")
    (root / "mlops.toml").touch()
    (root / "beside.py").write_text("class Box:\n    def __init__(self, v): self.value = v\n")
    notebook = write_notebook(root / "mixed.ipynb", CELLS)
    events: list[Event] = []
    names = [*ACCEPTED, "rows"]
    found = drain(prove(notebook, {"n": "6"}, project=Project(root), accept=names), events.append)
    return found, events


def of(proven: Proven, name: str, kind: str) -> Comparison:
    (found,) = (e for e in proven.proof.comparisons if (e.name, e.kind) == (name, kind))
    return found


def test_what_is_seeded_or_computed_is_equal(proven: tuple[Proven, list[Event]]) -> None:
    found, _ = proven
    for name, kind in (
        ("rows", "output"),
        ("cell 3", "printed"),
        ("cell 4", "figure"),
        ("total", "output"),
        ("other", "output"),
        ("clean", "metric"),
    ):
        assert of(found, name, kind).verdict == "equal", name


def test_the_cell_that_draws_is_named(proven: tuple[Proven, list[Event]]) -> None:
    found, _ = proven
    for name, kind in (
        ("noise", "output"),
        ("box", "output"),
        ("cell 9", "printed"),
        ("score", "metric"),
    ):
        random = of(found, name, kind)
        assert random.verdict == "random"
        assert random.origin is not None
        assert (random.origin.cell, random.origin.line) == (5, 2)
        assert "differs from run to run of the notebook itself: cell 5, line 2" in random.words
        assert "`random.random`" in random.words


def test_times_that_a_cell_prints_are_no_difference(proven: tuple[Proven, list[Event]]) -> None:
    found, _ = proven
    printed, seen_twice = of(found, "cell 6", "printed"), of(found, "cell 11", "printed")
    assert printed.verdict == seen_twice.verdict == "equal within tolerance"
    assert printed.words == "only times differ"
    assert seen_twice.words == "only times differ: line 1 calls `time.time`"


def test_a_time_beside_what_is_random_makes_no_difference_of_it(
    proven: tuple[Proven, list[Event]],
) -> None:
    found, _ = proven
    printed = of(found, "cell 12", "printed")
    assert printed.verdict == "random"
    assert "`os.urandom`" in printed.words


def test_what_the_pipeline_prints_and_draws_otherwise_is_different(
    proven: tuple[Proven, list[Event]],
) -> None:
    found, _ = proven
    printed = of(found, "cell 7", "printed")
    assert printed.verdict == "different"
    assert printed.words == "line 1: `in a kernel` in the notebook, `in a step` in the pipeline"
    drawn = of(found, "cell 8", "figure")
    assert drawn.verdict == "different"
    assert "axes 1, " in drawn.words


def test_acceptances_are_recorded_and_the_rest_still_refuses(
    proven: tuple[Proven, list[Event]],
) -> None:
    found, events = proven
    assert not found.proof.ok
    assert [each.name for each in found.proof.differences] == ["score"]
    assert {e.accepted.name for e in found.proof.accepted if e.accepted} == {
        name.lower() for name in ACCEPTED
    }
    words = [event.message for event in events]
    assert "accepting `rows` was not needed: nothing of that name differs" in words
    assert any(each.startswith("`noise` of step noise is random: accepted") for each in words)
    error = found.proof.error()
    assert error.code == "promote.random"
    assert error.hint.endswith('--accept "end.score"')


def test_the_evidence_is_kept(proven: tuple[Proven, list[Event]]) -> None:
    found, _ = proven
    content = json.loads((found.folder / "proof.json").read_text())
    assert content["summary"] == found.proof.summary()
    assert content["parameters"] == {"n": 6}
    assert content["python"].count(".") == 2
    assert content["packages"]["matplotlib"]
    assert set(content["runs"]) == {"notebook", "notebook again"}
    assert content["runs"]["notebook"] == found.folder.name
    rows = next(e for e in content["comparisons"] if e["name"] == "rows")
    assert rows["fingerprints"]["notebook"] == rows["fingerprints"]["pipeline"] != ""
    page = found.page.read_text()
    assert 'class="line marked"><i>  2</i> noise = [random.random()' in page
    assert (found.folder / "steps" / "fit" / "executed.ipynb").is_file()


class Tampering(LocalTarget):
    """Runs the pipeline after a step's generated script was broken."""

    def run(
        self,
        pipeline: Pipeline,
        folder: Path,
        work: Path,
        parameters: Mapping[str, Any],
        *,
        cwd: Path,
    ) -> Progress[PipelineRun]:
        script = folder / "steps" / "double.py"
        text = script.read_text()
        assert "x * 2" in text
        script.write_text(text.replace("x * 2", "x * 3"))
        return (yield from super().run(pipeline, folder, work, parameters, cwd=cwd))


PLAIN = [
    ("step:load", "import random\nrandom.seed(3)\nrows = [random.random() for _ in range(4)]"),
    ("step:double", "twice = [x * 2 for x in rows]\nprint(len(twice), twice[0])"),
]


def test_a_broken_step_is_different_and_no_chance(project_root: Path, tmp_path: Path) -> None:
    project = Project(project_root)
    cells = [*PLAIN, ("step:end", "total = sum(twice)\ntotal")]
    notebook = read(write_notebook(project_root / "plain.ipynb", cells), name="plain.ipynb")
    pipeline = compile_notebook(notebook)
    folder = tmp_path / "reference"
    reference = drain(run_reference(project, notebook, pipeline, {}, folder, kind="proof"))
    generate(reference.pipeline, notebook, tmp_path / "pipeline")
    proof, _ = drain(
        prove_pipeline(
            project,
            notebook,
            reference,
            Tampering(),
            tmp_path / "pipeline",
            tmp_path,
            {},
            Accepted(),
            kind="proof",
        )
    )
    verdicts = {(each.name, each.kind): each.verdict for each in proof.comparisons}
    assert verdicts == {
        ("rows", "output"): "equal",
        ("twice", "output"): "different",
        ("cell 2", "printed"): "different",
        ("cell 3", "printed"): "different",
    }
    error = proof.error()
    assert error.code == "promote.different"
    assert error.message.startswith("The pipeline is not equal to the notebook: `twice` of step")
    assert error.place is not None
    assert error.place.cell == 2
    assert set(proof.facts["runs"]) == {"notebook", "notebook again"}


COIN = [
    ("functions", "import random, os\ndef toss(n):\n    return [random.randint(0, 1)] * n"),
    ("step:toss", "coin = toss(1)\nprint('coin', coin)\nprint('always', 3)"),
    ("step:count", "heads = sum(coin)\nprint('heads' if heads else 'tails')"),
    # The pipeline's own: a step knows that it is one.
    ("step:count", "where = os.environ.get('JUPYTER_MLOPS_STEP', 'kernel')\nprint(where)"),
    ("step:end", "total = heads + 1\nplace = where * 2\nprint(total, 'of', 'two')\nprint(place)"),
]


def test_chance_that_gives_the_same_twice_is_told_as_chance(
    project_root: Path, tmp_path: Path
) -> None:
    """Where a toss comes out otherwise in the pipeline only, the cell that tosses is named."""
    project = Project(project_root)
    path = write_notebook(project_root / "coin.ipynb", COIN)
    notebook = read(path, name="coin.ipynb")
    folder = tmp_path / "reference"
    reference = drain(
        run_reference(project, notebook, compile_notebook(notebook), {}, folder, kind="proof")
    )
    pipeline = reference.pipeline
    generate(pipeline, notebook, tmp_path / "pipeline")
    shutil.copyfile(reference.run.executed, folder / work.EXECUTED)
    for number in range(20):  # until a toss comes out otherwise
        run = tmp_path / f"run{number}"
        drain(LocalTarget().run(pipeline, tmp_path / "pipeline", run, {}, cwd=project_root))
        proof = compare(pipeline, folder, run, cwd=project_root)
        unequal = {(each.name, each.kind) for each in proof.comparisons if not each.equal}
        if ("coin", "output") in unequal:
            break
    # The second run of the notebook gave the same as the first: the case that hides chance.
    judged = tell_chance(pipeline, proof, folder, folder, run, cwd=project_root)
    random = [each for each in judged.comparisons if each.verdict == "random"]
    assert {(each.name, each.kind) for each in random} == {
        ("coin", "output"),
        ("cell 2", "printed"),
        ("heads", "output"),
        ("cell 3", "printed"),
    }
    for each in random:
        assert each.origin is not None
        assert (each.origin.cell, each.origin.line) == (1, 3)
        assert each.words.startswith("depends on chance, though two runs")
    different = {each.name for each in judged.comparisons if each.verdict == "different"}
    assert different == {"where", "cell 4", "cell 5"}


def cli(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jupyter_mlops.faces.cli", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_verb_tells_equal_by_its_exit_code(project_root: Path) -> None:
    write_notebook(project_root / "plain.ipynb", PLAIN)
    found = cli("prove", "plain.ipynb", cwd=project_root)
    assert found.returncode == 0, found.stderr
    assert "equal to the notebook: 2 equal" in found.stdout
    assert "page: .mlops/pipelines/plain/" in found.stdout
    assert "once more" not in found.stderr


def test_the_verb_fails_where_something_differs(project_root: Path) -> None:
    cells = [("step:a", "x = list(map(str, {object() for _ in '1234'}))"), ("step:b", "y = x[:]")]
    write_notebook(project_root / "sets.ipynb", cells)
    found = cli("prove", "sets.ipynb", "--json", cwd=project_root)
    assert found.returncode == 1
    result = json.loads(found.stdout.splitlines()[-1])["data"]
    (order,) = result["comparisons"]
    assert order["verdict"] == "random"
    assert order["origin"]["cell"] == 1
    assert "the order of a set" in order["words"]


def test_the_verb_refuses_unknown_names_before_it_runs(project_root: Path) -> None:
    write_notebook(project_root / "plain.ipynb", PLAIN)
    found = cli("prove", "plain.ipynb", "--accept", "row", cwd=project_root)
    assert found.returncode == 1
    assert "did you mean `rows`?" in found.stderr
    assert not (project_root / ".mlops" / "executed").exists()


def test_errors_of_the_notebook_are_its_own(project_root: Path) -> None:
    notebook = write_notebook(project_root / "bad.ipynb", [("step:a", "1 / 0")])
    with pytest.raises(MlopsError) as caught:
        drain(prove(notebook, project=Project(project_root)))
    assert caught.value.code == "rerun.cell-failed"
    assert not (project_root / ".mlops" / "pipelines").exists()


def test_a_step_that_fails_where_the_notebook_passes_is_told_so(project_root: Path) -> None:
    cells = [
        ("imports", "import pathlib, tempfile"),
        ("step:a", "folder = tempfile.TemporaryDirectory()\npath = pathlib.Path(folder.name, 'x')"),
        ("step:a", "path.write_text('hello')"),
        ("step:b", "\ntext = path.read_text()"),
    ]
    notebook = write_notebook(project_root / "gone.ipynb", cells)
    with pytest.raises(MlopsError) as caught:
        drain(prove(notebook, project=Project(project_root)))
    error = caught.value
    assert error.code == "step.failed"
    assert "FileNotFoundError" in error.message
    assert error.place is not None
    assert (error.place.cell, error.place.line) == (4, 2)
    assert "the notebook itself passes here" in error.hint
    assert "mend the cell" not in error.hint
    executed = project_root / error.hint.rpartition(" ")[2]
    assert executed.name == "executed.ipynb"
    assert "FileNotFoundError" in executed.read_text(), "it is kept"
