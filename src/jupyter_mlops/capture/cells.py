"""The cells of the notebook file as a running kernel needs them: tags and positions, read fast."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

INJECTED = "injected-parameters"
"""Tag and, in reruns, id of the cell that papermill injects; it is in no file."""


class _Metadata(msgspec.Struct):
    tags: list[str] = msgspec.field(default_factory=list)


class _Cell(msgspec.Struct):
    cell_type: str = ""
    id: str | None = None
    source: str | list[str] = ""
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _File(msgspec.Struct):
    cells: list[_Cell] = msgspec.field(default_factory=list)


# Outputs are skipped without making objects of them: tens of megabytes take milliseconds.
_decoder = msgspec.json.Decoder(_File)


@dataclass(frozen=True, slots=True)
class FileCell:
    """A cell of the file; ``position`` counts from 1 over all cells."""

    id: str | None
    position: int | None
    tags: tuple[str, ...] = ()


class FileCells:
    """Finds the cells of one notebook file; reads it anew whenever it has been saved."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._version: tuple[int, int] | None = None
        self._by_id: dict[str, FileCell] = {}
        self._by_source: dict[str, FileCell] = {}

    def find(self, cell: str | None, source: str) -> FileCell:
        """Return the cell with this id, else the first with this source, else one without tags."""
        if cell == INJECTED:
            return FileCell(cell, None, (INJECTED,))
        self._refresh()
        found = self._by_id.get(cell) if cell is not None else None
        if found is not None:
            return found
        same = self._by_source.get(source.strip())
        if same is None:
            return FileCell(cell, None)
        return FileCell(cell or same.id, same.position, same.tags)

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
            source = cell.source if isinstance(cell.source, str) else "".join(cell.source)
            # As `notebook.document` names the cells of files without ids.
            name = cell.id or f"cell-{position}"
            known = FileCell(name, position, tuple(cell.metadata.tags))
            self._by_id[name] = known
            self._by_source.setdefault(source.strip(), known)
