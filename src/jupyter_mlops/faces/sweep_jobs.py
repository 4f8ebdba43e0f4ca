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
from .job import Job, forget
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


class SweepJobs:
    """The sweeps of this server, the newest of them."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._known: dict[str, SweepJob] = {}

    async def start(self, notebook: Path, path: str, cwd: Path, request: SweepRequest) -> SweepJob:
        """Start a sweep of ``notebook``, which the contents API calls ``path``; return it named.

        Raises `MlopsError` ``sweep.running`` while another sweep of it runs here, and what the
        sweep itself raises before it begins.
        """
        for known in self._known.values():
            if known.path == path and known.status == "running":
                raise MlopsError(
                    "sweep.running",
                    f"A sweep of {path} runs already.",
                    hint="wait until it has ended, or stop it.",
                )
        job = SweepJob(path, self._log)
        # known before the first await, so that two requests at once cannot both pass the check
        self._known[job.id] = job
        try:
            await job.start(command(notebook, request), cwd)
            await job.begun()
        except MlopsError:
            del self._known[job.id]
            raise
        forget(self._known)
        return job

    def find(self, name: str) -> SweepJob | None:
        """Return the sweep of that name, if it was started here."""
        return next((job for job in self._known.values() if job.standing.name == name), None)

    async def close(self) -> None:
        """Stop what still runs: what is done is kept, and can be gone on with."""
        await asyncio.gather(*(job.cancel() for job in self._known.values()))


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
