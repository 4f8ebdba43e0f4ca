"""Build contexts: a folder with exactly what a Dockerfile copies."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from . import runtime as runtimes

DOCKERFILE = "Dockerfile"
_RELEASE_PARTS = ("release.json", "serving")
_IGNORED = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.pyc")


def training(folder: Path, *, pipeline: Path, local: Iterable[Path] = ()) -> Path:
    """Write the context of the training image into ``folder``, which is new or empty.

    Parameters
    ----------
    pipeline
        The generated folder: its ``Dockerfile`` and ``requirements.txt`` are used.
    local
        The notebook's own modules: files or package folders.

    Raises
    ------
    MlopsError
        ``images.context`` where a needed file is missing.
    """
    with explain_os_errors(folder):
        _begin(folder, pipeline / "Dockerfile", pipeline / "requirements.txt")
        _copy(pipeline, folder / "pipeline")
        _runtime(folder, runtimes.STEP, local)
        _open_to_all(folder)
    return folder


def serving(folder: Path, *, release: Path, local: Iterable[Path] = ()) -> Path:
    """Write the context of the serving image into ``folder``, which is new or empty.

    Parameters
    ----------
    release
        A release folder; ``Dockerfile.serving`` and ``requirements-serving.txt`` of its
        ``pipeline/`` are used.
    local
        The served function's own modules: files or package folders.

    Raises
    ------
    MlopsError
        ``images.context`` where a needed file is missing.
    """
    pipeline = release / "pipeline"
    with explain_os_errors(folder):
        _begin(folder, pipeline / "Dockerfile.serving", pipeline / "requirements-serving.txt")
        for part in _RELEASE_PARTS:
            _copy(release / part, folder / "release" / part)
        _runtime(folder, runtimes.SERVING, local)
        _open_to_all(folder)
    return folder


def _begin(folder: Path, dockerfile: Path, requirements: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _copy(dockerfile, folder / DOCKERFILE)
    _copy(requirements, folder / requirements.name)
    (folder / ".dockerignore").write_text("**/__pycache__\n**/*.pyc\n", encoding="utf-8")


def _runtime(folder: Path, entry: str, local: Iterable[Path]) -> None:
    target = folder / "runtime"
    for file in runtimes.runtime(entry).files:
        _copy(runtimes.sources() / file, target / file)
    for path in sorted(local):
        _copy(path, target / path.name)


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        raise MlopsError(
            "images.context",
            f"{source.name} is missing, so no image can be built.",
            hint="promote the notebook again.",
            place=Place(str(source)),
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_IGNORED)
    else:
        shutil.copyfile(source, target)


def _open_to_all(folder: Path) -> None:
    """Let the image's user read all files, whatever the modes where they came from."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
