"""Which printed lines chance can explain: those of statements that depend on it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from . import texts
from .downstream import Traced
from .times import line_parts

_ANY = re.compile(".*")

Printed = dict[str, tuple[re.Pattern[str], ...]]
"""For each function of the notebook the patterns of the lines that it may print."""


def functions_print(trees: Iterable[ast.Module]) -> Printed:
    """Return what the functions and classes of cells print, those that they call included."""
    own: Printed = {}
    used: dict[str, set[str]] = {}
    for node in (each for tree in trees for each in tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own[node.name] = tuple(_patterns(node))
            used[node.name] = _names(node)
    return {name: tuple(_reached(name, own, used)) for name in own}


def chance_explains(traced: Traced, functions: Printed, notebook: str, pipeline: str) -> bool:
    """Tell whether two texts that a cell printed differ only in lines that depend on chance.

    Parameters
    ----------
    functions
        As `functions_print` returns it.
    """
    random = [node for node, sources in traced.statements if sources]
    steady = [node for node, sources in traced.statements if not sources]
    if not random:
        return False
    a, b = notebook.split("\n"), pipeline.split("\n")
    simple = _one_line_each(traced, functions)
    if simple is not None and len(a) == len(b) == len(simple):
        pairs = zip(a, b, simple, strict=True)
        return all(is_random or _same(x, y) for x, y, is_random in pairs)
    fixed = [p for node in steady for p in _of_statement(node, functions) if p is not _ANY]
    drawn = [p for node in random for p in _of_statement(node, functions)]
    any_line = not drawn or _ANY in drawn or _result(traced) in random
    drawn = [pattern for pattern in drawn if pattern is not _ANY]
    return all(
        _fits(drawn, line) or (any_line and not _fits(fixed, line)) for line in _differing(a, b)
    )


def _result(traced: Traced) -> ast.stmt | None:
    """Return the expression whose result the cell shows."""
    node = traced.statements[-1][0] if traced.statements else None
    return node if isinstance(node, ast.Expr) and not _is_print(node.value) else None


def _one_line_each(traced: Traced, functions: Printed) -> list[bool] | None:
    """Return for each printed line whether it is random, where every statement prints just one."""
    found: list[bool] = []
    for number, (node, sources) in enumerate(traced.statements):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
        prints = [each for each in calls if _is_print(each)]
        is_alone = isinstance(node, ast.Expr) and prints == [node.value]
        if (prints and not is_alone) or any(functions.get(name) for name in _names(node)):
            return None
        last = number == len(traced.statements) - 1
        if is_alone or (last and isinstance(node, ast.Expr)):
            found.append(bool(sources))
    return found


def _of_statement(node: ast.stmt, functions: Printed) -> Iterator[re.Pattern[str]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    yield from _patterns(node)
    for name in sorted(_names(node)):
        yield from functions.get(name, ())


def _patterns(node: ast.AST) -> Iterator[re.Pattern[str]]:
    """Yield the patterns of the lines that calls of ``print`` make."""
    for call in ast.walk(node):
        if not _is_print(call):
            continue
        parts = next(iter(line_parts(call)), None)
        if parts is None:
            yield _ANY
        else:
            whole = "".join(part if isinstance(part, str) else "\0" for part in parts)
            for line in whole.split("\n"):
                if line.replace("\0", "").strip():
                    text = ".*".join(re.escape(each) for each in line.rstrip().split("\0"))
                    yield re.compile(text)
                elif "\0" in line:
                    yield _ANY


def _reached(name: str, own: Printed, used: dict[str, set[str]]) -> Iterator[re.Pattern[str]]:
    seen, pending = {name}, [name]
    while pending:
        each = pending.pop()
        yield from own[each]
        new = (used[each] & own.keys()) - seen
        seen |= new
        pending += sorted(new)


def _fits(patterns: Sequence[re.Pattern[str]], line: str) -> bool:
    return any(pattern.fullmatch(line) for pattern in patterns)


def _differing(a: list[str], b: list[str]) -> Iterator[str]:
    one, other = Counter(a), Counter(b)
    if len(a) == len(b):
        pairs = [(x, y) for x, y in zip(a, b, strict=True) if not _same(x, y)]
        one, other = Counter(x for x, _ in pairs), Counter(y for _, y in pairs)
    yield from (one - other).elements()
    yield from (other - one).elements()


def _same(one: str, other: str) -> bool:
    return texts.compare(one, other).verdict != "different"


def _is_print(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    return node.func.id in ("print", "display")


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
