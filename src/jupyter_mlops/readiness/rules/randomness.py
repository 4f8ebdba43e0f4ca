"""Numbers that are drawn without a seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...notebook.randomness import Draw, unseeded
from ..context import Context
from ..rule import Found, rule


@rule(
    "unseeded-randomness",
    "warning",
    what="random numbers that no seed makes repeatable",
    why="Two runs give two results, so no proof can tell whether pipeline and notebook are equal.",
    fix="pass a seed, such as `random_state=0`.",
    example="`train_test_split(X, y)`",
)
def unseeded_randomness(context: Context) -> Iterator[Found]:
    found = unseeded(code.tree for code in context.codes)
    for code, draws in zip(context.codes, found, strict=True):
        for words, same in _by_words(draws).items():
            first, others = same[0], len({draw.line for draw in same}) - 1
            what, _, fix = words.partition("; ")
            more = f", and so do {others} more lines" if others > 1 else ""
            more = more or (f", and so does line {same[-1].line}" if others else "")
            yield Found(f"`{first.name}` {what}{more}", code.cell, first.line, fix and f"{fix}.")


def _by_words(draws: Iterable[Draw]) -> dict[str, list[Draw]]:
    """Group a cell's draws by what they draw from: one seed mends them all."""
    groups: dict[str, list[Draw]] = {}
    for draw in draws:
        groups.setdefault(draw.words, []).append(draw)
    return groups
