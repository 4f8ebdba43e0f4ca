"""Notes of a run, as one text that grows: MLflow shows it as the run's description."""

from __future__ import annotations

import time
from collections.abc import Iterable

TAG = "mlflow.note.content"
"""Where MLflow keeps the description of a run, which its pages show as Markdown."""
_LONGEST = 8000


def added(before: str, notes: Iterable[tuple[float, str]]) -> str:
    """Return a run's notes with more of them at the end, each with its time.

    What stands there already is not added again. Where it all grows too long, the oldest go.
    """
    for when, words in notes:
        text = f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(when))}  {words}"
        if text not in before:
            before = f"{before}\n\n{text}" if before else text
    return before[-_LONGEST:]
