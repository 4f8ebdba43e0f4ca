"""Build contexts, and the part of this package that they carry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.images import context, runtime


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    folder = tmp_path / "release" / "pipeline"
    (folder / "steps").mkdir(parents=True)
    for name in (
        "Dockerfile",
        "Dockerfile.serving",
        "requirements.txt",
        "requirements-serving.txt",
        "pipeline.yaml",
        "steps/load.py",
    ):
        (folder / name).write_text(f"# {name}\n")
    (folder / "steps" / "__pycache__").mkdir()
    (folder / "steps" / "__pycache__" / "load.pyc").write_bytes(b"")
    (folder / "steps" / "load.py").chmod(0o600)
    return folder


@pytest.fixture
def release(pipeline: Path) -> Path:
    folder = pipeline.parent
    (folder / "serving" / "state").mkdir(parents=True)
    (folder / "serving" / "serve.py").write_text("")
    (folder / "serving" / "state" / "index.json").write_text("{}")
    for name in ("release.json", "notebook.ipynb", "baseline.parquet"):
        (folder / name).write_text("{}")
    return folder


def test_a_training_context_has_what_its_dockerfile_copies(pipeline: Path, tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("x = 1\n")
    folder = context.training(tmp_path / "c", pipeline=pipeline, local=[tmp_path / "helpers.py"])
    assert sorted(p.name for p in folder.iterdir()) == [
        ".dockerignore", "Dockerfile", "pipeline", "requirements.txt", "runtime",
    ]  # fmt: skip
    assert (folder / "Dockerfile").read_text() == "# Dockerfile\n"
    assert (folder / "pipeline" / "steps" / "load.py").is_file()
    assert (folder / "runtime" / "helpers.py").is_file()
    assert not list(folder.rglob("__pycache__"))


def test_a_serving_context_has_only_what_serves(release: Path, tmp_path: Path) -> None:
    folder = context.serving(tmp_path / "c", release=release)
    assert (folder / "Dockerfile").read_text() == "# Dockerfile.serving\n"
    assert sorted(p.name for p in (folder / "release").iterdir()) == ["release.json", "serving"]
    assert (folder / "release" / "serving" / "state" / "index.json").is_file()
    assert (folder / "requirements-serving.txt").is_file()


def test_the_images_user_can_read_everything(pipeline: Path, tmp_path: Path) -> None:
    pipeline.chmod(0o700)
    folder = context.training(tmp_path / "c", pipeline=pipeline)
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o644}
    assert {p.stat().st_mode & 0o777 for p in folder.rglob("*") if p.is_dir()} == {0o755}


def test_a_missing_part_is_named(release: Path, tmp_path: Path) -> None:
    (release / "release.json").unlink()
    with pytest.raises(MlopsError, match=r"release\.json is missing") as caught:
        context.serving(tmp_path / "c", release=release)
    assert caught.value.code == "images.context"


@pytest.mark.parametrize(
    ("entry", "absent"),
    [
        (runtime.STEP, ("mlflow", "docker", "papermill", "pandas", "filelock", "jupyter_server")),
        (runtime.SERVING, ("mlflow", "docker", "papermill", "IPython", "filelock", "nbformat")),
    ],
)
def test_the_runtime_imports_without_the_rest(
    entry: str, absent: tuple[str, ...], pipeline: Path, tmp_path: Path
) -> None:
    found = runtime.runtime(entry)
    for file in found.files:
        target = tmp_path / "runtime" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((runtime.sources() / file).read_bytes())
    # Every module of the runtime is imported; what a container does not have cannot be.
    modules = [
        ".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in found.files
    ]
    program = "\n".join(
        [
            "import importlib, sys",
            f"for name in {absent!r}: sys.modules[name] = None",
            f"for name in {modules!r}: importlib.import_module(name)",
            "import jupyter_mlops",
            "print(jupyter_mlops.__file__)",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "runtime"), "HOME": "/tmp"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "runtime" / "jupyter_mlops" / "__init__.py")


def test_the_runtime_stays_small() -> None:
    for entry in (runtime.STEP, runtime.SERVING):
        names = {file.parts[1] for file in runtime.runtime(entry).files if len(file.parts) > 2}
        assert not names & {
            "faces",
            "capture",
            "tracking",
            "deploy",
            "monitoring",
            "images",
            "rerun",
        }
