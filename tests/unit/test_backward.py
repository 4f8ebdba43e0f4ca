"""From a result back to the executions that it rests on."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.tracking.backward import backward
from jupyter_mlops.tracking.executions import Execution, executions


def steps(*sources: str, failed: tuple[int, ...] = ()) -> list[Execution]:
    cells: list[dict[str, Any]] = [
        {
            "order": order,
            "id": f"c{order}",
            "position": order,
            "source": source,
            "outcome": "failed" if order in failed else "ok",
        }
        for order, source in enumerate(sources, 1)
    ]
    return executions(cells, None)


def orders(found: list[Execution], target: int) -> list[int]:
    return [each.order for each in backward(found, [target], set())[0]]


def test_only_what_is_needed() -> None:
    found = steps("a = 1", "b = 2", "c = a + 1", "d = b", "metric = c")
    assert orders(found, 5) == [1, 3, 5]


def test_what_was_overwritten_does_not_count() -> None:
    assert orders(steps("a = 1", "a = 2", "m = a"), 3) == [2, 3]


def test_changes_in_place_count() -> None:
    found = steps("a = []", "a.append(1)", "b = 1", "m = len(a)")
    assert orders(found, 4) == [1, 2, 4]


def test_what_is_bound_on_one_way_only_leaves_what_was_there() -> None:
    found = steps("a = 1", "flag = True", "if flag:\n    a = 2", "m = a")
    assert orders(found, 4) == [1, 2, 3, 4]


def test_functions_use_what_is_there_when_they_are_called() -> None:
    found = steps("scale = 1", "def f(x):\n    return x * scale", "scale = 2", "m = f(3)")
    assert orders(found, 4) == [2, 3, 4]


def test_functions_that_call_functions() -> None:
    found = steps(
        "k = 1", "def g():\n    return k", "def f():\n    return g()", "other = 1", "m = f()"
    )
    assert orders(found, 5) == [1, 2, 3, 5]


def test_a_failed_cell_may_have_changed_something_before() -> None:
    found = steps("a = 1", "a = 2\nraise ValueError", "m = a", failed=(2,))
    assert orders(found, 3) == [1, 2, 3]


def test_what_no_cell_made_is_told() -> None:
    found, unmade = backward(steps("m = len(data)"), [1], set())
    assert [each.order for each in found] == [1]
    assert unmade == {"data"}


def test_what_was_watched_counts_more_than_the_code() -> None:
    cell = {"id": "c1", "position": 1, "outcome": "ok", "source": "f(a)", "order": 1}
    seen = {"cells": [{"cell": "c1", "source_digest": _digest("f(a)"), "changes": ["b"]}]}
    (found,) = executions([cell], seen)
    assert found.observed
    assert found.changes == {"b"}


def _digest(source: str) -> str:
    from jupyter_mlops.notebook.observed import source_digest

    return source_digest(source)


NAMES = "abcd"
STATEMENTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(NAMES), st.integers(0, 9)).map(lambda p: f"{p[0]} = [{p[1]}]"),
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).map(
            lambda p: f"{p[0]} = {p[1]} + [1]"
        ),
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).map(
            lambda p: f"{p[0]}.extend(list({p[1]}))"
        ),
    ),
    max_size=12,
)


@given(STATEMENTS, st.sampled_from(NAMES))
def test_the_cells_alone_give_the_same_result(statements: list[str], name: str) -> None:
    sources = [f"{each} = []" for each in NAMES] + statements + [f"m = list({name})"]
    everything: dict[str, Any] = {}
    exec("\n".join(sources), everything)
    chosen, unmade = backward(steps(*sources), [len(sources)], set())
    alone: dict[str, Any] = {}
    exec("\n".join(each.source for each in chosen), alone)
    assert alone["m"] == everything["m"]
    assert unmade == set()
