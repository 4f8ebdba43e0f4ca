"""Git: the commit a run was made from, and what was not committed yet."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from ..project import STATE
from .records import Git
from .redaction import redact

DIFF = "git.diff"
_LARGEST = 1 << 20
_SECONDS = 20.0
_MOST_UNTRACKED = 200


def git(root: Path, folder: Path) -> Git | None:
    """Return commit, branch and changes of the repository around ``root``; None without one.

    The diff of the project against the commit is written to ``folder``, secrets redacted and cut
    off after 1 MiB.
    """
    commit = _run(root, "rev-parse", "HEAD")
    if commit is None and _run(root, "rev-parse", "--git-dir") is None:
        return None
    branch = _run(root, "symbolic-ref", "--short", "-q", "HEAD") or ""
    status = _run(root, "status", "--porcelain", "-z", "--", ".", f":(exclude){STATE}") or ""
    entries = [entry for entry in status.split("\0") if entry]
    untracked = [entry[3:] for entry in entries if entry.startswith("??")]
    diff = ""
    if len(untracked) < len(entries) and commit is not None:
        diff = _run(root, "diff", "--no-ext-diff", "--no-textconv", "HEAD", "--", ".") or ""
    if diff:
        size = len(diff)
        # Redacted before it is cut, so that no part of a secret is left; far more is not looked at.
        diff = redact(diff[: 2 * _LARGEST])[:_LARGEST]
        if size > _LARGEST:
            diff = f"{diff}\n[cut off: the diff has {size} characters]\n"
        part = folder / f".{DIFF}.part"
        part.write_text(diff, encoding="utf-8")
        os.replace(part, folder / DIFF)
    return Git(
        time=time.time(),
        commit=(commit or "").strip(),
        branch=redact(branch.strip()),
        dirty=bool(entries),
        untracked=tuple(map(redact, untracked[:_MOST_UNTRACKED])),
        diff=DIFF if diff else "",
    )


def _run(root: Path, *words: str) -> str | None:
    """Return what git prints, None where it fails, is missing or takes too long."""
    # Without optional locks git never stands in the way of the user's own commands.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotepath=off", "-C", str(root), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
