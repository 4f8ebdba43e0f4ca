"""Chance: what differs from run to run of the notebook itself, and the cell that makes it so."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .._random_state import STATES
from ..errors import Place
from ..notebook.document import Cell
from ..notebook.meanings import meanings
from ..notebook.randomness import unseeded
from . import texts, work
from .clock import clock_reads
from .downstream import Sources, Traced, merged, trace_chance
from .drawn import Source
from .lines import chance_explains, functions_print
from .model import Pipeline, Step
from .proof import Comparison, Kind, Proof
from .prove import cells_of, compare, executed_step, parsed
from .reference import read_flow
from .shown import ExecutedNotebook
from .times import printed_times, with_times_of

_DIFFERS = "differs from run to run of the notebook itself"
_DEPENDS = "depends on chance, though two runs of the notebook happened to give the same"
_MOST_DRAWS = 3


def tell_chance(
    pipeline: Pipeline, proof: Proof, reference: Path, again: Path, run: Path, *, cwd: Path
) -> Proof:
    """Return the proof with what is random told as such.

    Random is what depends on a draw that no seed fixes, by the dataflow of the cells, and whatever
    else differs between two runs of the notebook itself.

    Parameters
    ----------
    again
        What the second run of the notebook left, as ``reference`` holds it of the first.
    """
    second = compare(pipeline, reference, _as_run(pipeline, again), cwd=cwd)
    varying = {each.key for each in second.comparisons if not each.equal}
    unequal = {each.key for each in proof.comparisons if not each.equal}
    traced = trace_chance(cells_of(pipeline), str(cwd.resolve()), read_flow(reference))
    printed = _Texts(reference, again, run, cwd)
    judge = _Judge(pipeline, varying & unequal, traced, printed)
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
        self,
        pipeline: Pipeline,
        varying: set[tuple[str, Kind, str]],
        traced: Mapping[str, Traced],
        printed: _Texts,
    ) -> None:
        self._pipeline = pipeline
        self._varying = varying
        self._traced = traced
        self._printed = printed
        ordered = cells_of(pipeline)
        trees = [parsed(cell) for cell in ordered]
        self._trees = {cell.id: tree for cell, tree in zip(ordered, trees, strict=True)}
        self._functions = functions_print(trees)
        self._times = printed_times(zip(ordered, trees, strict=True))
        self._names: dict[str, str] = {}
        for tree in trees:
            self._names |= meanings(tree)
        found = zip(ordered, unseeded(trees), strict=True)
        self._draws = {cell.id: draws for cell, draws in found}

    def verdict(self, comparison: Comparison) -> Comparison:
        if comparison.equal:
            return comparison
        step = self._pipeline.step(comparison.step)
        varies = comparison.key in self._varying
        if comparison.kind == "printed":
            cell = next(each for each in step.cells if each.id == comparison.place.cell_id)
            one, *others = self._printed.of(step, cell)
            two, three = (with_times_of(one, each, self._times[cell.id]) for each in others)
            traced = self._traced[cell.id]
            if chance_explains(traced, self._functions, one, three):
                return self._drawn(comparison, traced.sources, varies)
            if not varies or not texts.only_varying(one, two, three):
                return comparison
            clock = clock_reads(self._trees[cell.id], self._names)
            if clock and texts.same_words(one, three):
                words = f"only times differ: line {clock[0].line} calls `{clock[0].name}`"
                return replace(comparison, verdict="equal within tolerance", words=words)
        elif sources := self._sources(step, comparison):
            return self._drawn(comparison, sources, varies)
        if not varies:
            return comparison
        origin = self._origin(step, comparison)
        words = f"{_DIFFERS}: {origin.words}"
        return replace(comparison, verdict="random", words=words, origin=origin.place)

    def _sources(self, step: Step, comparison: Comparison) -> Sources:
        """Return the draws that what is compared depends on."""
        place = comparison.place.cell_id or ""
        after = self._traced.get(place, Traced())
        if comparison.kind == "figure":
            return after.sources
        serving = self._pipeline.serving
        if comparison.kind == "serving" and serving is not None:
            if comparison.name == work.PREDICTIONS:
                return after.sources
            if comparison.name == work.EXAMPLE:
                example = ast.parse(serving.example)
                read = {each.id for each in ast.walk(example) if isinstance(each, ast.Name)}
                return merged(*(after.names.get(name, ()) for name in sorted(read)))
        if comparison.name in STATES:
            return merged(*(self._traced[cell.id].sources for cell in step.cells))
        return after.names.get(comparison.name, ())

    def _drawn(self, comparison: Comparison, sources: Sources, varies: bool) -> Comparison:
        first = sources[0]
        words = "; ".join(draw_words(each) for each in sources[:_MOST_DRAWS])
        return replace(
            comparison,
            verdict="random",
            words=f"{_DIFFERS if varies else _DEPENDS}: {words}",
            origin=self._place(first.cell, first.draw.line),
        )

    def _origin(self, step: Step, comparison: Comparison) -> _Origin:
        """Return where what is random begins: in a step before, or in this one."""
        for name, provider in step.inputs.items():
            if (provider, "output", name) in self._varying:
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
            words = "; ".join(draw_words(Source(*each)) for each in drawn[:_MOST_DRAWS])
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
            } & self._varying:
                return cell, None
            for node in ast.walk(self._trees[cell.id]):
                if isinstance(node, ast.Name) and node.id == name:
                    return cell, node.lineno
        return cells[-1], None

    def _place(self, cell: Cell, line: int | None) -> Place:
        return Place(self._pipeline.notebook, cell.position, cell.id, line)


def draw_words(source: Source) -> str:
    """Return where chance comes in, in words."""
    draw = source.draw
    where = f"cell {source.cell.position}, line {draw.line}"
    if source.module:
        where += f" imports {source.module}, which"
    if draw.generator:
        return f"{where} draws random numbers without a seed (`{draw.name}` {draw.words})"
    return f"{where}: `{draw.name}` {draw.words}"
