"""The code beside the notebook as it was: from the git commit of the run and its kept diff."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..capture.redaction import MARK
from ..os_errors import explain_os_errors
from ..project import STATE, Project
from .recorded import GIT_DIFF, Recorded

SKIPPED = frozenset({STATE, ".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"})
_CODE = re.compile(
    r"\.(?:pyi?|json|ya?ml|toml|cfg|ini|txt|sql|r|sh|jinja|j2|html|css)\Z", re.IGNORECASE
)
_LARGEST = 16 << 20
_LARGEST_CODE = 1 << 20
_PARTS = re.compile(r"^(?=diff --git )", re.MULTILINE)
_NAMES = re.compile(r"^diff --git \"?a/(.*?)\"? \"?b/(.*?)\"?$", re.MULTILINE)


@dataclass(slots=True)
class Code:
    """Where the code came from; ``unproven`` are files of which nobody can say how they were."""

    commit: str = ""
    diff_sha256: str = ""
    files: int = 0
    changed: list[str] = field(default_factory=list)
    """Files whose uncommitted changes were put back from the kept diff."""
    unproven: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Files whose uncommitted changes were not kept, or do not fit."""

    @property
    def words(self) -> str:
        if not self.commit:
            where = "copied from the project as they are now; nothing proves that they are the same"
            return f"{_count(len(self.unproven))} {where}"
        parts = [f"{_count(self.files)} from commit {self.commit[:12]}"]
        if self.changed:
            parts.append(f"{len(self.changed)} of them with the run's uncommitted changes")
        if self.unproven:
            parts.append(f"{len(self.unproven)} not in git, as they are now")
        return ", ".join(parts)


def restore_code(project: Project, run: Recorded, target: Path) -> Code:
    """Fill ``target`` with the project's files as they were when the run was made.

    Notebooks' own cells come from the run, data by fingerprint: this is all the rest. What is not
    in git is copied as it is now, and told.
    """
    found = Code()
    target.mkdir(parents=True, exist_ok=True)
    commit = run.git.get("commit", "")
    prefix = _git(project.root, "rev-parse", "--show-prefix") if commit else None
    if prefix is None or not _checkout(project.root, commit, prefix.strip(), target):
        for path in _code_files(project.root):
            _copy(project.root, path, target)
            found.unproven.append(path.as_posix())
        return found
    found.commit = commit
    found.files = sum(len(files) for _, _, files in os.walk(target))
    diff = (run.content(GIT_DIFF) or b"").decode("utf-8", "surrogateescape")
    if diff:
        raw = diff.encode("utf-8", "surrogateescape")
        found.diff_sha256 = hashlib.sha256(raw).hexdigest()
        _apply(project, diff, prefix.strip(), target, found)
    for name in run.git.get("untracked", ()):
        inside = name.removeprefix(prefix.strip())
        for path in _below(project.root, Path(inside)):
            _copy(project.root, path, target)
            found.unproven.append(path.as_posix())
    return found


def committed(project: Project, commit: str, name: str) -> bytes | None:
    """Return a file of a commit, by its path below the project's root; None without one."""
    done = _run(project.root, "show", f"{commit}:./{name}")
    return done.stdout if done is not None and done.returncode == 0 else None


def state_of(folder: Path) -> dict[str, object]:
    """Return commit of a folder's repository and whether it has changes; empty outside one."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    status = _git(folder, "status", "--porcelain", "--untracked-files=no") or ""
    return {"commit": commit.strip(), "dirty": bool(status.strip())}


def _checkout(root: Path, commit: str, prefix: str, target: Path) -> bool:
    """Write the files of a commit, without touching the repository's own index and work tree."""
    # In a folder below the top git would only write what is below the same folder of the tree.
    top = Path((_git(root, "rev-parse", "--show-toplevel") or str(root)).strip())
    with tempfile.TemporaryDirectory(prefix="jupyter-mlops-") as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        tree = f"{commit}:{prefix.rstrip('/')}"
        read = _run(top, "read-tree", tree, more=index)
        if read is None or read.returncode:
            return False
        words = ("checkout-index", "--all", "--force", f"--prefix={target}/")
        written = _run(top, *words, more=index)
    return written is not None and written.returncode == 0


def _apply(project: Project, diff: str, prefix: str, target: Path, found: Code) -> None:
    """Apply the diff file by file, so that one that does not fit costs no other."""
    depth = 1 + prefix.count("/")
    for part in _PARTS.split(diff):
        names = _NAMES.search(part)
        if names is None:
            continue
        name = names[2].removeprefix(prefix)
        if name.endswith(".ipynb"):
            continue  # its cells are known as they were executed
        whole = MARK not in part and "[cut off: the diff has" not in part
        if whole and _patch(target, part, depth):
            found.changed.append(name)
            continue
        found.lost.append(name)
        if (project.root / name).is_file():
            _copy(project.root, Path(name), target)


def _patch(target: Path, part: str, depth: int) -> bool:
    more = {"GIT_CEILING_DIRECTORIES": str(target.resolve().parent)}
    words = ("apply", "--whitespace=nowarn", f"-p{depth}", "-")
    given = part.encode("utf-8", "surrogateescape")
    done = _run(target, *words, more=more, given=given)
    return done is not None and done.returncode == 0


def _below(root: Path, path: Path) -> Iterator[Path]:
    """Yield the files of an untracked path, which may be a folder."""
    full = root / path
    if full.is_dir():
        for folder, folders, files in os.walk(full):
            folders[:] = [name for name in folders if name not in SKIPPED]
            for name in files:
                yield from _below(root, (Path(folder) / name).relative_to(root))
    elif full.is_file() and full.stat().st_size <= _LARGEST and path.suffix != ".ipynb":
        yield path


def _code_files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and name[:1] != ".")
        for name in sorted(files):
            path = Path(folder) / name
            if _CODE.search(name) and path.stat().st_size <= _LARGEST_CODE:
                yield path.relative_to(root)


def _copy(root: Path, path: Path, target: Path) -> None:
    with explain_os_errors(target):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, target / path)


def _count(number: int) -> str:
    return f"{number:,} file{'s' * (number != 1)}"


def _git(folder: Path, *words: str) -> str | None:
    done = _run(folder, *words)
    if done is None or done.returncode:
        return None
    return done.stdout.decode("utf-8", "replace")


def _run(
    folder: Path, *words: str, more: dict[str, str] | None = None, given: bytes = b""
) -> subprocess.CompletedProcess[bytes] | None:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **(more or {})}
    try:
        return subprocess.run(
            ["git", "-c", "core.quotepath=off", "-C", str(folder), *words],
            input=given,
            capture_output=True,
            env=environment,
            check=False,
            timeout=120,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
