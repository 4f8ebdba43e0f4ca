"""Chance: what differs from run to run of the notebook itself, and the cell that makes it so."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import Place
from ..notebook.document import Cell
from ..notebook.meanings import meanings
from ..notebook.randomness import Draw, unseeded
from . import texts, work
from .clock import clock_reads
from .model import Pipeline, Step
from .proof import Comparison, Kind, Proof
from .prove import cells_of, compare, executed_step, parsed
from .shown import ExecutedNotebook

_DIFFERS = "differs from run to run of the notebook itself"
_MOST_DRAWS = 3


def tell_chance(
    pipeline: Pipeline, proof: Proof, reference: Path, again: Path, run: Path, *, cwd: Path
) -> Proof:
    """Return the proof with what a second run of the notebook shows to be random told as such.

    Parameters
    ----------
    again
        What the second run of the notebook left, as ``reference`` holds it of the first.
    """
    second = compare(pipeline, reference, _as_run(pipeline, again), cwd=cwd)
    varying = {each.key for each in second.comparisons if not each.equal}
    unequal = {each.key for each in proof.comparisons if not each.equal}
    judge = _Judge(pipeline, varying & unequal, _Texts(reference, again, run, cwd))
    return replace(proof, comparisons=tuple(judge.verdict(each) for each in proof.comparisons))


def _as_run(pipeline: Pipeline, again: Path) -> Path:
    """Let the executed notebook of a reference run stand for that of each step."""
    executed = again / work.EXECUTED
    if executed.exists():
        for step in pipeline.steps:
            target = work.step_folder(again, step.name) / work.EXECUTED
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                target.symlink_to(executed.resolve())
    return again


@dataclass(frozen=True, slots=True)
class _Texts:
    """What a cell printed in the notebook's two runs and in the pipeline's."""

    reference: Path
    again: Path
    run: Path
    cwd: Path

    def of(self, step: Step, cell: Cell) -> tuple[str, str, str]:
        folders = (str(self.cwd.resolve()),)
        sides = [
            *(ExecutedNotebook.read(f / work.EXECUTED, folders) for f in self._notebooks),
            executed_step(self.run, step, self.cwd),
        ]
        found = [side.shown(cell) if side is not None else None for side in sides]
        one, two, three = (each.printed if each is not None else "" for each in found)
        return one, two, three

    @property
    def _notebooks(self) -> tuple[Path, Path]:
        return self.reference, self.again


@dataclass(frozen=True, slots=True)
class _Origin:
    words: str
    place: Place


class _Judge:
    def __init__(
        self, pipeline: Pipeline, random: set[tuple[str, Kind, str]], printed: _Texts
    ) -> None:
        self._pipeline = pipeline
        self._random = random
        self._printed = printed
        ordered = cells_of(pipeline)
        trees = [parsed(cell) for cell in ordered]
        self._trees = {cell.id: tree for cell, tree in zip(ordered, trees, strict=True)}
        self._names: dict[str, str] = {}
        for tree in trees:
            self._names |= meanings(tree)
        found = zip(ordered, unseeded(trees), strict=True)
        self._draws = {cell.id: draws for cell, draws in found}

    def verdict(self, comparison: Comparison) -> Comparison:
        if comparison.equal or comparison.key not in self._random:
            return comparison
        step = self._pipeline.step(comparison.step)
        if comparison.kind == "printed":
            cell = next(each for each in step.cells if each.id == comparison.place.cell_id)
            one, two, three = self._printed.of(step, cell)
            if not texts.only_varying(one, two, three):
                return comparison
            clock = clock_reads(self._trees[cell.id], self._names)
            if clock and texts.same_words(one, three):
                words = f"only times differ: line {clock[0].line} calls `{clock[0].name}`"
                return replace(comparison, verdict="equal within tolerance", words=words)
        origin = self._origin(step, comparison)
        return replace(
            comparison,
            verdict="random",
            words=f"{_DIFFERS}: {origin.words}",
            origin=origin.place,
        )

    def _origin(self, step: Step, comparison: Comparison) -> _Origin:
        """Return where what is random begins: in a step before, or in this one."""
        for name, provider in step.inputs.items():
            if (provider, "output", name) in self._random:
                earlier = self._pipeline.step(provider)
                cell = earlier.cells[-1]
                place = Place(self._pipeline.notebook, cell.position, cell.id)
                source = Comparison(provider, name, "output", "random", "", "", place)
                return self._origin(earlier, source)
        last = comparison.place.cell or step.cells[-1].position
        cells = [each for each in step.cells if each.position <= last] or list(step.cells)
        drawn = [(cell, draw) for cell in (*step.prelude, *cells) for draw in self._draws[cell.id]]
        drawn = drawn or [
            (cell, draw)
            for cell in cells
            for draw in clock_reads(self._trees[cell.id], self._names)
        ]
        if drawn:
            cell, draw = drawn[0]
            words = "; ".join(_draw_words(*each) for each in drawn[:_MOST_DRAWS])
            return _Origin(words, self._place(cell, draw.line))
        cell, line = self._first(step, cells, comparison.name)
        words = (
            f"cell {cell.position} makes another one each time; look for the order of a set, "
            "threads, the clock, or data that changes"
        )
        return _Origin(words, self._place(cell, line))

    def _first(self, step: Step, cells: list[Cell], name: str) -> tuple[Cell, int | None]:
        """Return the first cell of a step that shows or makes something random."""
        for cell in cells:
            name_of_cell = f"cell {cell.position}"
            if {
                (step.name, "printed", name_of_cell),
                (step.name, "figure", name_of_cell),
            } & self._random:
                return cell, None
            for node in ast.walk(self._trees[cell.id]):
                if isinstance(node, ast.Name) and node.id == name:
                    return cell, node.lineno
        return cells[-1], None

    def _place(self, cell: Cell, line: int | None) -> Place:
        return Place(self._pipeline.notebook, cell.position, cell.id, line)


def _draw_words(cell: Cell, draw: Draw) -> str:
    where = f"cell {cell.position}, line {draw.line}"
    if draw.generator:
        return f"{where} draws random numbers without a seed (`{draw.name}` {draw.words})"
    return f"{where}: `{draw.name}` {draw.words}"
