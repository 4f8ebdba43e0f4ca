"""Completion of ``%mlops``: verbs, options, runs and notebooks, without MLflow and at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..notebook.cell_magic import ROLES, VERBS
from ..project import SETTINGS, Project
from .help import Verb, verbs

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

_LINE = re.compile(r"\s*(%{1,2})mlops\s+(.*)\Z")
_CELL_WORDS = ("step", *ROLES, *sorted(VERBS))
_MOST_RUNS = 50
_MOST_ENTRIES = 200


def register(shell: InteractiveShell) -> None:
    """Let ``shell`` complete what follows ``%mlops`` and ``%%mlops``."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier="jupyter_mlops", priority=200)  # type: ignore[untyped-decorator]
    def matcher(context: CompletionContext) -> dict[str, Any]:
        found = _LINE.match(context.line_with_cursor[: context.cursor_position])
        if found is None:
            return {"completions": []}
        before, token = _split(found[2], context.token)
        words = possible_words(found[1] == "%%", before, token)
        cut = len(token) - len(context.token)
        shown = [SimpleCompletion(text=word[cut:], type="magic") for word in words]
        return {"completions": shown, "suppress": True, "ordered": True}

    matchers: list[Any] = shell.Completer.custom_matchers
    matchers[:] = [each for each in matchers if _identifier(each) != "jupyter_mlops"]
    matchers.append(matcher)


def possible_words(cell: bool, before: list[str], token: str) -> list[str]:
    """Return what may stand in place of ``token``, behind the words ``before`` it."""
    found = _cell_words(before) if cell else _line_words(before, token)
    return [word for word in dict.fromkeys(found) if word.startswith(token)]


def _line_words(before: list[str], token: str) -> Iterable[str]:
    known = verbs()
    if not before:
        return known
    verb = known.get(before[0])
    if verb is None:
        return ()
    if token.startswith("-"):
        return (word for word in verb.options if word not in before)
    return _values(verb, before)


def _cell_words(before: list[str]) -> Iterable[str]:
    if before[-1:] in (["step"], ["--after"]):
        return ()
    return _CELL_WORDS if not before else ("--after", "metrics")


def _values(verb: Verb, before: list[str]) -> Iterator[str]:
    last = before[-1]
    if last == "--run" or (any("RUN" in each for each in verb.arguments) and last[:1] != "-"):
        yield from _runs()
    if any("PIPELINE" in each for each in verb.arguments) and len(before) == 1:
        yield from _pipelines()
    if last == "--notebook" or (any("NOTEBOOK" in n for n in verb.arguments) and last[:1] != "-"):
        yield from _notebooks()
    if last in ("--sort", "--metric", "--by") or "METRIC" in verb.arguments:
        yield from _metrics()


def _runs() -> list[str]:
    """Return the names of the newest runs that have a journal here, the newest first."""
    try:
        entries = sorted(
            os.scandir(Project.find().journals), key=lambda e: e.stat().st_mtime, reverse=True
        )
    except OSError:
        return []
    return ["latest", *(entry.name for entry in entries[:_MOST_RUNS])]


def _pipelines() -> list[str]:
    """Return the names of the pipelines in ``mlops.toml``, which may be in the making."""
    project = Project.find()
    try:
        content = tomllib.loads((project.root / SETTINGS).read_text(encoding="utf-8"))
        return [str(each["name"]) for each in content.get("pipeline", ())]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _notebooks() -> Iterator[str]:
    """Yield the notebooks in the working folder and the folders in it."""
    here = Path.cwd()
    folders = [entry for entry in _entries(here) if entry.is_dir()]
    for folder in (here, *(Path(entry.path) for entry in folders)):
        for entry in _entries(folder):
            if entry.name.endswith(".ipynb"):
                path = Path(entry.path).relative_to(here).as_posix()
                yield f'"{path}"' if " " in path else path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        found = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError:
        return []
    return sorted(found, key=lambda entry: entry.name)[:_MOST_ENTRIES]


def _metrics() -> list[str]:
    from ..capture import session

    current = session.current()
    return list(current.metrics) if current is not None else []


def _split(text: str, token: str) -> tuple[list[str], str]:
    """Return the whole words of a line, and the one that is being written.

    IPython's own token ends at signs that a name of ours may hold.
    """
    words = text.split()
    if not text or text[-1].isspace():
        return words, ""
    written = words.pop()
    return words, written if written.endswith(token) else token


def _identifier(matcher: Any) -> str:
    return str(getattr(matcher, "matcher_identifier", ""))
