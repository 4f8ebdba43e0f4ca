"""The cells of two runs side by side: which is which, and what has changed."""

from __future__ import annotations

import ast
import bisect
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..capture.cells import INJECTED
from .executions import tree_of

Change = Literal["same", "changed", "comments", "only in the first", "only in the second"]
_LIKE = 0.6
_MOST_PAIRS = 4000
"""More are not looked at for likeness, as each costs a comparison of texts."""


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell in two runs, as it was executed last; what is of one run alone is None.

    ``comments`` says that code which means the same was written differently. ``positions`` are
    the cell's places in the notebook, ``orders`` its last executions, ``executions`` how often it
    was executed. ``moved`` and ``reordered`` say that it stands, or was executed, at another
    place among the others.
    """

    change: Change
    positions: tuple[int | None, int | None]
    orders: tuple[int | None, int | None]
    executions: tuple[int, int]
    out_of_order: tuple[bool, bool]
    moved: bool
    reordered: bool
    diff: list[str]

    @property
    def place(self) -> str:
        """The cell's name for people."""
        one, other = self.positions
        position = other if other is not None else one
        if position is not None:
            return f"cell {position}"
        return f"execution {self.orders[1] or self.orders[0]}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def cell_changes(
    first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]
) -> list[CellChange]:
    """Return all cells of two runs, as their ``cells.json`` tells of them, in the second's order.

    A cell is known by its id, else by its source, else by what that means, else by likeness.
    """
    left, right = _latest(first), _latest(second)
    pairs = _pairs(left, right)
    moved = _out_of_line([(_place(left[i]), _place(right[j])) for i, j in pairs.items()])
    reordered = _out_of_line([(left[i]["order"], right[j]["order"]) for i, j in pairs.items()])
    found: list[tuple[float, CellChange]] = []
    for number, (i, j) in enumerate(pairs.items()):
        one, other = left[i], right[j]
        change = _change(one, other, number in moved, number in reordered)
        found.append((_place(other), change))
    last = 0.0
    partner = pairs
    for i, one in enumerate(left):
        if i in partner:
            last = _place(right[partner[i]])
        else:
            found.append((last + 0.5, _change(one, None)))
    taken = set(pairs.values())
    found += [
        (_place(other), _change(None, other)) for j, other in enumerate(right) if j not in taken
    ]
    return [change for _, change in sorted(found, key=lambda pair: pair[0])]


def latest(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each cell's last execution, in the order of the notebook."""
    return _latest(cells)


def _latest(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    counts: dict[Any, int] = {}
    for cell in cells:
        if cell.get("id") == INJECTED:
            continue  # the parameters that a rerun was given are told as such
        key = cell.get("id") or ("order", cell["order"])
        counts[key] = counts.get(key, 0) + 1
        found[key] = {**cell, "executions": counts[key]}
    return sorted(found.values(), key=_place)


def _place(cell: Mapping[str, Any]) -> float:
    position = cell.get("position")
    return float(position if position is not None else cell["order"])


def _pairs(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> dict[int, int]:
    """Return which cell of the left is which of the right, in the order of the left."""
    pairs: dict[int, int] = {}
    taken: set[int] = set()

    def pair(i: int, j: int) -> None:
        pairs[i] = j
        taken.add(j)

    ids = {cell["id"]: j for j, cell in enumerate(right) if cell.get("id")}
    for i, cell in enumerate(left):
        if cell.get("id") in ids:
            pair(i, ids[cell["id"]])
    for key in (_source, _meaning):
        rest = [j for j in range(len(right)) if j not in taken]
        places: dict[str, list[int]] = {}
        for j in reversed(rest):
            places.setdefault(key(right[j]), []).append(j)
        for i, cell in enumerate(left):
            if i not in pairs and (found := places.get(key(cell))):
                pair(i, found.pop())
    left_over = [i for i in range(len(left)) if i not in pairs]
    others = [j for j in range(len(right)) if j not in taken]
    if len(left_over) * len(others) <= _MOST_PAIRS:
        likeness = sorted(
            (
                (_like(left[i]["source"], right[j]["source"]), i, j)
                for i in left_over
                for j in others
            ),
            key=lambda each: (-each[0], abs(each[1] - each[2])),
        )
        for like, i, j in likeness:
            if like >= _LIKE and i not in pairs and j not in taken:
                pair(i, j)
    return dict(sorted(pairs.items()))


def _source(cell: Mapping[str, Any]) -> str:
    return str(cell["source"]).rstrip()


def _meaning(cell: Mapping[str, Any]) -> str:
    return _means(cell["source"])


def _like(one: str, other: str) -> float:
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= _LIKE else 0.0


def _change(
    one: dict[str, Any] | None,
    other: dict[str, Any] | None,
    moved: bool = False,
    reordered: bool = False,
) -> CellChange:
    before, after = (cell["source"] if cell else "" for cell in (one, other))
    change: Change = "same"
    if one is None:
        change = "only in the second"
    elif other is None:
        change = "only in the first"
    elif before.rstrip() != after.rstrip():
        change = "comments" if _means(before) == _means(after) else "changed"
    cells = (one or {}, other or {})
    return CellChange(
        change,
        positions=(cells[0].get("position"), cells[1].get("position")),
        orders=(cells[0].get("order"), cells[1].get("order")),
        executions=(cells[0].get("executions", 0), cells[1].get("executions", 0)),
        out_of_order=(
            bool(cells[0].get("out_of_order", False)),
            bool(cells[1].get("out_of_order", False)),
        ),
        moved=moved,
        reordered=reordered,
        diff=[] if change == "same" else _diff(before, after),
    )


def _means(source: str) -> str:
    """Return what code means, without comments and layout."""
    tree = tree_of(source)
    if tree is not None:
        return ast.dump(tree)
    return "\n".join(line.rstrip() for line in source.splitlines() if line.strip())


def _diff(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    return list(lines)[2:]


def _out_of_line(places: list[tuple[float, float]]) -> set[int]:
    """Return which pairs must move so that both sides have one order: as few as possible."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    ends: list[float] = []
    chain: list[int] = []
    before: dict[int, int | None] = {}
    for number in order:
        value = places[number][1]
        at = bisect.bisect_left(ends, value)
        before[number] = chain[at - 1] if at else None
        ends[at : at + 1] = [value]
        chain[at : at + 1] = [number]
    stay: set[int] = set()
    last = chain[-1] if chain else None
    while last is not None:
        stay.add(last)
        last = before[last]
    return set(order) - stay
