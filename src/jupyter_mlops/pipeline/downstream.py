"""What depends on random numbers that no seed fixes, followed through the cells by dataflow.

A statement that draws, or that reads what depends on a draw, makes all that it binds and changes
depend on it. A generator is hidden state: where its seed is random, or where chance decides how
often it is asked, what it gives from then on is random too. So is a file that was written.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .._random_state import STATES
from ..notebook.document import Cell
from ..notebook.effects import Effects
from ..notebook.frame import NOWHERE
from ..notebook.ipython_syntax import parse_cell
from ..notebook.meanings import CONVENTIONAL, meanings
from ..notebook.namespace import Namespace
from ..notebook.observed import ObservedFlow
from ..notebook.randomness import Generator
from ..notebook.walker import operations
from .drawn import NOTHING, Drawing, Source, fits, fixed, read_drawing

Sources = tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Traced:
    """What depends on chance once a cell has run: variables, and each statement of the cell."""

    names: Mapping[str, Sources] = field(default_factory=dict)
    statements: tuple[tuple[ast.stmt, Sources], ...] = ()

    @property
    def sources(self) -> Sources:
        """Where chance comes from in what the cell itself does."""
        return merged(*(found for _, found in self.statements))


def trace_chance(
    cells: Iterable[Cell], folder: str | None = None, flow: ObservedFlow | None = None
) -> dict[str, Traced]:
    """Return for each cell's id what depends on chance; ``cells`` are in the notebook's order.

    Parameters
    ----------
    folder
        The notebook's folder, whose modules are read too.
    flow
        What the cells were seen to do, which counts beside what their code shows.
    """
    tracer = _Tracer(folder)
    return {cell.id: tracer.run(cell, flow) for cell in cells}


class _Tracer:
    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._namespace = Namespace()
        self._meanings: dict[str, str] = dict(CONVENTIONAL)
        self._random: dict[str, Sources] = {}
        self._code: dict[str, Drawing] = {}
        self._generators: dict[Generator, Sources] = {}
        """Seeded generators, with where their seeds' own chance comes from."""
        self._files: list[tuple[frozenset[str], Sources]] = []

    def run(self, cell: Cell, flow: ObservedFlow | None) -> Traced:
        try:
            tree = parse_cell(cell.source)
        except SyntaxError:
            return Traced(dict(self._random))
        statements = tuple((node, self._statement(cell, node)) for node in tree.body)
        seen = flow.of(cell) if flow is not None else None
        if seen is not None:
            shown = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            unseen = (self._random.get(name, ()) for name in seen.reads if name not in shown)
            found = merged(*(each for _, each in statements), *unseen)
            for name in (*seen.binds, *seen.changes):
                if found and name not in shown:
                    self._random[name] = merged(self._random.get(name, ()), found)
        return Traced(dict(self._random), statements)

    def _statement(self, cell: Cell, node: ast.stmt) -> Sources:
        self._meanings |= meanings(node)
        now, later = read_drawing(node, cell, self._meanings, self._folder)
        before = self._namespace.copy() if _pairs(node) else self._namespace
        effects = self._run(self._namespace, node)
        reads = [name for name in effects.reads if name not in STATES]
        used = Drawing()
        for name in reads:
            used |= self._code.get(name, NOTHING)
        fitted = (*now.fitting, *used.fitting) if fits(node, made=bool(now.fitting)) else ()
        drawing = Drawing((*now.draws, *used.draws, *fitted), (*now.seeds, *used.seeds))
        given = merged(
            *(self._random.get(name, ()) for name in reads), self._read_files(node, effects)
        )
        sources = merged(given, self._drawn(drawing, now, used))
        self._keep(node, effects, sources, before)
        self._seed(node, now, drawing, sources)
        inherited = later | Drawing(used.draws, used.seeds, used.fitting)
        for name in effects.writes:
            if inherited:
                self._code[name] = inherited
            else:
                self._code.pop(name, None)
        if effects.writes_outside is not None and sources:
            self._files.append((_texts(node), sources))
        return sources

    def _run(self, namespace: Namespace, node: ast.stmt) -> Effects:
        module = ast.Module([node], [])
        return namespace.run(operations(module, lambda _: None, self._folder, NOWHERE))

    def _drawn(self, drawing: Drawing, now: Drawing, used: Drawing) -> Sources:
        """Return where the chance of a statement's draws comes from."""
        found: list[Sources] = []
        for source in drawing.draws:
            generator = source.draw.generator
            if fixed(source.draw, now.seeds if source in now.draws else used.seeds, used.seeds):
                continue  # by what the seed itself may be random is found beside
            found.append(self._generators.get(generator, (source,)))
        return merged(*found)

    def _keep(self, node: ast.stmt, effects: Effects, sources: Sources, before: Namespace) -> None:
        single = self._single(node, before) if sources else {}
        for name, fate in effects.fates.items():
            if name in STATES:
                continue
            found = single.get(name, sources)
            if fate == "deleted":
                self._random.pop(name, None)
            elif fate == "sure":
                self._random[name] = found
            elif found:
                self._random[name] = merged(self._random.get(name, ()), found)
            if not self._random.get(name, ()):
                self._random.pop(name, None)

    def _single(self, node: ast.stmt, before: Namespace) -> dict[str, Sources]:
        """Return the sources of each name of ``a, b = one, other`` by itself."""
        found: dict[str, Sources] = {}
        for target, value in _pairs(node):
            part = ast.copy_location(ast.Expr(value), node)
            cell = Cell("", 0, "code", "")
            now, _ = read_drawing(part, cell, self._meanings, self._folder)
            reads = self._run(before.copy(), part).reads
            if now or any(self._code.get(name) for name in reads):
                continue  # it draws by itself: as the whole statement
            found[target] = merged(*(self._random.get(name, ()) for name in reads))
        return found

    def _seed(self, node: ast.stmt, now: Drawing, drawing: Drawing, sources: Sources) -> None:
        for seed in drawing.seeds:
            for generator in seed.generators:
                self._generators[generator] = sources
        for source in drawing.draws if sources else ():
            # Chance may decide how often it is asked.
            generator = source.draw.generator
            once = generator == "python" and source in now.draws and not _branches(node)
            if generator in self._generators and not once:
                self._generators[generator] = merged(self._generators[generator], sources)

    def _read_files(self, node: ast.stmt, effects: Effects) -> Sources:
        if effects.reads_outside is None:
            return ()
        wanted = _texts(node)
        return merged(
            *(
                sources
                for written, sources in self._files
                if not wanted or not written or wanted & written
            )
        )


def _pairs(node: ast.stmt) -> Sequence[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            if len(targets) == len(values) and all(isinstance(t, ast.Name) for t in targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                return list(zip(names, values, strict=True))
    return ()


def _branches(node: ast.stmt) -> bool:
    """Tell whether parts of a statement may run never, or many times."""
    ways = (ast.For, ast.While, ast.If, ast.Try, ast.With, ast.comprehension, ast.IfExp)
    return any(isinstance(each, ways) for each in ast.walk(node))


def _texts(node: ast.stmt) -> frozenset[str]:
    """Return the texts of a statement, of which one is a file's name."""
    return frozenset(
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and "." in each.value
    )


def merged(*found: Iterable[Source]) -> Sources:
    """Return sources of many, each once."""
    return tuple(dict.fromkeys(_flat(found)))


def _flat(found: Iterable[Iterable[Source]]) -> Iterator[Source]:
    for sources in found:
        yield from sources
