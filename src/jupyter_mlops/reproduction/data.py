"""The data of a run, found again by its fingerprint, and put where the run has read it."""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import xxhash

from ..capture.sources import file_digest
from ..errors import MlopsError, Place
from ..notebook.outside import touches
from ..os_errors import explain_os_errors
from ..project import Project
from ..tracking.executions import tree_of
from .code import SKIPPED, committed
from .recorded import Recorded
from .replay import Execution

State = Literal["same", "moved", "from git", "made by the run", "not proven", "changed", "missing"]
_BAD: tuple[State, ...] = ("changed", "missing")
_SQLITE = "sqlite:///"
_PIECE = 1 << 20
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Found:
    """One file or database that the run has read; ``source`` is as the run has recorded it.

    ``found`` is where its content is now, ``sha256`` of what was placed; ``words`` say what is not
    as it was.
    """

    source: str
    kind: str
    fingerprint: str
    bytes: int | None
    state: State
    found: str = ""
    sha256: str = ""
    words: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_data(project: Project, run: Recorded, executions: Sequence[Execution]) -> list[Found]:
    """Look for all data of a run; nothing is written.

    A file's content is looked for at its path, then anywhere in the project, then in the commit
    of the run. What the run itself has written before it read it need not be there.
    """
    first: dict[str, dict[str, Any]] = {}
    for each in run.data:
        first.setdefault(each["source"], each)
    finder = _Finder(project, run)
    found: list[Found] = []
    for source, each in first.items():
        if each["kind"] == "sql" and source.startswith(_SQLITE):
            found += finder.database(each)
        elif each["kind"] == "file":
            made = _made_by_run(source, each["cell"], executions)
            found.append(finder.file(each, made=made))
    return found


def require(found: Sequence[Found], run: Recorded) -> None:
    """Raise ``reproduce.data`` where data is not there as the run has read it."""
    bad = [each for each in found if each.state in _BAD]
    if not bad:
        return
    more = f"; and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
    named = "; ".join(each.words for each in bad[:_MOST_NAMED])
    raise MlopsError(
        "reproduce.data",
        f"Data is not what the run has read: {named}{more}. Nothing was run.",
        hint="put the file back as it was (it is found by its content anywhere in the project), "
        "or go on with `--anyway`.",
        place=Place(run.notebook),
    )


def place_data(
    project: Project, found: Sequence[Found], target: Path, executions: Sequence[Execution]
) -> list[Found]:
    """Copy the data to the same relative paths below ``target``, for reading only.

    Files outside the project are read where they are.
    """
    placed = []
    for each in found:
        path = _relative(project, each)
        if path is None or not each.found or each.state == "made by the run":
            placed.append(each)
            continue
        place = target / path
        with explain_os_errors(target):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            if each.state == "from git":
                place.write_bytes(
                    committed(project, each.found.partition(" ")[2], str(path)) or b""
                )
            else:
                shutil.copyfile(project.root / each.found, place)
            is_written = any(_writes(e.source, path.name) for e in executions)
            place.chmod(0o644 if is_written or each.kind == "sql" else 0o444)
        placed.append(_with_digest(each, place))
    return placed


class _Finder:
    def __init__(self, project: Project, run: Recorded) -> None:
        self._project = project
        self._run = run
        self._sizes: dict[int, list[Path]] | None = None

    def file(self, each: dict[str, Any], *, made: bool) -> Found:
        source, wanted, size = each["source"], each["fingerprint"], each["bytes"]

        def result(state: State, where: str = "", words: str = "") -> Found:
            return Found(source, "file", wanted, size, state, where, words=words)

        if "://" in source or not wanted:
            return result("not proven", words=f"{source} is read from where it is, as it is now")
        if made:
            return result("made by the run")
        path = self._project.root / source
        now = _digest(path)
        if now == wanted:
            return result("same", source)
        if elsewhere := self._elsewhere(wanted, size):
            return result("moved", elsewhere, f"{source} was found as {elsewhere}")
        commit = self._run.git.get("commit", "")
        content = committed(self._project, commit, source) if commit else None
        if content is not None and xxhash.xxh3_128_hexdigest(content) == wanted:
            words = f"{source} is another now, and was taken from commit {commit[:12]}"
            return result("from git", f"git {commit}", words)
        was = f"the run has read {_bytes(size)}, fingerprint {wanted[:12]}…"
        if now is None:
            return result("missing", words=f"{source} is gone ({was})")
        here = f"now it has {_bytes(path.stat().st_size)}, fingerprint {now[:12]}…"
        return result("changed", source, f"{source} has changed ({was}; {here})")

    def database(self, each: dict[str, Any]) -> Iterator[Found]:
        path = Path(each["source"].removeprefix(_SQLITE))
        if path.is_file():
            words = f"{path.name}: known only by the answers that it gave"
            yield Found(str(path), "sql", "", None, "not proven", str(path), words=words)

    def _elsewhere(self, wanted: str, size: int | None) -> str | None:
        if self._sizes is None:
            self._sizes = {}
            for path in _files(self._project.root):
                self._sizes.setdefault(path.stat().st_size, []).append(path)
        for path in self._sizes.get(-1 if size is None else size, ()):
            if _digest(path) == wanted:
                return path.relative_to(self._project.root).as_posix()
        return None


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in files:
            path = Path(folder) / name
            if path.is_file():
                yield path


def _relative(project: Project, each: Found) -> Path | None:
    """Return the path below the project's root, None for what lies outside of it."""
    path = Path(each.source)
    if path.is_absolute():
        return path.relative_to(project.root) if path.is_relative_to(project.root) else None
    return path if "://" not in each.source else None


def _with_digest(each: Found, path: Path) -> Found:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return Found(**{**asdict(each), "sha256": hasher.hexdigest()})


def _digest(path: Path) -> str | None:
    try:
        return file_digest(str(path))
    except OSError:
        return None


def _made_by_run(source: str, order: int | None, executions: Sequence[Execution]) -> bool:
    """Tell whether a cell writes the file before it is read."""
    name = Path(source).name
    for each in executions:
        if order is not None and each.order > order:
            return False
        if each.order == order:
            return _writes_first(each.source, name)
        if _writes(each.source, name):
            return True
    return False


def _writes(source: str, name: str) -> bool:
    return any(writes for _, writes in _uses(source, name))


def _writes_first(source: str, name: str) -> bool:
    return next((writes for _, writes in sorted(_uses(source, name))), False)


def _uses(source: str, name: str) -> Iterator[tuple[int, bool]]:
    """Yield the lines with calls that name a file, and whether they write it."""
    first = source.partition("\n")[0].split()
    if first[:1] == ["%%writefile"] and Path(first[-1]).name == name:
        yield 1, True
        return
    tree = tree_of(source)
    if tree is None:
        return
    known = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _names_file(node.value, name)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = any(
            _names_file(part, name) or (isinstance(part, ast.Name) and part.id in known)
            for part in ast.walk(node)
        )
        if given:
            path = ast.unparse(node.func)
            touch = touches(node, path.rpartition(".")[2], path)
            if touch is not None:
                yield node.lineno, touch == "writes"


def _names_file(node: ast.AST, name: str) -> bool:
    return any(
        isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and Path(part.value).name == name
        for part in ast.walk(node)
    )


def _bytes(size: int | None) -> str:
    return f"{size:,} bytes" if size is not None else "content"
