"""Ghost state, from execution counts and from what a kernel executed."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.notebook.document import Notebook
from jupyter_mlops.notebook.ghosts import Executed, Ghost, KernelState, find_ghosts
from tests.cell_programs import programs
from tests.programs import notebook

Counted = list[tuple[str, int | None]]


def book(cells: Counted, tags: dict[int, str] | None = None) -> Notebook:
    made = notebook(*[((tags or {}).get(n, ""), source) for n, (source, _) in enumerate(cells, 1)])
    counted = zip(made.cells, cells, strict=True)
    return replace(
        made, cells=tuple(replace(cell, execution_count=count) for cell, (_, count) in counted)
    )


def kernel(*executed: tuple[str, str], names: str = "") -> KernelState:
    """Make the state of a kernel that executed (cell id, source) pairs."""
    found = tuple(Executed(source, n, cell) for n, (cell, source) in enumerate(executed, 1))
    return KernelState(tuple(names.split()), found)


def told(ghosts: tuple[Ghost, ...]) -> list[tuple[str, int | None]]:
    return [(ghost.name, ghost.place.cell) for ghost in ghosts]


CLEAN: dict[str, Counted] = {
    "never executed": [("x = 1", None), ("print(x)", None)],
    "in order": [("x = 1", 1), ("y = x", 2), ("print(y)", 3)],
    "in order, later in a session": [("x = 1", 11), ("y = x", 12), ("print(y)", 15)],
    "imports executed again": [("import os", 9), ("x = os.sep", 2), ("print(x)", 3)],
    "no data between": [("a = 1", 2), ("b = 2", 1), ("print(a, b)", 3)],
    "a cell added, not executed": [("x = 1", 1), ("x = 2", None), ("print(x)", 2)],
    "of several kernels": [("x = 1", 2), ("y = x", 1), ("print(y)", 2)],
    "a constant set anew and its cell executed again": [("x = 1", 7), ("y = x", 3)],
    "the same imports in two cells": [
        ("import numpy as np", 1),
        ("a = np.e", 4),
        ("import numpy as np\nb = np.pi", 3),
    ],
    "settings of a module": [
        ("import os", 1),
        ("print(os.environ)", 3),
        ("os.environ['A'] = 'b'", 2),
    ],
    "names of Python and IPython": [("print(len(_), In, display)", 3)],
    "unknown names may come from a file": [("%run other.py", 1), ("print(other)", 2)],
    "a look again, in order": [("x = [1]", 1), ("x.append(2)", 2), ("x", 9)],
}


@pytest.mark.parametrize("name", CLEAN)
def test_no_ghosts(name: str) -> None:
    assert find_ghosts(book(CLEAN[name])) == ()


HAUNTED: dict[str, tuple[Counted, str, int, str, str]] = {
    "executed from below": (
        [("print(x)", 2), ("x = 1", 1)],
        *("x", 1, "executed after cell 2, which made `x`", "move cell 2 above cell 1"),
    ),
    "executed before what makes it": (
        [("x = 1", 2), ("y = x", 1)],
        *("x", 2, "executed before cell 1, which makes `x`", "run all cells in order"),
    ),
    "the cell that made it is gone": (
        [("y = x + 1", 5), ("print(y)", 6)],
        *("x", 1, "no cell makes it", "write above cell 1 what makes `x`"),
    ),
    "another value from below": (
        [("x = 1", 1), ("y = x", 3), ("x = 10", 2)],
        *("x", 2, "executed after cell 3", "move cell 3 above cell 2"),
    ),
    "changed below": (
        [("x = [1]", 1), ("print(x)", 3), ("x.append(2)", 2)],
        *("x", 2, "executed after cell 3", "move cell 3 above cell 2"),
    ),
    "a frame's column from below": (
        [("df = {}", 1), ("print(df)", 3), ("df['a'] = 1", 2)],
        *("df", 2, "executed after cell 3", "move cell 3"),
    ),
    "the first cell again, and not those after it": (
        [("x = 1", 4), ("x = x + 1", 2), ("print(x)", 5)],
        *("x", 3, "another order: cell 1 was the last", "run all cells in order"),
    ),
    "a function's global from below": (
        [("def f():\n    return x", 1), ("print(f())", 3), ("x = 1", 2)],
        *("x", 2, "executed after cell 3", "move cell 3"),
    ),
}


@pytest.mark.parametrize("name", HAUNTED)
def test_ghosts_from_counts(name: str) -> None:
    cells, wanted, position, message, fix = HAUNTED[name]
    (ghost,) = find_ghosts(book(cells))
    assert told((ghost,)) == [(wanted, position)]
    assert message in ghost.message
    assert fix in ghost.fix
    assert ghost.place.line == 1
    json.dumps(ghost.to_dict())


def test_skipped_and_test_cells_are_not_looked_at() -> None:
    cells: Counted = [("x = 1", 1), ("print(x)", 3), ("x = 10", 2)]
    assert find_ghosts(book(cells, {2: "skip"})) == ()
    assert find_ghosts(book(cells, {2: "test"})) == ()
    assert told(find_ghosts(book(cells, {2: "step:a"}))) == [("x", 2)]


def cells_of(*sources: str) -> Notebook:
    return book([(source, None) for source in sources])


def test_a_kernel_that_ran_the_cells_in_order_has_no_ghosts() -> None:
    found = cells_of("x = 1", "x += 1", "print(x)")
    ran = kernel(("c1", "x = 1"), ("c2", "x += 1"), ("c3", "print(x)"), names="x")
    assert find_ghosts(found, ran) == ()
    again = kernel(*[("c1", "x = 1"), ("c2", "x += 1"), ("c3", "print(x)")] * 2, names="x")
    assert find_ghosts(found, again) == ()


def test_a_cell_executed_twice_that_counts() -> None:
    found = cells_of("x = 1", "x += 1", "print(x)")
    ran = kernel(("c1", "x = 1"), ("c2", "x += 1"), ("c2", "x += 1"), ("c3", "print(x)"))
    (ghost,) = find_ghosts(found, ran)
    assert told((ghost,)) == [("x", 2)]
    assert "more than once, and changes `x` each time" in ghost.message


def test_a_list_filled_twice() -> None:
    found = cells_of("rows = []", "rows.append(1)", "print(rows)")
    ran = kernel(
        ("c1", "rows = []"), ("c2", "rows.append(1)"), ("c2", "rows.append(1)"), ("c3", "rows")
    )
    assert told(find_ghosts(found, ran)) == [("rows", 2)]


@pytest.mark.parametrize(
    "source", ["df = df.dropna()", "df['b'] = df['a'] * 2", "df.sort_values('a', inplace=True)"]
)
def test_a_cell_executed_twice_that_does_the_same_again(source: str) -> None:
    found = cells_of("df = load()", source, "print(df)").cells
    given = replace(cells_of("def load():\n    return 1"), cells=())
    made = replace(given, cells=tuple(replace(c, id=f"c{c.position}") for c in found))
    ran = kernel(("c1", "df = load()"), ("c2", source), ("c2", source), ("c3", "print(df)"))
    assert [ghost for ghost in find_ghosts(made, ran) if ghost.name == "df"] == []


def test_a_name_that_only_the_kernel_has() -> None:
    found = cells_of("z = 1", "print(x, z)")
    ran = kernel(("gone", "x = 5"), ("c1", "z = 1"), names="x z")
    (ghost,) = find_ghosts(found, ran)
    assert told((ghost,)) == [("x", 2)]
    assert "is in the kernel, but no cell makes it" in ghost.message


@pytest.mark.parametrize("ids", [("c1", "gone", "c2"), ("", "", "")])
def test_a_deleted_cell_between(ids: tuple[str, str, str]) -> None:
    found = cells_of("x = [3]", "print(x)")
    sources = ("x = [3]", "x = x + [4]", "print(x)")
    (ghost,) = find_ghosts(found, kernel(*zip(ids, sources, strict=True), names="x"))
    assert told((ghost,)) == [("x", 2)]
    assert "deleted or edited" in ghost.message


@pytest.mark.parametrize("ids", [("c1", "c2", "c1"), ("", "", "")])
def test_an_edited_cell_is_no_ghost(ids: tuple[str, str, str]) -> None:
    found = cells_of("x = 2", "print(x)")
    sources = ("x = 1", "print(x)", "x = 2")
    assert find_ghosts(found, kernel(*zip(ids, sources, strict=True), names="x")) == ()


def test_an_edited_cell_that_no_longer_makes_the_name() -> None:
    found = cells_of("y = 2", "print(x)")
    ran = kernel(("c1", "x = 1"), ("c2", "print(x)"), ("c1", "y = 2"), names="x y")
    assert told(find_ghosts(found, ran)) == [("x", 2)]


def test_a_kernel_of_another_notebook_leaves_it_to_the_counts() -> None:
    found = book(HAUNTED["executed from below"][0])
    other = kernel(("z1", "something = 1"), names="something")
    assert told(find_ghosts(found, other)) == [("x", 1)]


def test_the_state_goes_through_json() -> None:
    state = kernel(("c1", "x = 'é'"), ("", "y = 1"), names="x y")
    assert KernelState.from_dict(json.loads(json.dumps(state.to_dict()))) == state


# --- random programs, executed for real ---------------------------------------------------------


@given(programs(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_run_in_order_has_no_ghosts_whatever_was_tried_before(
    program: list[tuple[str, str]], data: st.DataObject
) -> None:
    sources = [source for _, source in program]
    tried = data.draw(st.lists(st.sampled_from(range(len(sources))), max_size=6))
    order = [*tried, *range(len(sources))]
    assert find_ghosts(cells_of(*sources), executed(sources, order)) == ()
    counts = {number: count for count, number in enumerate(order, 1)}
    counted = book([(source, counts[n]) for n, source in enumerate(sources)])
    assert find_ghosts(counted) == ()


STATEMENTS = ["{0} = 1", "{0} = 2", "{0} = {1}", "{0} = {1} + {0}", "{0} += 1", "print({0})"]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_whoever_saw_other_values_than_in_order_is_haunted(data: st.DataObject) -> None:
    """Cells that were given other values of a name, and nothing else, have a ghost."""
    names = st.sampled_from("abc")
    lines = st.builds(str.format, st.sampled_from(STATEMENTS), names, names)
    sources = ["a = 10", "b = 20", "c = 30", *data.draw(st.lists(lines, min_size=1, max_size=5))]
    numbers = st.sampled_from(range(len(sources)))
    order = [*range(len(sources)), *data.draw(st.lists(numbers, max_size=4))]
    found = find_ghosts(cells_of(*sources), executed(sources, order))
    clean, seen = results(sources, range(len(sources))), results(sources, order)
    if not found:
        assert seen == clean
    if order == [*range(len(sources))]:
        assert not found


def executed(sources: list[str], order: list[int]) -> KernelState:
    return kernel(*[(f"c{number + 1}", sources[number]) for number in order])


def results(sources: list[str], order: Any) -> dict[int, tuple[str, Any, Any, Any]]:
    """Return what each cell printed and left when it was last executed."""
    namespace: dict[str, Any] = {}
    found: dict[int, tuple[str, Any, Any, Any]] = {}
    for number in order:
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            exec(sources[number], namespace)
        shown = text.getvalue()
        found[number] = (shown, *[None] * 3) if shown else ("", *left(sources[number], namespace))
    return found


def left(source: str, namespace: dict[str, Any]) -> list[Any]:
    return [namespace.get(name) if source.startswith(name) else None for name in "abc"]
