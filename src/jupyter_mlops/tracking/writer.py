"""The writer: a process beside the notebooks that feeds their journals to MLflow.

``python -m jupyter_mlops.tracking.writer --project ROOT``; one per project. It ends when no run has
needed it for a while, and the next kernel starts another one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ..capture.processes import WRITER_LOCK
from ..capture.redaction import redact
from ..capture.waiting import Trouble, set_trouble
from ..errors import MlopsError
from ..project import Project
from .asking import answer, asked
from .client import check_reachable, client
from .feeder import Feeder, pending
from .patience import Patience

if TYPE_CHECKING:
    from mlflow import MlflowClient

_POLL = 0.5
_LOOK = 0.05
"""Seconds between two looks whether somebody asks."""
_OTHERS_LOOK = 0.3
"""Seconds for which somebody who looks whether a writer lives may hold its lock, and more."""
_IDLE_SECONDS = 20.0
_NICE = 5
_LONGEST_TROUBLE = 300


class Writer:
    """Feeds every unfinished run of a project, again and again."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._finished: set[str] = set()
        self._looked = 0
        self._feeders: dict[str, Feeder] = {}
        self._client: MlflowClient | None = None

    def round(self, *, hurry: bool = False) -> bool:
        """Feed what is new in all runs, and return whether any run is unfinished.

        In a hurry nothing that there is waits for more of its kind, or for another feeder.
        Raises what MLflow raises where its store cannot be written to.
        """
        folders = self.unfinished()
        if not folders:
            return False
        self._client = self._client or client(self._project)
        problem: Exception | None = None
        for folder in folders:
            feeder = self._feeders.get(folder.name)
            if feeder is None:
                feeder = self._feeders[folder.name] = Feeder(self._project, folder)
            try:
                if feeder.feed(self._client, hurry=hurry, wait=hurry):
                    self._feeders.pop(folder.name, None)
            except Exception as error:
                check_reachable(self._project.tracking_uri)
                problem = error  # one run must not hold up the others
        if problem is not None:
            raise problem
        return True

    def unfinished(self) -> list[Path]:
        """Return the journals' folders of runs that are not complete in the store."""
        try:
            changed = self._project.journals.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if changed != self._looked:
            self._finished.clear()  # a run that was complete may have been reopened
            self._looked = changed
        return pending(self._project, self._finished)


def run(project: Project, idle: float = _IDLE_SECONDS) -> None:
    """Feed until nothing has been unfinished for ``idle`` seconds; returns at once if another does.

    A kernel makes its journal before it looks for a writer. So a last look after the lock was
    given back sees every journal whose kernel still saw the lock taken.
    """
    lock = FileLock(project.folder("locks") / f"{WRITER_LOCK}.lock", timeout=_OTHERS_LOOK)
    writer = Writer(project)
    while True:
        try:
            with lock:
                _serve(writer, project, idle)
        except Timeout:
            return
        if not project.state.exists() or not writer.unfinished():
            return


def _serve(writer: Writer, project: Project, idle: float) -> None:
    last, patience = time.monotonic(), Patience()
    told: str | None = None  # what an earlier writer has told is not known
    while project.state.exists() and time.monotonic() - last < idle:
        pause = _POLL
        questions = asked(project)
        try:
            if patience.since is not None:
                check_reachable(project.tracking_uri)
            if writer.round(hurry=bool(questions)) or questions:
                last = time.monotonic()
            answer(questions, fed=True)
            patience.succeeded()
            if told != "":
                set_trouble(project, None)
                told = ""
        except Exception as error:
            answer(questions, fed=False)
            if patience.since is None:
                since = time.time()
            wait = patience.failed(error, time.monotonic())
            text = _one_line(error.message if isinstance(error, MlopsError) else str(error))
            if text != told:
                told = text
                set_trouble(project, Trouble(since, text))
                traceback.print_exc()
            if wait is None:
                sys.exit(1)
            pause = wait
            last = time.monotonic()  # what waits needs a writer, however long the store is away
        _rest(project, pause, trouble=patience.since is not None)


def _rest(project: Project, seconds: float, *, trouble: bool) -> None:
    """Pause; until somebody asks, unless there is trouble: then the answer is no."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if questions := asked(project):
            if not trouble:
                return
            answer(questions, fed=False)
        time.sleep(min(_LOOK, left))


def _one_line(text: str) -> str:
    return " ".join(redact(text).split())[:_LONGEST_TROUBLE]


def main(arguments: list[str] | None = None) -> None:
    """Run the writer; what ``python -m jupyter_mlops.tracking.writer`` does."""
    parser = argparse.ArgumentParser(description="Feed the journals of a project to MLflow.")
    parser.add_argument("--project", required=True, type=Path, help="the project's root")
    parser.add_argument("--idle", type=float, default=_IDLE_SECONDS, help="seconds until it ends")
    options = parser.parse_args(arguments)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    run(Project(options.project), options.idle)


if __name__ == "__main__":
    main()
