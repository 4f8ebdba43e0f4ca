"""Promotions that the server has started."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import MlopsError
from ..models import EventView, PromotionView, ReleaseView
from .job import Job, Jobs


class Promotion(Job):
    """One ``promote``."""

    what = "promotion"
    hint = "read the log; `jupyter mlops releases` tells what was published."

    def __init__(self, path: str, log: logging.Logger) -> None:
        super().__init__(path, log)
        self._events: list[EventView] = []
        self._result: ReleaseView | None = None

    def view(self) -> PromotionView:
        """Return the promotion as it stands."""
        return PromotionView(
            id=self.id,
            path=self.path,
            status=self.status,
            seconds=self.seconds,
            events=list(self._events),
            result=self._result,
            error=self.error,
            log=self.said,
        )

    def take(self, event: dict[str, Any]) -> None:
        self._events.append(EventView.model_validate({**event, "at": self.seconds}))

    def take_result(self, data: Any) -> None:
        self._result = release_view(data)


class Promotions(Jobs[Promotion]):
    """All promotions of this server, the newest of them."""

    def __init__(self, command: Sequence[str], log: logging.Logger) -> None:
        super().__init__()
        self._command = tuple(command)
        self._log = log

    async def start(self, notebook: Path, path: str, cwd: Path) -> Promotion:
        """Start the promotion of ``notebook``, which the contents API calls ``path``.

        Raises `MlopsError` ``promotion.running`` while another promotion of it runs here.
        """
        promotion = Promotion(path, self._log)
        command = [str(notebook) if word == "{notebook}" else word for word in self._command]
        with self.added(promotion):
            await promotion.start(command, cwd)
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
