"""Pipeline runs as runs of the store: what happened is put into a journal, and fed later.

Nothing here waits for MLflow, or imports it.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..capture.journal import Journal
from ..capture.processes import spawn_writer
from ..capture.records import End, Metric, Note, Start
from ..capture.redaction import redact_value
from ..errors import MlopsError
from ..project import Project
from . import cursor

KIND = "pipeline"
STEPS = "steps"
"""The kind of note that tells of a pipeline's steps."""


class PipelineJournal:
    """The journal of one run of a pipeline; where it cannot be written, the run goes on.

    ``kind`` is that of the run: other work in parts, such as a sweep, is told in the same way.
    """

    def __init__(
        self,
        project: Project,
        run: str,
        notebook: str,
        path: Path,
        parameters: Mapping[str, Any],
        kind: str = KIND,
    ) -> None:
        self._project = project
        self._journal: Journal | None = None
        start = Start(
            time=time.time(),
            run=run,
            kind=kind,
            notebook=notebook,
            path=str(path.resolve()),
            host=socket.gethostname(),
            pid=os.getpid(),
            pid_started=0.0,
            python=platform.python_version(),
            platform=platform.platform(),
            user=_user(),
            parameters={name: redact_value(name, str(v)) for name, v in parameters.items()},
        )
        with contextlib.suppress(MlopsError):
            self._journal = Journal(project.folder("journal", run))
            self._journal.append(start)
            with FileLock(self._journal.folder / "lock"):
                cursor.reopen(self._journal.folder)  # where the run goes on that was ended early

    def end(
        self, status: str, steps: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, float]
    ) -> None:
        """Tell how the run ended, and let the writer bring it into the store.

        Parameters
        ----------
        status
            One of MLflow's: FINISHED, FAILED or KILLED.
        steps
            For each step its ``status``, ``seconds``, and whether it was ``cached``.
        """
        if self._journal is None:
            return
        now = time.time()
        with contextlib.suppress(MlopsError):
            for name, value in metrics.items():
                self._journal.append(Metric(time=now, order=0, name=name, value=value, step=0))
            data = {name: dict(each) for name, each in steps.items()}
            self._journal.append(Note(time=now, kind=STEPS, text="", data=data))
            self._journal.append(End(time=now, status=status))
            self._journal.close()
            spawn_writer(self._project)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
