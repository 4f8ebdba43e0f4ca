"""A pipeline whose steps run as containers of its training image."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_mlops import values
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.images import context, dockerfile
from jupyter_mlops.images.engine import Engine
from jupyter_mlops.images.requirements import RUNTIME_STEP, lock, pins
from jupyter_mlops.notebook.document import Notebook, read
from jupyter_mlops.notebook.parameters import read_parameters
from jupyter_mlops.pipeline.generate import generate
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.targets.docker import DockerTarget
from jupyter_mlops.pipeline.targets.local import LocalTarget
from jupyter_mlops.progress import Event, drain
from tests.support import write_notebook

pytestmark = pytest.mark.docker

TAG = "mlops-target-test/training:1"
CELLS = [
    ("imports", "import os, time\nfrom pathlib import Path\nimport helpers"),
    ("parameters", "count: int = 3\nbroken: bool = False"),
    (
        "step:load",
        "numbers = [helpers.double(n) for n in range(count)]\n"
        "text = Path('data.txt').read_text()",
    ),
    ("step:left", "total = sum(numbers)\nwho = os.getuid()"),
    ("step:right", "longest = max(numbers)\nif broken:\n    1 / 0"),
    ("step:join metrics", "score = float(total + longest + len(text))"),
]  # fmt: skip


@dataclass(frozen=True)
class Built:
    engine: Engine
    notebook: Notebook
    pipeline: Pipeline
    folder: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    root = tmp_path_factory.mktemp("target")
    root.chmod(0o755)
    (root / "helpers.py").write_text("def double(n):\n    return 2 * n\n")
    (root / "data.txt").write_text("beside the notebook")
    notebook = read(write_notebook(root / "target.ipynb", CELLS), name="target.ipynb")
    pipeline = make_pipeline(notebook)
    files = {
        "Dockerfile": dockerfile.training(pipeline, "python:3.11-slim"),
        "requirements.txt": lock(pins(RUNTIME_STEP)),
    }
    folder = root / "pipeline"
    generate(pipeline, notebook, folder, files=files)
    engine = Engine.connect()
    where = context.training(root / "context", pipeline=folder)
    drain(engine.build(where, "Dockerfile", TAG))
    yield Built(engine, notebook, pipeline, folder)
    engine.client.images.remove(TAG, force=True)
    engine.close()


def make_pipeline(notebook: Notebook) -> Pipeline:
    imports, _, load, left, right, join = notebook.cells
    prelude = (imports,)
    return Pipeline(
        name="target",
        notebook=notebook.name,
        notebook_digest=notebook.digest(),
        parameters=read_parameters(notebook),
        steps=(
            Step("load", (load,), prelude, {}, ("count",), ("numbers", "text")),
            Step("left", (left,), prelude, {"numbers": "load"}, (), ("total", "who")),
            Step("right", (right,), prelude, {"numbers": "load"}, ("broken",), ("longest",)),
            Step(
                "join",
                (join,),
                (),
                {"total": "left", "longest": "right", "text": "load"},
                outputs=("score",),
                metrics=("score",),
            ),
        ),
    )


def run(built: Built, work: Path, events: list[Event] | None = None, **given: object):  # type: ignore[no-untyped-def]
    target = DockerTarget(built.engine, TAG, network="none")
    cwd = built.notebook.path.parent
    listen = events.append if events is not None else None
    return drain(target.run(built.pipeline, built.folder, work, given, cwd=cwd), listen)


def test_containers_compute_what_processes_compute(built: Built, tmp_path: Path) -> None:
    events: list[Event] = []
    docker = run(built, tmp_path / "docker", events, count=4)
    local = drain(
        LocalTarget().run(
            built.pipeline, built.folder, tmp_path / "local", {"count": 4},
            cwd=built.notebook.path.parent,
        )
    )  # fmt: skip
    assert docker.metrics == local.metrics == {"score": 12.0 + 6.0 + 19.0}
    for name, step in docker.steps.items():
        mine = {k: v for k, v in step.outputs.items() if k != "who"}
        assert mine == {k: v for k, v in local.steps[name].outputs.items() if k != "who"}
        assert step.executed.is_file()
    started = [e.data["step"] for e in events if e.status == "started"]
    assert started[0] == "load"
    assert started[-1] == "join"
    left = built.engine.client.containers.list(
        all=True, filters={"label": f"mlops.project={built.notebook.path.parent.resolve()}"}
    )
    assert left == []


def test_steps_are_not_root(built: Built, tmp_path: Path) -> None:
    result = run(built, tmp_path)
    namespace: dict[str, int] = {}
    values.load(result.steps["left"].folder / "outputs", namespace, ["who"])
    assert namespace["who"] != 0


def test_a_failed_step_names_the_notebooks_cell_and_line(built: Built, tmp_path: Path) -> None:
    with pytest.raises(MlopsError, match="ZeroDivisionError") as caught:
        run(built, tmp_path, broken=True)
    error = caught.value
    assert error.code == "step.failed"
    assert error.place is not None
    assert (error.place.notebook, error.place.cell, error.place.line) == ("target.ipynb", 5, 3)
    assert str(tmp_path / "steps" / "right" / "executed.ipynb") in error.hint
    executed = json.loads((tmp_path / "steps" / "right" / "executed.ipynb").read_text())
    assert executed["cells"][-1]["outputs"][0]["ename"] == "ZeroDivisionError"


def test_an_image_that_is_gone_is_told(built: Built, tmp_path: Path) -> None:
    target = DockerTarget(built.engine, "mlops-target-test/none:1")
    with pytest.raises(MlopsError, match="mlops-target-test/none:1") as caught:
        drain(target.run(built.pipeline, built.folder, tmp_path, {}, cwd=tmp_path))
    assert caught.value.code == "docker.image-missing"
