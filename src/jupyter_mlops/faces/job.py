"""Verbs that the server has started: a process each, followed through its JSON lines."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from ..errors import MlopsError
from ..models import ErrorMessage

GRACE = 10.0
"""Seconds between asking a cancelled job to end and ending it."""
_KEPT = 50
_LOG_LINES = 60
# one event per line; a longer line than this is no event of ours
_LINE_LIMIT = 16 * 1024 * 1024

Status = Literal["running", "done", "failed", "cancelled"]
_AnyJob = TypeVar("_AnyJob", bound="Job")


class Job:
    """One verb in a process of its own, so that the server stays small and quick.

    ``what`` the verb makes is told in errors; ``hint`` says where to look when it ends without a
    word. `take` and `take_result` are told what the process tells.
    """

    what = "job"
    hint = "read the log."

    def __init__(self, path: str, log: logging.Logger) -> None:
        self.id = uuid.uuid4().hex
        self.path = path
        self.status: Status = "running"
        self.error: ErrorMessage | None = None
        self._log = log
        self._started = time.monotonic()
        self._ended: float | None = None
        self._has_result = False
        self._said: deque[str] = deque(maxlen=_LOG_LINES)
        self._cancelled = False
        self._process: asyncio.subprocess.Process | None = None
        self._follower: asyncio.Task[None] | None = None

    def take(self, event: dict[str, Any]) -> None:
        """Take an event's JSON; raises `ValueError`, `TypeError` or `KeyError` for what is none."""
        raise NotImplementedError

    def take_result(self, data: Any) -> None:
        """Take what the verb returned; raises as `take`."""
        raise NotImplementedError

    @property
    def said(self) -> str:
        """The last lines of what the process said beside its events."""
        return "\n".join(self._said)

    @property
    def seconds(self) -> float:
        """Since the start, or from start to end."""
        return round((self._ended or time.monotonic()) - self._started, 1)

    async def start(self, command: Sequence[str], cwd: Path) -> None:
        """Start the process; raises `MlopsError` ``….not-started``."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LINE_LIMIT,
                # a group of its own, so that cancelling reaches the steps as well
                start_new_session=True,
            )
        except OSError as error:
            raise MlopsError(
                f"{self.what}.not-started",
                f"The {self.what} could not be started: {error.strerror or error}.",
                hint="see the server's log and its settings.",
            ) from error
        self._follower = asyncio.create_task(self._follow(self._process))

    async def cancel(self) -> None:
        """Ask the process to end, end it after `GRACE` seconds, and wait until it is gone."""
        if self._process is None or self._follower is None or self.status != "running":
            return
        self._cancelled = True
        self._signal(signal.SIGINT)
        done, _ = await asyncio.wait({self._follower}, timeout=GRACE)
        if not done:
            self._signal(signal.SIGKILL)
            await asyncio.wait({self._follower}, timeout=GRACE)

    async def ended(self) -> None:
        """Wait until the process has ended."""
        if self._follower is not None:
            await asyncio.wait({self._follower})

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            await asyncio.gather(self._read_events(process.stdout), self._read_log(process.stderr))
            code = await process.wait()
        except Exception:
            self._log.exception("the %s of %s could not be followed", self.what, self.path)
            self._signal(signal.SIGKILL)
            code = await process.wait()
        self._ended = time.monotonic()
        self._settle(code)

    def _settle(self, code: int) -> None:
        if self._has_result:
            self.status = "done"
            return
        self.status = "cancelled" if self._cancelled else "failed"
        if self.error is None and not self._cancelled:
            words = "%s of %s: exit code %s\n%s"
            self._log.error(words, self.what, self.path, code, self.said)
            self.error = ErrorMessage(
                code=f"{self.what}.ended",
                message=f"The {self.what}'s process ended without a result (exit code {code}).",
                hint=self.hint,
            )

    async def _read_events(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            text = line.decode(errors="replace").rstrip()
            if not text:
                continue
            try:
                self._take(json.loads(text))
            except (ValueError, TypeError, KeyError):
                self._said.append(text)  # a library printed something

    async def _read_log(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self._said.append(line.decode(errors="replace").rstrip())

    def _take(self, event: dict[str, Any]) -> None:
        if event["stage"] == "result":
            self.take_result(event["data"])
            self._has_result = True
        elif event["stage"] == "error":
            self.error = ErrorMessage.model_validate(event["data"])
        else:
            self.take(event)


class Jobs(Generic[_AnyJob]):
    """The jobs of one kind that this server has started, the newest of them."""

    def __init__(self) -> None:
        self._known: dict[str, _AnyJob] = {}

    @contextmanager
    def added(self, job: _AnyJob) -> Iterator[None]:
        """Know a job that the block starts, unless it cannot be started.

        Raises `MlopsError` ``….running`` while another job of the same notebook runs.
        """
        for known in self._known.values():
            if known.path == job.path and known.status == "running":
                raise MlopsError(
                    f"{job.what}.running",
                    f"A {job.what} of {job.path} runs already.",
                    hint="wait until it has ended, or stop it.",
                )
        # known before the first await, so that two requests at once cannot both pass the check
        self._known[job.id] = job
        try:
            yield
        except MlopsError:
            del self._known[job.id]
            raise
        ended = [id for id, job in self._known.items() if job.status != "running"]
        for id in ended[: max(0, len(self._known) - _KEPT)]:
            del self._known[id]

    async def close(self) -> None:
        """Cancel what still runs."""
        await asyncio.gather(*(job.cancel() for job in self._known.values()))
