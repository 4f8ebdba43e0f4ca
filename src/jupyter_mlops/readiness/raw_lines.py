"""Where a cell's lines stand in the file: an ``.ipynb`` is JSON, and editors of CI show that."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress

_SPACE = re.compile(r"[ \t\r\n]*")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_DECODER = json.JSONDecoder()


class RawLines:
    """Lines of a notebook file, for each cell and line of its source; all count from 1."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._cells: list[tuple[int, list[int]]] = []
        # Where the text is cut off, what was read up to there is right.
        with suppress(ValueError, IndexError):
            self._read()

    def line(self, cell: int | None, line: int | None = None) -> int:
        """Return the file's line of a cell's line, or of the cell; 1 where it is not known."""
        if cell is None:
            return line or 1
        if not 0 < cell <= len(self._cells):
            return 1
        start, lines = self._cells[cell - 1]
        if line is None or not lines:
            return start
        return lines[min(max(line, 1), len(lines)) - 1]

    def _read(self) -> None:
        for key, at in self._members(self._skip(0)):
            if key == "cells":
                for start in self._elements(at):
                    lines: list[int] = []
                    for name, value in self._members(start):
                        if name == "source":
                            lines = list(self._source(value))
                    self._cells.append((self._line(start), lines))

    def _source(self, at: int) -> Iterator[int]:
        """Yield the file's line of each line of a source: one text, or a list of them."""
        starts = self._elements(at) if self._text[at] == "[" else iter([at])
        ends = True
        for start in starts:
            value, _ = _DECODER.raw_decode(self._text, start)
            for part in _LINES.findall(str(value)):
                if ends:
                    yield self._line(start)
                ends = part.endswith("\n")

    def _members(self, at: int) -> Iterator[tuple[str, int]]:
        """Yield key and position of each value of the object at a position."""
        if self._text[at] != "{":
            return
        at = self._skip(at + 1)
        while self._text[at] != "}":
            key, at = _DECODER.raw_decode(self._text, at)
            at = self._skip(self._skip(at) + 1)
            yield key, at
            at = self._next(at)

    def _elements(self, at: int) -> Iterator[int]:
        if self._text[at] != "[":
            return
        at = self._skip(at + 1)
        while self._text[at] != "]":
            yield at
            at = self._next(at)

    def _next(self, at: int) -> int:
        """Return where the next member begins, or the bracket that closes them."""
        _, at = _DECODER.raw_decode(self._text, at)
        at = self._skip(at)
        return self._skip(at + 1) if self._text[at] == "," else at

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _line(self, at: int) -> int:
        return bisect_right(self._breaks, at) + 1
