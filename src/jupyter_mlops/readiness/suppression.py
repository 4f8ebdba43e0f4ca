"""Findings that the user has looked at and accepts: ``# mlops: ignore[rule]``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..notebook.dataflow import CellCode
from ..notebook.document import Cell
from .finding import Finding

_COMMENT = re.compile(r"#\s*mlops:\s*ignore(?:\[([^\]]*)\])?", re.IGNORECASE)
ALL = "*"


@dataclass(frozen=True, slots=True)
class Ignored:
    """A comment: the rules that it names (``*`` for all), and where it stands."""

    rules: frozenset[str]
    cell: Cell
    line: int


@dataclass(slots=True)
class Suppression:
    """Which findings the comments of a notebook accept.

    A comment speaks for the whole statement on its line; in a line of its own for the statement
    below it; above all code of its cell for the whole cell.
    """

    comments: list[Ignored] = field(default_factory=list)
    _spans: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)
    _cells: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, cells: Iterable[Cell], codes: Iterable[CellCode]) -> Suppression:
        trees = {code.cell.id: code.tree for code in codes}
        found = cls()
        for cell in cells:
            if "mlops" not in cell.source.lower():
                continue
            lines = cell.source.split("\n")
            for ignored in _comments(cell, lines):
                found.comments.append(ignored)
                found._accept(ignored, lines, trees.get(cell.id))
        return found

    def covers(self, finding: Finding) -> bool:
        place = finding.place
        if place.cell_id is None:
            return False
        rules = self._cells.get(place.cell_id, frozenset())
        if place.line is not None:
            rules |= self._spans.get((place.cell_id, place.line), frozenset())
        return ALL in rules or finding.rule in rules

    def _accept(self, ignored: Ignored, lines: list[str], tree: ast.Module | None) -> None:
        cell, line = ignored.cell, ignored.line
        if _is_comment(lines[line - 1]):
            if all(_is_comment(each) or not each.strip() for each in lines[:line]):
                self._cells[cell.id] = self._cells.get(cell.id, frozenset()) | ignored.rules
                return
            line = next(
                (
                    number
                    for number, each in enumerate(lines[line:], line + 1)
                    if each.strip() and not _is_comment(each)
                ),
                line,
            )
        for each in _statement_lines(tree, line):
            key = (cell.id, each)
            self._spans[key] = self._spans.get(key, frozenset()) | ignored.rules


def _comments(cell: Cell, lines: list[str]) -> Iterator[Ignored]:
    for number, line in enumerate(lines, 1):
        if match := _COMMENT.search(line):
            names = match.group(1)
            rules = {ALL} if names is None else {name.strip() for name in names.split(",")}
            yield Ignored(frozenset(rules - {""}), cell, number)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _statement_lines(tree: ast.Module | None, line: int) -> range:
    """Return the lines of the smallest statement around a line; of a block only its head."""
    best = range(line, line + 1)
    size: int | None = None
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.stmt):
            continue
        first, last = node.lineno, node.end_lineno or node.lineno
        body: list[ast.stmt] = getattr(node, "body", [])
        if body:
            last = max(first, body[0].lineno - 1)
        if first <= line <= last and (size is None or last - first < size):
            best, size = range(first, last + 1), last - first
    return best
