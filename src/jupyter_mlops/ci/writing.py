"""The workflow file: written, brought up to date, and never at the cost of what a user wrote.

The first line holds a digest of all the rest but the user's own steps. Where it no longer fits,
the file was edited elsewhere, and is left alone.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..project import SETTINGS, Project
from .plan import plan
from .workflow import BEGIN, END, PATHS, Server, workflow

_HEAD = re.compile(r"# Made by `jupyter mlops ci init`[^\n]*\(([0-9a-f]{16})\)\n")
_OWN = re.compile(rf"^([ ]*){re.escape(BEGIN)}[^\n]*\n(.*?)^[ ]*{re.escape(END)}", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Written:
    """What `write` did with the file: ``change`` is new, updated, unchanged or replaced."""

    path: Path
    change: str
    own: int
    """Lines of the user's own steps that were kept."""
    kept: Path | None = None
    """The copy of an edited file that was replaced."""


def write(project: Project, server: Server, *, force: bool = False) -> Written:
    """Write the workflow file for a server, or bring it up to date.

    Steps that stand between the marks for the user's own are kept. A file that was edited
    elsewhere, or that somebody else wrote, is replaced only with ``force``; a copy of it is kept
    then, with ``.edited`` at the end of its name.

    Raises
    ------
    MlopsError
        ``ci.edited`` where such a file is there; ``ci.no-notebooks``.
    """
    path = project.root / PATHS[server]
    made = workflow(server, project, plan(project))
    with explain_os_errors(path):
        old = path.read_text(encoding="utf-8") if path.exists() else None
        own = _own(old or "")
        text = _with_head(_put_own(made, own))
        kept: Path | None = None
        change = "new"
        if old == text:
            return Written(path, "unchanged", own.count("\n"))
        if old is not None:
            change = "updated"
            if not _is_ours(old):
                if not force:
                    raise _edited(project, path, old)
                kept, change = _copy(path, old), "replaced"
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            staged.write_text(text, encoding="utf-8")
            os.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)
    return Written(path, change, own.count("\n"), kept)


def _with_head(text: str) -> str:
    return (
        f"# Made by `jupyter mlops ci init` from {SETTINGS}; run it again after a change there. "
        f"({_digest(text)})\n{text}"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(_put_own(text, "").encode()).hexdigest()[:16]


def _is_ours(text: str) -> bool:
    head = _HEAD.match(text)
    return head is not None and head[1] == _digest(text[head.end() :])


def _own(text: str) -> str:
    found = _OWN.search(text)
    return found[2] if found else ""


def _put_own(text: str, own: str) -> str:
    return _OWN.sub(lambda found: f"{found[1]}{BEGIN}\n{own}{found[1]}{END}", text, count=1)


def _copy(path: Path, text: str) -> Path:
    for number in itertools.count(1):
        copy = path.with_name(f"{path.name}.edited{f'-{number}' if number > 1 else ''}")
        if not copy.exists():
            copy.write_text(text, encoding="utf-8")
            return copy
    raise AssertionError  # the count has no end


def _edited(project: Project, path: Path, text: str) -> MlopsError:
    made = _HEAD.match(text) is not None
    what = "has been edited" if made else "was not made by `jupyter mlops ci init`"
    return MlopsError(
        "ci.edited",
        f"{project.relative(path)} {what}; it is left as it is.",
        hint=f"change `[ci]` in {SETTINGS}, or write your own steps between `{BEGIN}` and "
        f"`{END}`: both are kept. `--force` replaces the file and keeps a copy.",
        place=Place(project.relative(path)),
    )
