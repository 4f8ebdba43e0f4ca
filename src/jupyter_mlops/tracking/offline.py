"""Files that belong to a run: kept beside its journal, they come into the store with its end.

So they are not lost where the store is away.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..capture import journal
from ..capture.processes import spawn_writer
from ..capture.records import Metric
from ..os_errors import explain_os_errors
from ..project import Project
from . import cursor

if TYPE_CHECKING:
    from mlflow import MlflowClient

_FOLDER = "attached"


def keep(project: Project, run: str, file: Path) -> None:
    """Keep a copy of ``file`` for the run's artifacts, and see to a writer."""
    from filelock import FileLock

    folder = project.folder("journal", run)
    with explain_os_errors(folder), FileLock(folder / "lock"):
        attached = folder / _FOLDER
        attached.mkdir(exist_ok=True)
        part = attached / f".{file.name}.part"
        shutil.copyfile(file, part)
        os.replace(part, attached / file.name)
        cursor.reopen(folder)  # another process may have been quicker
    spawn_writer(project)


def metrics(project: Project, run: str) -> dict[str, float]:
    """Return the last value of each of a run's metrics, from its journal."""
    records = journal.read_all(project.journals / run / journal.NAME)
    return {record.name: record.value for record in records if isinstance(record, Metric)}


def attach(client: MlflowClient, run_id: str, folder: Path) -> None:
    """Bring what was kept in a journal's folder into the run's artifacts."""
    attached = folder / _FOLDER
    if not attached.exists():
        return
    for file in attached.iterdir():
        if not file.name.startswith("."):
            client.log_artifact(run_id, str(file))
    shutil.rmtree(attached, ignore_errors=True)
