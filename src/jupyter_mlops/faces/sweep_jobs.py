"""Sweeps that the server has started."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..models import SweepRequest
from ..progress import Event
from .job import Job, Jobs
from .sweep_standing import Standing


class SweepJob(Job):
    """One ``sweep``; ``standing`` is what its events have told."""

    what = "sweep"
    hint = "read the log; the points that have ended are kept."

    def __init__(self, path: str, log: logging.Logger) -> None:
        super().__init__(path, log)
        self.standing = Standing()
        self._named = asyncio.Event()

    def take(self, event: dict[str, Any]) -> None:
        self.standing.take(Event(**event))
        if self.standing.name:
            self._named.set()

    def take_result(self, data: Any) -> None:
        self._named.set()

    async def begun(self) -> str:
        """Wait until the sweep has a name, and return it; raises the error that it ended with."""
        ended = asyncio.create_task(self.ended())
        named = asyncio.create_task(self._named.wait())
        try:
            await asyncio.wait({ended, named}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            named.cancel()
        if self.standing.name or self.error is None:
            return self.standing.name
        error = self.error
        place = Place(**error.place.model_dump()) if error.place is not None else None
        raise MlopsError(error.code, error.message, hint=error.hint, place=place)


class SweepJobs(Jobs[SweepJob]):
    """The sweeps of this server, the newest of them.

    Those that are stopped when it closes keep what is done, and can be gone on with.
    """

    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self._log = log

    async def start(self, notebook: Path, path: str, cwd: Path, request: SweepRequest) -> SweepJob:
        """Start a sweep of ``notebook``, which the contents API calls ``path``; return it named.

        Raises `MlopsError` ``sweep.running`` while another sweep of it runs here, and what the
        sweep itself raises before it begins.
        """
        job = SweepJob(path, self._log)
        with self.added(job):
            await job.start(command(notebook, request), cwd)
            await job.begun()
        return job

    def find(self, name: str) -> SweepJob | None:
        """Return the sweep of that name, if it was started here."""
        return next((job for job in self._known.values() if job.standing.name == name), None)


def command(notebook: Path, request: SweepRequest) -> list[str]:
    """Return the command of a sweep: what a user would write."""
    words = [sys.executable, "-m", "jupyter_mlops.faces.cli", "sweep", "--json"]
    for name, given in request.parameters.items():
        words += ["-p", f"{name}={given}" if given.strip() else name]
    if request.metric:
        words += ["--metric", request.metric]
        if request.highest is not None:
            words.append("--max" if request.highest else "--min")
    if request.workers is not None:
        words += ["--workers", str(request.workers)]
    if request.random is not None:
        words += ["--random", str(request.random)]
    return [*words, "--", str(notebook)]
