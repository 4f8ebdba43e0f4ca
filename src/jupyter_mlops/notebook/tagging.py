"""Tags written into a notebook's file: every other byte of the file stays as it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import MlopsError
from ..os_errors import explain_os_errors
from .document import Cell, Notebook, parse

_SPACE = re.compile(r"[ \t\r\n]*")
_Span = tuple[int, int]
_Edit = tuple[int, int, str]


def add_tags(notebook: Notebook, tags: Mapping[str, Sequence[str]]) -> tuple[Cell, ...]:
    """Add tags to cells, given by their ids, in the notebook's file; return the changed cells.

    The file is replaced in one go, and not touched where all tags are there already.

    Raises
    ------
    MlopsError
        ``notebook.changed`` where the file is not any more what ``notebook`` was read from,
        ``project.read-only`` or ``project.disk-full``.
    """
    path = notebook.path.resolve()
    before = _version(path, notebook)
    text = path.read_bytes().decode("utf-8")
    if parse(text, path=notebook.path, name=notebook.name).cells != notebook.cells:
        raise _changed(notebook)
    changed = [
        cell
        for cell in notebook.cells
        if any(tag not in cell.tags for tag in tags.get(cell.id, ()))
    ]
    if not changed:
        return ()
    cells = _members(text, _skip(text, 0))["cells"][0]
    starts = _items(text, cells)
    layout = _Layout(text)
    edits = [_edit(text, layout, starts[c.position - 1], c, tags[c.id]) for c in changed]
    for start, end, new in sorted(edits, reverse=True):
        text = f"{text[:start]}{new}{text[end:]}"
    with explain_os_errors(path.parent):
        _replace(path, text, notebook, before)
    return tuple(changed)


def _replace(path: Path, text: str, notebook: Notebook, before: tuple[int, int, int]) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, name)
        if _version(path, notebook) != before:
            raise _changed(notebook)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _version(path: Path, notebook: Notebook) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise _changed(notebook) from None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _changed(notebook: Notebook) -> MlopsError:
    return MlopsError(
        "notebook.changed",
        "The notebook's file was changed meanwhile; no tags were written.",
        hint="try again; an editor with unsaved changes should save them first.",
        place=notebook.place(),
    )


def _edit(text: str, layout: _Layout, start: int, cell: Cell, tags: Sequence[str]) -> _Edit:
    """Return what has to stand where, so that the cell that begins at ``start`` has the tags."""
    wanted = list(dict.fromkeys((*cell.tags, *tags)))
    members = _members(text, start)
    if "metadata" not in members:
        return layout.member(text, start, members, "metadata", {"tags": wanted})
    where, end = members["metadata"]
    if text[where] != "{":  # null, which readers take for empty
        return where, end, layout.dump({"tags": wanted}, layout.blank(text, where))
    inner = _members(text, where)
    if "tags" not in inner:
        return layout.member(text, where, inner, "tags", wanted)
    where, end = inner["tags"]
    if "\n" not in text[where:end] and text[where:end].strip("[] \t"):
        return where, end, json.dumps(wanted, ensure_ascii=False)
    return where, end, layout.dump(wanted, layout.blank(text, where))


class _Layout:
    """How a file is laid out: its line ends, its indentation, the blanks in its lines."""

    def __init__(self, text: str) -> None:
        first = re.match(r"\s*\{(\r?\n)([ \t]*)", text)
        self._end = first[1] if first else ""
        self._unit = first[2] if first else ""
        spaced = first or re.search(r'"cells"\s*: ', text)
        self._colon, self._comma = (": ", ", ") if spaced else (":", ",")

    def blank(self, text: str, at: int) -> str:
        """Return the indentation of a line."""
        line = text[text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip())]

    def dump(self, value: Any, blank: str) -> str:
        """Return a value that begins on a line with this indentation."""
        if not self._end:
            return json.dumps(value, ensure_ascii=False, separators=(self._comma, self._colon))
        shown = json.dumps(value, ensure_ascii=False, indent=self._unit)
        return shown.replace("\n", f"{self._end}{blank}")

    def member(
        self, text: str, start: int, members: Mapping[str, _Span], name: str, value: Any
    ) -> _Edit:
        """Return the edit that adds a member to an object, in order where it is ordered."""
        outer = self.blank(text, start)
        inside = outer + self._unit
        new = f"{json.dumps(name)}{self._colon}{self.dump(value, inside)}"
        if not members:
            around = (f"{self._end}{inside}", f"{self._end}{outer}") if self._end else ("", "")
            return start + 1, text.index("}", start), new.join(around)
        gap = f"{self._end}{inside}" if self._end else self._comma[1:]
        names = list(members)
        later = next((each for each in names if each > name), None)
        if names == sorted(names) and later is not None:
            at = next(where for where, each, _ in _walk(text, start) if each == later)
            return at, at, f"{new},{gap}"
        at = members[names[-1]][1]
        return at, at, f",{gap}{new}"


def _members(text: str, start: int) -> dict[str, _Span]:
    """Return where the values of the object that begins at ``start`` stand."""
    return {name: span for _, name, span in _walk(text, start)}


def _walk(text: str, start: int) -> list[tuple[int, str, _Span]]:
    found: list[tuple[int, str, _Span]] = []
    decoder = json.JSONDecoder()
    at = _skip(text, start + 1)
    while text[at] != "}":
        where = at
        name, at = decoder.raw_decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)  # over the colon
        _, end = decoder.raw_decode(text, begin)
        found.append((where, name, (begin, end)))
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found


def _items(text: str, start: int) -> list[int]:
    """Return where the items of the array that begins at ``start`` begin."""
    found: list[int] = []
    decoder = json.JSONDecoder()
    at = _skip(text, start + 1)
    while text[at] != "]":
        _, end = decoder.raw_decode(text, at)
        found.append(at)
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
