"""What travels to and from workers that do not share the project's folder.

To them: the notebook, the modules beside it that it imports, and the project's settings; data files
are not sent. From them: the journal's folder and the executed notebook of each point's run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from ..capture import journal
from ..capture.journal import Journal
from ..capture.records import End, Start
from ..images.imports import imported_modules
from ..notebook.document import Notebook
from ..notebook.siblings import sibling
from ..os_errors import explain_os_errors
from ..project import SETTINGS, Project
from ..rerun.record import executed_path
from ..tracking import cursor

INLINE = 16 << 20
"""Bytes of a run's files that come with the point's result; more are fetched part by part."""
PART = 8 << 20
_OF_FEEDING = frozenset({"lock", cursor.NAME})


@dataclass(frozen=True, slots=True)
class Sent:
    """``files`` are contents by path, relative to the project's root; ``notebook`` is one."""

    notebook: str
    files: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Left:
    """What a run has left at a worker: names and sizes, and the contents if they are small.

    A name begins with ``journal/`` or is ``executed``.
    """

    run: str
    sizes: dict[str, int]
    contents: dict[str, bytes]


def pack(notebook: Notebook, project: Project) -> Sent:
    """Read the files that a notebook needs, its data not among them."""
    path = notebook.path.resolve()
    root = project.root if path.is_relative_to(project.root) else path.parent
    files = {path: path.read_bytes()}
    for each in _modules(path):
        files[each] = each.read_bytes()
    if (settings := project.root / SETTINGS).is_file():
        files[root / SETTINGS] = settings.read_bytes()
    relative = {each.relative_to(root).as_posix(): content for each, content in files.items()}
    return Sent(path.relative_to(root).as_posix(), relative)


def unpack(sent: Sent, root: Path) -> Path:
    """Write what was sent below ``root``, and return where the notebook is."""
    with explain_os_errors(root):
        for name, content in sent.files.items():
            path = root / _safe(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return root / _safe(sent.notebook)


def left(project: Project, run: str) -> Left:
    """Return what a run that is over has left in a project."""
    paths = dict(_paths(project, run))
    sizes = {name: path.stat().st_size for name, path in paths.items()}
    small = sum(sizes.values()) <= INLINE
    contents = {name: path.read_bytes() for name, path in paths.items()} if small else {}
    return Left(run, sizes, contents)


def part(project: Project, run: str, name: str, offset: int) -> bytes:
    """Return at most `PART` bytes of a file that a run has left."""
    path = dict(_paths(project, run))[name]
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(PART)


def forget(project: Project, run: str) -> None:
    """Delete what a run has left."""
    shutil.rmtree(project.journals / run, ignore_errors=True)
    (project.state / "executed" / f"{run}.ipynb").unlink(missing_ok=True)


def bring_in(
    project: Project,
    notebook: Notebook,
    found: Left,
    staging: Path,
    fetch: Callable[[str, int], bytes],
) -> Path:
    """Make a run of what one has left elsewhere, and return its executed notebook.

    Nothing of the run is seen before all of it is there.

    Parameters
    ----------
    staging
        A folder on the project's file system for what is not complete.
    fetch
        Returns a part of a file, by name and offset.
    """
    folder = staging / found.run
    shutil.rmtree(folder, ignore_errors=True)
    executed = executed_path(project, found.run)
    with explain_os_errors(project.root):
        (folder / "journal").mkdir(parents=True)
        for name in found.sizes:
            path = folder / _safe(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for content in _contents(found, name, fetch):
                    file.write(content)
        _settle(folder / "journal", notebook)
        if (folder / "executed").exists():
            os.replace(folder / "executed", executed)
        os.replace(folder / "journal", project.folder("journal") / found.run)
        shutil.rmtree(folder, ignore_errors=True)
    return executed


def disown(project: Project, run: str, when: float) -> None:
    """Note that a run was killed, whatever its journal says: its point has another run."""
    folder = project.journals / run
    if (folder / journal.NAME).exists():
        written = Journal(folder)
        written.append(End(time=when, status="KILLED"))
        written.close()


def _settle(folder: Path, notebook: Notebook) -> None:
    """Let a journal that was written elsewhere name the notebook as it is called here."""
    records = journal.read_all(folder / journal.NAME)
    (folder / journal.NAME).unlink()
    written = Journal(folder)
    for record in records:
        if isinstance(record, Start):
            path = str(notebook.path.resolve())
            record = msgspec.structs.replace(record, notebook=notebook.name, path=path)
        written.append(record)
    written.close()


def _contents(found: Left, name: str, fetch: Callable[[str, int], bytes]) -> Iterator[bytes]:
    if name in found.contents:
        yield found.contents[name]
        return
    offset = 0
    while offset < found.sizes[name]:
        content = fetch(name, offset)
        if not content:
            return
        offset += len(content)
        yield content


def _paths(project: Project, run: str) -> Iterator[tuple[str, Path]]:
    folder = project.journals / run
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in _OF_FEEDING:
            yield f"journal/{path.relative_to(folder).as_posix()}", path
    executed = project.state / "executed" / f"{run}.ipynb"
    if executed.exists():
        yield "executed", executed


def _modules(notebook: Path) -> set[Path]:
    """Return the modules beside a notebook that it imports, and those that they import."""
    folder = str(notebook.parent)
    found: set[Path] = set()
    waiting = [notebook]
    while waiting:
        path = waiting.pop()
        text = path.read_text(encoding="utf-8", errors="replace")
        for source in _sources(path, text):
            for name in imported_modules(source):
                place = sibling(name, folder)
                if place is None or place in found:
                    continue
                package = place.parent.rglob("*.py") if place.name == "__init__.py" else [place]
                new = {each for each in package if each.is_file()} - found
                found |= new
                waiting += sorted(new)
    return found


def _sources(path: Path, text: str) -> list[str]:
    if path.suffix != ".ipynb":
        return [text]
    from ..notebook.document import read

    return [cell.source for cell in read(path).code_cells]


def _safe(name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
        raise ValueError(f"{name!r} leads out of its folder")
    return name
