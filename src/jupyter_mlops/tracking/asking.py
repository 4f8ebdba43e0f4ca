"""Asking the writer: it has imported MLflow, so that nobody else waits for an import of that.

A question is an empty file; the writer feeds all there is and removes it, or writes that it cannot.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from ..capture.processes import writer_lives
from ..project import Project

_FOLDER = "asked"
_NO = "no"
_POLL = 0.02
_POLLS_UNTIL_LOOK = 25
"""A look whether the writer lives costs more than one for its answer."""


def ask(project: Project, seconds: float = 30.0) -> bool:
    """Have the project's writer feed all there is now, and return whether it has.

    False where no writer lives, where it cannot feed the store, or where it takes longer.
    """
    if not writer_lives(project):
        return False
    question = project.folder(_FOLDER) / f"{uuid4().hex}{_store(project)}"
    end = time.monotonic() + seconds
    try:
        question.touch()
        polls = 0
        while question.stat().st_size == 0 and time.monotonic() < end:
            polls += 1
            if polls % _POLLS_UNTIL_LOOK == 0 and not writer_lives(project):
                break
            time.sleep(_POLL)
    except FileNotFoundError:
        return True
    except OSError:
        return False  # a full disk, say: it takes no question
    question.unlink(missing_ok=True)
    return False


def asked(project: Project) -> list[Path]:
    """Return the questions that wait for the writer; those for another store it refuses."""
    try:
        found = [each for each in (project.state / _FOLDER).iterdir() if not each.stat().st_size]
    except OSError:
        return []
    if not found:
        return []
    store = _store(project)
    answer((each for each in found if each.suffix != store), fed=False)
    return [each for each in found if each.suffix == store]


def answer(questions: Iterable[Path], *, fed: bool) -> None:
    """Tell those who asked whether all there was when they asked is in the store."""
    for question in questions:
        with contextlib.suppress(OSError):  # who asked has gone
            if fed:
                question.unlink()
                continue
            with question.open("r+") as file:  # which makes none anew
                file.write(_NO)


def _store(project: Project) -> str:
    """Return the ending that names the store: the environment of who asks may choose another."""
    return f".{sha256(project.tracking_uri.encode()).hexdigest()[:12]}"
