"""Values compared in a process of their own, which works in the notebook's folder.

Loading values imports what they need, such as modules beside the notebook, and runs their code.
Nothing of that may stay in the process that promotes, or bring it down.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import values
from ..errors import MlopsError
from . import differences
from .differences import Difference


@dataclass(frozen=True, slots=True)
class Question:
    """A variable that both folders of values hold."""

    notebook: str
    pipeline: str
    name: str


def compare_apart(questions: Sequence[Question], cwd: Path | None = None) -> list[Difference]:
    """Load and compare each variable, in order; ``cwd`` is the notebook's folder.

    A variable that brings the comparing process down is told to be different.
    """
    found: list[Difference] = []
    with tempfile.TemporaryDirectory(prefix="mlops-proof-") as scratch:
        while len(found) < len(questions):
            rest = questions[len(found) :]
            answers = list(_ask(rest, Path(scratch), cwd))
            found += answers[: len(rest)]
    return found


def _ask(questions: Sequence[Question], scratch: Path, cwd: Path | None) -> Iterator[Difference]:
    """Give the answers of one process; if it died over a question, that is the last answer."""
    asked, answered = scratch / "questions.json", scratch / "answers.jsonl"
    asked.write_text(json.dumps([asdict(each) for each in questions]), encoding="utf-8")
    answered.unlink(missing_ok=True)
    command = [sys.executable, "-P", "-m", __name__, str(asked), str(answered)]
    process = subprocess.run(
        command,
        cwd=cwd,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    lines = answered.read_text(encoding="utf-8").splitlines() if answered.exists() else []
    for line in lines:
        yield Difference(**json.loads(line))
    if len(lines) < len(questions):
        words = _death(process.returncode, process.stderr)
        yield Difference("different", f"it cannot be compared: {words}")


def _death(code: int, complaint: str) -> str:
    if code < 0:
        return f"the comparing process was killed by {signal.Signals(-code).name}"
    last = (complaint.strip().splitlines() or [""])[-1]
    return f"the comparing process ended with code {code}{f': {last}' if last else ''}"


def _environment() -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k != "JUPYTER_MLOPS_RUN"}
    environment["MPLBACKEND"] = "Agg"
    # The very package that asks, also from a checkout that is not installed.
    source = str(Path(__file__).resolve().parents[2])
    known = environment.get("PYTHONPATH", "").split(os.pathsep)
    if source not in known and "site-packages" not in source:
        environment["PYTHONPATH"] = os.pathsep.join([source, *filter(None, known)])
    return environment


class _Loaded:
    """The values of the two folders that were asked for last."""

    def __init__(self) -> None:
        self._folders: tuple[str, str] | None = None
        self._values: tuple[dict[str, Any], dict[str, Any]] = ({}, {})

    def pair(self, question: Question) -> tuple[Any, Any]:
        folders = (question.notebook, question.pipeline)
        if self._folders != folders:
            self._values = (_load(folders[0]), _load(folders[1]))
            self._folders = folders
        return self._values[0][question.name], self._values[1][question.name]


def _load(folder: str) -> dict[str, Any]:
    loaded: dict[str, Any] = {"__name__": "__main__"}
    values.load(Path(folder), loaded)
    return loaded


def _answer(loaded: _Loaded, question: Question) -> Difference:
    try:
        return differences.compare(*loaded.pair(question))
    except MlopsError as error:
        return Difference("different", f"it cannot be compared: {error.message}")
    except Exception as error:
        # Comparing calls what the notebook's own classes define.
        words = f"{type(error).__name__}: {error}"
        return Difference("different", f"it cannot be compared: {words}")


def main(asked: str, answered: str) -> None:
    """Answer the questions of a file, one line for each."""
    sys.path.insert(0, "")  # as in a kernel: modules beside the notebook
    questions = json.loads(Path(asked).read_text(encoding="utf-8"))
    loaded = _Loaded()
    with Path(answered).open("w", encoding="utf-8") as out:
        for each in questions:
            found = _answer(loaded, Question(**each))
            out.write(json.dumps(found.to_dict()) + "\n")
            out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
