"""Cells of two runs side by side."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.tracking.cell_changes import cell_changes


def cell(order: int, position: int | None, source: str, name: str | None = None) -> dict[str, Any]:
    return {"order": order, "position": position, "source": source, "id": name}


def test_cells_are_known_by_id_by_source_and_by_likeness() -> None:
    first = [
        cell(1, 1, "a = 1", "one"),
        cell(2, 2, "b = load()\nc = b.clean()\nd = c.drop('x')"),
        cell(3, 3, "e = 5"),
        cell(4, 4, "print('gone')"),
    ]
    second = [
        cell(1, 1, "a = 2", "one"),
        cell(2, 2, "e = 5"),
        cell(3, 3, "b = load()\nc = b.clean()\nd = c.drop('y')"),
        cell(4, 4, "new_thing = 7 ** 2"),
    ]
    found = cell_changes(first, second)
    assert [each.change for each in found] == [
        "changed",
        "same",
        "only in the first",
        "changed",
        "only in the second",
    ]
    assert found[0].diff[1:] == ["-a = 1", "+a = 2"]
    assert [line for line in found[3].diff if line[0] in "+-"] == [
        "-d = c.drop('x')",
        "+d = c.drop('y')",
    ]
    # One of two cells that changed places has moved; to move the other says the same.
    assert sum(each.moved for each in found) == 1


def test_executions_are_counted_and_the_last_one_counts() -> None:
    first = [cell(1, 1, "a = 1", "a"), cell(2, 2, "b = a", "b")]
    second = [cell(1, 1, "a = 0", "a"), cell(2, 2, "b = a", "b"), cell(3, 1, "a = 1", "a")]
    a, b = cell_changes(first, second)
    assert (a.change, a.executions, a.orders) == ("same", (1, 2), (1, 3))
    assert a.reordered or b.reordered
    assert (a.moved, b.moved) == (False, False)


def test_comments_are_no_change_of_code() -> None:
    (found,) = cell_changes([cell(1, 1, "a = 1")], [cell(1, 1, "a  =  1  # one")])
    assert found.change == "comments"
    (found,) = cell_changes([cell(1, 1, "%%time\na = 1")], [cell(1, 1, "%%time\na = 2")])
    assert found.change == "changed"


SOURCES = st.lists(st.sampled_from(["a = 1", "b = a", "c = a + b", "print(c)", "%time f()", ""]))


@given(SOURCES, SOURCES, st.booleans())
def test_every_cell_stands_there_once(one: list[str], other: list[str], named: bool) -> None:
    def cells(sources: list[str]) -> list[dict[str, Any]]:
        return [
            cell(n, n, source, f"c{n}" if named else None) for n, source in enumerate(sources, 1)
        ]

    found = cell_changes(cells(one), cells(other))
    for side, sources in enumerate((one, other)):
        orders = [each.orders[side] for each in found if each.orders[side] is not None]
        assert sorted(orders) == list(range(1, len(sources) + 1))  # type: ignore[type-var]
    if one == other:
        assert all(each.change == "same" and not each.moved for each in found)
