"""What the code of one statement draws and seeds: now, and when what it defines is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..notebook.document import Cell
from ..notebook.ipython_syntax import parse_cell
from ..notebook.meanings import CONVENTIONAL, meanings
from ..notebook.randomness import FITTING, Draw, Seed, draw_of, seed_of
from ..notebook.siblings import sibling

_LOOKING = frozenset({"print", "display", "len", "repr", "str", "type"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where chance comes in: a draw, and its cell; ``module`` is a file beside the notebook."""

    cell: Cell
    draw: Draw
    module: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What runs when code runs: its draws and seeds, in order of lines.

    ``fitting`` are estimators that draw once they are fitted.
    """

    draws: tuple[Source, ...] = ()
    seeds: tuple[Seed, ...] = ()
    fitting: tuple[Source, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.draws or self.seeds or self.fitting)

    def __or__(self, other: Drawing) -> Drawing:
        return Drawing(
            tuple(dict.fromkeys((*self.draws, *other.draws))),
            tuple(dict.fromkeys((*self.seeds, *other.seeds))),
            tuple(dict.fromkeys((*self.fitting, *other.fitting))),
        )


NOTHING = Drawing()


def read_drawing(
    node: ast.stmt, cell: Cell, names: Mapping[str, str], folder: str | None
) -> tuple[Drawing, Drawing]:
    """Return what a statement of a cell draws and seeds at once, and what it leaves for later.

    Parameters
    ----------
    names
        What names stand for, as `jupyter_mlops.notebook.meanings.meanings` tells.
    folder
        The notebook's folder: a module in it is the notebook's code too.
    """
    known = {**CONVENTIONAL, **names, **meanings(node)}
    only_named = isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
    now = _drawing(_calls(node, now=True), cell, known)
    later = NOTHING
    for code in _functions(node):
        if isinstance(code, ast.Lambda) and not only_named:
            now |= _drawing(_calls(code), cell, known)  # most are called at once
        later |= _unfixed(_drawing(_calls(code), cell, known))
    for module, line in _imported(node):
        path = sibling(module, folder)
        if path is not None:
            later |= _of_module(path, cell, line)
    later |= Drawing(fitting=now.fitting)
    return now, later


def fits(node: ast.stmt, *, made: bool) -> bool:
    """Tell whether a statement may fit an estimator that it uses, or that is ``made`` in it."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            is_method = isinstance(call.func, ast.Attribute)
            name = ast.unparse(call.func).rpartition(".")[2]
            if name in FITTING or not (made or is_method or name in _LOOKING):
                return True
    return False


def _drawing(calls: Iterator[ast.Call], cell: Cell, names: Mapping[str, str]) -> Drawing:
    draws: list[Source] = []
    seeds: list[Seed] = []
    fitting: list[Source] = []
    for call in calls:
        draw, seed = draw_of(call, names), seed_of(call, names)
        if draw is not None:
            (fitting if draw.later else draws).append(Source(cell, draw))
        if seed is not None:
            seeds.append(seed)
    draws.sort(key=lambda each: each.draw.line)
    seeds.sort(key=lambda each: each.line)
    return Drawing(tuple(draws), tuple(seeds), tuple(fitting))


def _unfixed(code: Drawing) -> Drawing:
    """Return a function's drawing without the draws that the function itself seeds before."""
    return Drawing(
        tuple(s for s in (*code.draws, *code.fitting) if not fixed(s.draw, code.seeds)), code.seeds
    )


def fixed(draw: Draw, seeds: tuple[Seed, ...], called: tuple[Seed, ...] = ()) -> bool:
    """Tell whether one of these seeds comes before a draw and is for its generator.

    ``called`` are seeds in functions, which are taken to come before.
    """
    before = (*(seed for seed in seeds if seed.line <= draw.line), *called)
    return any(draw.generator in seed.generators for seed in before)


def _of_module(path: Path, cell: Cell, line: int) -> Drawing:
    try:
        tree = parse_cell(path.read_text(encoding="utf-8", errors="replace"))
    except (SyntaxError, OSError):
        return NOTHING
    found = _drawing(_calls(tree), cell, {**CONVENTIONAL, **meanings(tree)})
    return Drawing(
        tuple(
            Source(cell, Draw(s.draw.name, line, s.draw.words, s.draw.generator), path.name)
            for s in _unfixed(found).draws
        ),
        tuple(Seed(s.name, line, s.generators) for s in found.seeds),
    )


def _imported(node: ast.stmt) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module, node.lineno


_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def _calls(node: ast.AST, *, now: bool = False) -> Iterator[ast.Call]:
    """Yield all calls, or those that run ``now``: not in the body of a function."""
    pending: list[ast.AST] = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, ast.Call):
            yield each
        if now and isinstance(each, _Function):
            around = [*each.args.defaults, *(d for d in each.args.kw_defaults if d is not None)]
            pending += around
            if not isinstance(each, ast.Lambda):
                pending += each.decorator_list
        else:
            pending += ast.iter_child_nodes(each)


def _functions(node: ast.AST) -> Iterator[_Function]:
    """Yield the outermost functions of a statement."""
    pending: list[ast.AST] = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, _Function):
            yield each
        else:
            pending += ast.iter_child_nodes(each)
