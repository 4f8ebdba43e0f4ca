"""The cells of the notebook file as a running kernel needs them: tags and positions, read fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from ..notebook.cell_magic import tags_of
from .redaction import redact, redact_all

INJECTED = "injected-parameters"
"""Tag and, in reruns, id of the cell that papermill injects; it is in no file."""


_INJECTED_WORDS = "# Parameters\n"
NOTEBOOK = "notebook.ipynb"
"""The notebook as it was saved last, without outputs, in the journal's folder."""
VSCODE = "vscode-notebook-cell:"
"""What VS Code's ids of cells begin with: they are addresses with the notebook's path."""


class _Cell(msgspec.Struct, omit_defaults=True):
    cell_type: str = ""
    id: str | None = None
    source: str | list[str] = ""
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    attachments: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    @property
    def text(self) -> str:
        return self.source if isinstance(self.source, str) else "".join(self.source)

    @property
    def tags(self) -> tuple[str, ...]:
        tags = self.metadata.get("tags")
        return tuple(t for t in tags if isinstance(t, str)) if isinstance(tags, list) else ()


class _File(msgspec.Struct):
    """Outputs are skipped without making objects of them: tens of megabytes take milliseconds."""

    cells: list[_Cell] = msgspec.field(default_factory=list)
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    nbformat: int = 4
    nbformat_minor: int = 5


_decoder = msgspec.json.Decoder(_File)


@dataclass(frozen=True, slots=True)
class FileCell:
    """A cell of the file; ``position`` counts from 1 over all cells."""

    id: str | None
    position: int | None
    tags: tuple[str, ...] = ()


class FileCells:
    """Finds the cells of one notebook file; reads it anew whenever it has been saved.

    ``saved`` is called with what makes the notebook's text, without outputs and secrets, whenever
    it has been read; it may be called in another thread.
    """

    def __init__(
        self, path: Path | None, saved: Callable[[Callable[[], bytes]], None] | None = None
    ) -> None:
        self._path = path
        self._saved = saved
        self._version: tuple[int, int] | None = None
        self._by_id: dict[str, FileCell] = {}
        self._by_source: dict[str, list[FileCell]] = {}
        self._last = 0
        """Position of the cell that was found last."""

    @property
    def count(self) -> int:
        """How many code cells the file has."""
        self._refresh()
        return len(self._by_id)

    def find(self, cell: str | None, source: str) -> FileCell:
        """Return the cell with this id, else one with this source, else one without tags.

        Of several cells with this source it is the next one behind the last that was found.
        """
        if cell == INJECTED:
            return FileCell(cell, None, (INJECTED,))
        self._refresh()
        found = self._find(cell, source)
        self._last = found.position or self._last
        # As it is executed, which may be later than the file was saved.
        more = tags_of(source)
        return replace(found, tags=tuple(dict.fromkeys((*found.tags, *more)))) if more else found

    def _find(self, cell: str | None, source: str) -> FileCell:
        found = self._by_id.get(cell) if cell is not None else None
        if found is not None:
            return found
        alike = self._by_source.get(source.strip())
        if not alike:
            # papermill sends no ids; so it begins the cell that it injects.
            if cell is None and source.startswith(_INJECTED_WORDS):
                return FileCell(INJECTED, None, (INJECTED,))
            return FileCell(cell, None)
        same = next((each for each in alike if (each.position or 0) > self._last), alike[0])
        # VS Code numbers the cells of its window; what lasts is the file's own id.
        named = cell is not None and not cell.startswith(VSCODE)
        return FileCell(cell if named else same.id, same.position, same.tags)

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            status = self._path.stat()
            version = status.st_mtime_ns, status.st_size
            if version == self._version:
                return
            file = _decoder.decode(self._path.read_bytes())
        except (OSError, msgspec.MsgspecError):
            return  # half saved or no notebook: what was known before still holds
        self._version = version
        self._by_id, self._by_source = {}, {}
        for position, cell in enumerate(file.cells, 1):
            if cell.cell_type != "code":
                continue
            # As `notebook.document` names the cells of files without ids.
            name = cell.id or f"cell-{position}"
            known = FileCell(name, position, cell.tags)
            self._by_id[name] = known
            self._by_source.setdefault(cell.text.strip(), []).append(known)
        if self._saved is not None:
            self._saved(lambda: _without_outputs(file))


def code_sources(path: Path) -> list[str]:
    """Return what the code cells of a notebook file hold; raises what reading it raises."""
    file = _decoder.decode(path.read_bytes())
    return [cell.text.strip() for cell in file.cells if cell.cell_type == "code"]


def _without_outputs(file: _File) -> bytes:
    cells: list[dict[str, Any]] = []
    for position, cell in enumerate(file.cells, 1):
        kept: dict[str, Any] = msgspec.structs.asdict(cell)
        kept["id"] = cell.id or f"cell-{position}"
        kept["source"] = redact(cell.text)
        kept["metadata"] = redact_all(cell.metadata)
        if cell.cell_type == "code":
            kept |= {"outputs": [], "execution_count": None}
        if cell.attachments is msgspec.UNSET:
            del kept["attachments"]
        cells.append(kept)
    content = {
        "cells": cells,
        "metadata": redact_all(file.metadata),
        "nbformat": file.nbformat,
        "nbformat_minor": max(file.nbformat_minor, 5),  # the first with ids
    }
    return msgspec.json.encode(content)
