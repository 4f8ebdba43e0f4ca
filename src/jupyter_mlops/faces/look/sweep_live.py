"""``%mlops sweep`` in a notebook: one display that is kept up to date while points run."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import MlopsError
from ...progress import Event
from ..sweep_standing import Standing
from ..verb_process import run_verb
from ..views import View
from . import sweep_table
from .sweep_screen import Screen

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_SECONDS_BETWEEN_UPDATES = 0.4


def run(shell: InteractiveShell | None, words: list[str]) -> View | None:
    """Run a verb whose points are told, show how it stands, and return its view.

    Raises `MlopsError` as the verb does; ``sweep.stopped``, with the way to go on, where the user
    has interrupted it.
    """
    if not hasattr(shell, "kernel"):
        if not sys.stderr.isatty():
            return _run(words, Standing(), None)
        with Screen(sys.stderr) as screen:
            return _run(words, screen.standing, screen.take)
    with _Display() as display:
        return _run(words, display.standing, display.take)


def _run(words: list[str], standing: Standing, take: Callable[[Event], None] | None) -> View | None:
    try:
        return run_verb(words, take=take)
    except KeyboardInterrupt:
        if not standing.name:
            raise
        raise MlopsError(
            f"{standing.kind}.stopped",
            f"Stopped: {standing.done} of {standing.total} points are done, and kept.",
            hint=f"`%mlops {standing.kind} --resume {standing.name}` goes on.",
        ) from None


class _Display:
    """One display, replaced as a whole from a thread of its own while the cell waits."""

    def __init__(self) -> None:
        self.standing = Standing()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._shown = ""
        self._handle: Any = None
        self._thread = threading.Thread(target=self._follow, name="mlops-sweep", daemon=True)

    def __enter__(self) -> _Display:
        from IPython.display import display

        self._handle = display(self._bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._update("Stopped." if kind is not None else "")

    def take(self, event: Event) -> None:
        with self._lock:
            self.standing.take(event)

    def _follow(self) -> None:
        while not self._over.wait(_SECONDS_BETWEEN_UPDATES):
            self._update()

    def _update(self, note: str = "") -> None:
        bundle = self._bundle(note)
        if bundle["text/html"] != self._shown:
            self._shown = bundle["text/html"]
            self._handle.update(bundle, raw=True)

    def _bundle(self, note: str = "") -> dict[str, str]:
        with self._lock:
            return {
                "text/html": sweep_table.html(self.standing, note),
                "text/plain": sweep_table.text(self.standing, note),
            }
