"""The notebook of a run as it was, as a new file; and what has changed around it since."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..capture.environment import environment
from ..capture.redaction import MARK
from ..capture.sources import file_digest
from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..progress import Progress, Stage
from ..project import Project
from .notebooks import as_executed
from .runs import RunDetail
from .store import LATEST, Store

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored of a run; ``changes`` are sentences on what is not as it was.

    ``names`` are the variables that its cells were seen to bind.
    """

    run: str
    notebook: str
    file: str
    parameters: dict[str, str]
    names: tuple[str, ...]
    changes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def restore(
    run: str = LATEST, output: Path | None = None, *, project: Project | None = None
) -> Progress[Restored]:
    """Write the notebook of a run, as it was, to a new file.

    Parameters
    ----------
    output
        The new file; default: ``<notebook>-<run>.ipynb`` beside the notebook, or in the project's
        root where that folder is gone. No file is ever overwritten.

    Raises
    ------
    MlopsError
        ``run.unknown``, ``run.ambiguous``, ``restore.exists``, or ``restore.no-notebook`` where
        the run knows of no cells.
    """
    project = project or Project.find()
    store = Store(project)
    store.sync()
    found = store.run(run)
    stage = Stage("restore")
    text = _text(store, found)
    path = _write(project, found, text, output)
    shown = project.relative(path)
    yield stage.done(f"{found.notebook} as it was in {found.run}: {shown}", file=str(path))
    changes = tuple(_changes(store, found, text))
    names = _names(store.document(found, "flow.json"))
    return Restored(found.run, found.notebook, str(path), found.parameters, names, changes)


def _text(store: Store, found: RunDetail) -> str:
    content = store.document(found, "notebook.ipynb")
    if isinstance(content, dict) and content.get("cells"):
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    if not found.cells:
        raise MlopsError(
            "restore.no-notebook",
            f"The run {found.run} knows of no cells, so that there is no notebook to restore.",
            hint="`jupyter mlops runs` lists the runs; choose one that executed a notebook.",
        )
    # An older run, or one that was killed: what it executed, in order.
    with tempfile.TemporaryDirectory(prefix="jupyter-mlops-") as nothing:
        return as_executed(Path(nothing), found.cells, found.python)


def _write(project: Project, found: RunDetail, text: str, output: Path | None) -> Path:
    if output is not None:
        path = output.absolute()
        if not _write_new(path, text):
            raise MlopsError(
                "restore.exists",
                "There is such a file already, and it was not changed.",
                hint="give another name with `-o`.",
                place=Place(str(output)),
            )
        return path
    original = project.root / found.notebook
    folder = original.parent if original.parent.is_dir() else project.root
    stem = original.stem.strip("<>")
    name = found.run if found.run.startswith(f"{stem}-") else f"{stem}-{found.run}"
    count = 1
    while True:
        path = folder / (f"{name}.ipynb" if count == 1 else f"{name}-{count}.ipynb")
        if _write_new(path, text):
            return path
        count += 1


def _write_new(path: Path, text: str) -> bool:
    """Write a file, whole or not at all; return whether there was none before."""
    with explain_os_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(part, 0o644)
            try:
                os.link(part, path)  # unlike a rename it never replaces
            except FileExistsError:
                return False
            except OSError:  # a file system without links
                try:
                    path.touch(exist_ok=False)
                except FileExistsError:
                    return False
                path.write_text(text, encoding="utf-8")
        finally:
            os.unlink(part)
    return True


def _changes(store: Store, found: RunDetail, text: str) -> Iterator[str]:
    if MARK in text:
        yield f"Secrets were not kept: put your own where it says {MARK}."
    if found.environment:
        yield from _of_environment(found.environment, environment().distributions)
    datasets = store.document(found, "datasets.json")
    if isinstance(datasets, list):
        yield from _of_data(store.project, datasets)


def _of_environment(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    changed = [
        f"{name} {version} → {now[name]}"
        for name, version in before.items()
        if name in now and now[name] != version
    ]
    missing = [f"{name} {version}" for name, version in before.items() if name not in now]
    if changed:
        yield f"Distributions have changed since: {_list(changed)}."
    if missing:
        yield f"Distributions are not installed here: {_list(missing)}."


def _of_data(project: Project, datasets: list[dict[str, Any]]) -> Iterator[str]:
    latest = {each["source"]: each for each in datasets if each["kind"] == "file"}
    changed, missing = [], []
    for source, each in latest.items():
        path = project.root / source
        if not each["fingerprint"]:
            continue
        try:
            if file_digest(str(path)) != each["fingerprint"]:
                changed.append(source)
        except OSError:
            missing.append(source)
    if changed:
        yield f"Data has changed since: {_list(changed)}."
    if missing:
        yield f"Data is not there any more: {_list(missing)}."


def _list(words: list[str]) -> str:
    more = len(words) - _MOST_NAMED
    return ", ".join(words[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _names(flow: Any) -> tuple[str, ...]:
    cells = flow.get("cells", []) if isinstance(flow, dict) else []
    found: dict[str, None] = {}
    for cell in cells:
        found |= dict.fromkeys(cell.get("binds", ()))
        for name in cell.get("deletes", ()):
            found.pop(name, None)
    return tuple(found)
