"""Promotions that the server has started: one process each, followed through its JSON lines."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ..errors import MlopsError
from ..models import ErrorMessage, EventView, PromotionView, ReleaseView

GRACE = 10.0
"""Seconds between asking a cancelled promotion to end and ending it."""
_KEPT = 50
_LOG_LINES = 60
# one event per line; a longer line than this is no event of ours
_LINE_LIMIT = 16 * 1024 * 1024

Status = Literal["running", "done", "failed", "cancelled"]


class Promotion:
    """One ``promote`` in a process of its own, so that the server stays small and quick."""

    def __init__(self, path: str, log: logging.Logger) -> None:
        self.id = uuid.uuid4().hex
        self.path = path
        self.status: Status = "running"
        self._log = log
        self._started = time.monotonic()
        self._ended: float | None = None
        self._events: list[EventView] = []
        self._result: ReleaseView | None = None
        self._error: ErrorMessage | None = None
        self._said: deque[str] = deque(maxlen=_LOG_LINES)
        self._cancelled = False
        self._process: asyncio.subprocess.Process | None = None
        self._follower: asyncio.Task[None] | None = None

    def view(self) -> PromotionView:
        """Return the promotion as it stands."""
        return PromotionView(
            id=self.id,
            path=self.path,
            status=self.status,
            seconds=self._seconds(),
            events=list(self._events),
            result=self._result,
            error=self._error,
            log="\n".join(self._said),
        )

    def _seconds(self) -> float:
        return round((self._ended or time.monotonic()) - self._started, 1)

    async def start(self, command: Sequence[str], cwd: Path) -> None:
        """Start the process; raises `MlopsError` ``promotion.not-started``."""
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
                "promotion.not-started",
                f"The promotion could not be started: {error.strerror or error}.",
                hint="see the server's log and its setting promote_command.",
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
            self._log.exception("the promotion of %s could not be followed", self.path)
            self._signal(signal.SIGKILL)
            code = await process.wait()
        self._ended = time.monotonic()
        self._settle(code)

    def _settle(self, code: int) -> None:
        if self._result is not None:
            self.status = "done"
            return
        self.status = "cancelled" if self._cancelled else "failed"
        if self._error is None and not self._cancelled:
            self._log.error("promotion of %s: exit code %s\n%s", self.path, code, self.view().log)
            self._error = ErrorMessage(
                code="promotion.ended",
                message=f"The promotion's process ended without a result (exit code {code}).",
                hint="read the log; `jupyter mlops releases` tells what was published.",
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
            self._result = release_view(event["data"])
        elif event["stage"] == "error":
            self._error = ErrorMessage.model_validate(event["data"])
        else:
            self._events.append(EventView.model_validate({**event, "at": self._seconds()}))


class Promotions:
    """All promotions of this server, the newest `_KEPT` of them."""

    def __init__(self, command: Sequence[str], log: logging.Logger) -> None:
        self._command = tuple(command)
        self._log = log
        self._known: dict[str, Promotion] = {}

    async def start(self, notebook: Path, path: str, cwd: Path) -> Promotion:
        """Start the promotion of ``notebook``, which the contents API calls ``path``.

        Raises `MlopsError` ``promotion.running`` while another promotion of it runs here.
        """
        for known in self._known.values():
            if known.path == path and known.status == "running":
                raise MlopsError(
                    "promotion.running",
                    f"{path} is being promoted already.",
                    hint="wait until that promotion has ended, or cancel it.",
                )
        promotion = Promotion(path, self._log)
        # known before the first await, so that two requests at once cannot both pass the check
        self._known[promotion.id] = promotion
        command = [str(notebook) if word == "{notebook}" else word for word in self._command]
        try:
            await promotion.start(command, cwd)
        except MlopsError:
            del self._known[promotion.id]
            raise
        self._forget()
        return promotion

    def get(self, id: str) -> Promotion:
        """Return a promotion; raises `MlopsError` ``promotion.unknown``."""
        if id not in self._known:
            raise MlopsError(
                "promotion.unknown",
                "The server knows no such promotion.",
                hint="it was restarted since: look at the releases, or promote again.",
            )
        return self._known[id]

    def list(self, path: str | None = None) -> list[Promotion]:
        """Return the promotions, or those of one notebook, newest first."""
        return [p for p in reversed(self._known.values()) if path is None or p.path == path]

    async def close(self) -> None:
        """Cancel what still runs."""
        await asyncio.gather(*(promotion.cancel() for promotion in self._known.values()))

    def _forget(self) -> None:
        ended = [p.id for p in self._known.values() if p.status != "running"]
        for id in ended[: max(0, len(self._known) - _KEPT)]:
            del self._known[id]


def release_view(manifest: dict[str, Any]) -> ReleaseView:
    """Return the sidebar's part of a ``release.json``; raises `ValueError` where it is none."""
    try:
        return ReleaseView(
            ref=f"{manifest['name']}/{manifest['version']}",
            run=manifest["run"],
            model_version=_text(manifest.get("model_version")),
            images=manifest.get("images"),
            target=manifest.get("target") or "",
            proof=(manifest.get("proof") or {}).get("words") or "",
            metrics=manifest.get("metrics") or {},
        )
    except (KeyError, AttributeError, ValidationError) as error:
        raise ValueError(f"this is no release manifest: {error}") from None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
