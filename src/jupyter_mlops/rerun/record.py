"""Keeping what a rerun leaves: the executed notebook, and the run in MLflow."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import MlopsError
from ..os_errors import explain_os_errors
from ..project import Project
from .order import Order


def executed_path(project: Project, run: str) -> Path:
    """Return where the executed notebook of a run is kept; its folder is made."""
    return project.folder("executed") / f"{run}.ipynb"


def copy(executed: Path, output: Path) -> None:
    """Copy the executed notebook to where the user wants it too."""
    with _replacing(output) as staged:
        shutil.copyfile(executed, staged)


def write(content: Any, executed: Path) -> None:
    """Write an executed ``NotebookNode``."""
    import nbformat

    with _replacing(executed) as staged:
        staged.write_text(nbformat.writes(content), encoding="utf-8")  # type: ignore[no-untyped-call]


def record(order: Order, executed: Path) -> dict[str, float]:
    """Bring a run and its executed notebook into MLflow, and return the run's metrics.

    Where MLflow's server is away, both follow once it is back.
    """
    from ..tracking import offline
    from ..tracking.store import Store

    store = Store(order.project)
    offline.keep(order.project, order.run, executed)
    try:
        store.sync(order.run)
        return dict(store.run(order.run).metrics)
    except MlopsError as error:
        if error.code != "store.unreachable":
            raise
        return offline.metrics(order.project, order.run)


def prepare(order: Order) -> None:
    """Have MLflow imported in the background, so that `record` waits less for it.

    Call this when papermill is imported: threads that import packages with shared dependencies
    get in each other's way.
    """
    from ..tracking.store import Store

    Store(order.project).get_ready()


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, whose file then takes the place of ``path`` at once."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    with explain_os_errors(path):
        try:
            yield staged
            os.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)
