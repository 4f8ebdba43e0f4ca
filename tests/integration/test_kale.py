"""Kale's own notebooks, unchanged: those that its package ships, and a checkout's examples.

The package is taken from the package index as it is, without what it needs itself. Where
``MLOPS_KALE_EXAMPLES`` names the ``examples`` folder of a checkout, all of these compile too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.deploy.promote import promote
from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import read
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from tests.conftest import REQUIRED

PACKAGE = "kubeflow-kale==2.3.0"
EXAMPLES = os.environ.get("MLOPS_KALE_EXAMPLES")
DRAWS = "pipeline_parameters_and_metrics"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the notebooks of Kale's package by name."""
    import uv

    folder = tmp_path_factory.mktemp("kale")
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps"]
    command += ["--python", sys.executable, "--target", str(folder), PACKAGE]
    installed = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if installed.returncode:
        reason = f"{PACKAGE} cannot be had: {installed.stderr.strip()[-300:]}"
        if "kale" in REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    return {path.stem: path for path in folder.rglob("*.ipynb")}


def test_all_notebooks_of_the_package_compile(shipped: dict[str, Path]) -> None:
    assert DRAWS in shipped
    found = {name: compile_notebook(read(path)) for name, path in shipped.items()}
    steps = {name: [step.name for step in each.steps] for name, each in found.items()}
    assert steps == {
        "mount_pvc": ["load", "train"],
        "mount_pvc_env_var": ["load", "train"],
        DRAWS: ["create_matrix", "sum_matrix"],
    }
    assert found[DRAWS].step("sum_matrix").metrics == ("d1", "d2", "sum_result")
    assert found[DRAWS].step("sum_matrix").inputs == {"rnd_matrix": "create_matrix"}
    parameters = {each.name: each.default for each in found[DRAWS].parameters}
    assert parameters == {"d1": 5, "d2": 6, "booltest": True, "strtest": "test"}


@pytest.mark.filterwarnings("ignore:Cell is missing an id")  # nbformat, of Kale's own file
def test_one_that_is_equal_is_promoted(shipped: dict[str, Path], project_root: Path) -> None:
    notebook = Path(shutil.copy(shipped["mount_pvc"], project_root))
    release = drain(promote(notebook, project=Project(project_root), images="none"))
    assert release.manifest["proof"]["ok"] is True
    assert release.manifest["proof"]["equal"] == 1
    assert notebook.read_bytes() == shipped["mount_pvc"].read_bytes()


def test_one_that_draws_is_refused_with_the_cell_and_promoted_by_name(
    shipped: dict[str, Path], project_root: Path
) -> None:
    notebook = Path(shutil.copy(shipped[DRAWS], project_root))
    project = Project(project_root)
    with pytest.raises(MlopsError) as caught:
        drain(promote(notebook, project=project, images="none"))
    assert caught.value.code == "promote.random"
    assert caught.value.place is not None
    assert (caught.value.place.cell, caught.value.place.line) == (3, 1)
    assert "`np.random.rand` draws from NumPy's shared generator" in caught.value.message
    assert Releases(project).list() == []
    names = ["rnd_matrix", "sum_result", "cell 5"]
    release = drain(promote(notebook, project=project, images="none", accept=names))
    assert {each["name"] for each in release.manifest["proof"]["accepted"]} == set(names)
    assert release.manifest["proof"]["different"] == 0
    assert release.manifest["metrics"].keys() == {"d1", "d2", "sum_result"}
    assert (release.folder / "notebook.ipynb").read_bytes() == shipped[DRAWS].read_bytes()


@pytest.mark.skipif(EXAMPLES is None, reason="MLOPS_KALE_EXAMPLES names no folder of examples")
def test_the_examples_of_a_checkout_compile() -> None:
    assert EXAMPLES is not None
    tagged = [
        notebook
        for path in sorted(Path(EXAMPLES).rglob("*.ipynb"))
        if (text := path.read_text()) and ('"step:' in text or '"block:' in text)
        for notebook in [read(path)]
    ]
    assert tagged
    for notebook in tagged:
        assert compile_notebook(notebook).steps
