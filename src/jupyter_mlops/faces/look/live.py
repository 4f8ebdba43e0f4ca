"""The run card in a notebook: shown once, then kept up to date while cells run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ...capture.session import CaptureSession
from . import card
from .facts import Facts, FactsReader

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

WIDGET = "application/vnd.jupyter.widget-view+json"
_SECONDS_BETWEEN_LOOKS = 0.5
_live: LiveCard | None = None


def show(shell: InteractiveShell, session: CaptureSession) -> None:
    """Show the card of the run being captured; an earlier card of this kernel stands still.

    In a notebook it is an ipywidget where ipywidgets are installed, else plain HTML; both follow
    the run. In a terminal it is text.
    """
    global _live
    reader = FactsReader(session.folder, session.path, session.project.tracking_uri)
    if not hasattr(shell, "kernel"):
        print(card.text(reader.read()))
        return
    if _live is not None:
        _live.stop()
    _live = LiveCard(reader, session)
    _live.show()


class LiveCard:
    """One shown card, and the thread that brings it up to date."""

    def __init__(self, reader: FactsReader, session: CaptureSession) -> None:
        self._reader = reader
        self._session = session
        self._over = threading.Event()
        self._shown = ""
        self._surface: _Html | _Widget | None = None

    def show(self) -> None:
        facts = self._reader.read()
        self._shown = card.html(facts)
        surface = _Widget if _has_widgets() else _Html
        self._surface = surface(self._session, self._shown, card.text(facts))
        threading.Thread(target=self._follow, name="mlops-card", daemon=True).start()

    def stop(self) -> None:
        """Leave the card as it is."""
        self._over.set()

    def _follow(self) -> None:
        while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
            try:
                facts = self._reader.read()
                self._update(facts)
            except Exception:
                # A front end that went away must not print into whatever cell runs now.
                return
            if facts.state == "ended":
                return

    def _update(self, facts: Facts) -> None:
        content = card.html(facts)
        if content != self._shown and self._surface is not None:
            self._shown = content
            self._surface.update(content, card.text(facts))


class _Html:
    """A display that is replaced as a whole; every front end can do that."""

    def __init__(self, session: CaptureSession, content: str, text: str) -> None:
        from IPython.display import display

        bundle = {"text/html": content, "text/plain": text}
        self._handle: Any = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def update(self, content: str, text: str) -> None:
        self._handle.update({"text/html": content, "text/plain": text}, raw=True)


class _Widget:
    """The card with a line for a note below it."""

    def __init__(self, session: CaptureSession, content: str, text: str) -> None:
        import ipywidgets
        from IPython.display import display

        self._session = session
        self._html = ipywidgets.HTML(content)
        self._note = ipywidgets.Text(
            placeholder="Add a note to this run",
            continuous_update=False,
            layout=ipywidgets.Layout(width="380px", margin="4px 0 0 2px"),
        )
        self._told = ipywidgets.HTML()
        self._note.observe(self._add_note, "value")
        line = ipywidgets.HBox([self._note, self._told])
        box = ipywidgets.VBox([self._html, line])
        # Front ends without widgets, and the saved notebook, have the card as it was shown.
        bundle = {**box._repr_mimebundle_(), "text/html": content, "text/plain": text}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]

    def update(self, content: str, text: str) -> None:
        self._html.value = content

    def _add_note(self, change: dict[str, Any]) -> None:
        words = str(change["new"]).strip()
        if words and not self._session.active:
            self._told.value = "The run has ended: write <code>%mlops note --run RUN TEXT</code>."
        elif words:
            self._session.note(words)
            self._told.value = "noted"
            self._note.value = ""


def _has_widgets() -> bool:
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return True
