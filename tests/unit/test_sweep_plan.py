"""What points of a sweep share is safe to share: random programs, parted and whole, end alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.sweeps.plan import Plan, make_plan
from tests.programs import new_namespace, notebook, run
from tests.unit.test_equality import FUNCTIONS, OBJECTS, cell_source, look

PARAMETERS = ("parameters", "n = 1\nm = 2")
LISTS = ("", "xs, ys, zs = [1], [2], [3]\nds = {'k': [4]}")
START = [PARAMETERS, LISTS, ("", FUNCTIONS), ("", OBJECTS)]


def _parted(cells: list[tuple[str, str]], plan: Plan, given: dict[str, int]) -> dict[str, Any]:
    """Run the cells as a sweep does: each parameter is assigned where its level begins."""
    namespace = new_namespace()
    levels = {level.cell: level.names for level in plan.levels}
    book = notebook(*cells)
    # Behind the parameters cell, the first here, stands the injected one.
    executed = [book.cells[0], None, *book.cells[1:]]
    for number, cell in enumerate(executed):
        namespace.update({name: given[name] for name in levels.get(number, ())})
        if cell is not None:
            run(cell, namespace)
    namespace.update({name: given[name] for name in levels.get(len(executed), ())})
    return namespace


@settings(max_examples=300, deadline=None)
@given(
    st.lists(cell_source, min_size=1, max_size=5),
    st.sampled_from([("n",), ("m",), ("n", "m")]),
    st.integers(3, 9),
    st.integers(3, 9),
)
def test_a_point_ends_as_a_whole_run_does(
    sources: list[str], swept: tuple[str, ...], n: int, m: int
) -> None:
    cells = [*START, *(("", source) for source in sources)]
    values = {name: value for name, value in {"n": n, "m": m}.items() if name in swept}
    plan = make_plan(notebook(*cells), swept)
    whole = new_namespace()
    for number, cell in enumerate(notebook(*cells).cells):
        run(cell, whole)
        if number == 0:
            whole.update(values)
    found = _parted(cells, plan, values)
    assert look(found) == look(whole)
    assert {name for level in plan.levels for name in level.names} == set(swept)


@pytest.mark.parametrize(
    "cell",
    [
        "print(depth)",
        "depth = 5",
        "del depth",
        "depth += 1",
        "f'{depth}'",
        "!echo {depth}",
        "%env DEPTH=$depth",
        "%whos",
        "%run other.py",
        "globals()['depth']",
        "locals()",
        "eval('dep' + 'th')",
        "exec(text)",
        "import __main__\n__main__.depth",
        "get_ipython().user_ns['depth']",
        "used()",
        "later = used\nlater()",
        "%%time\ndepth",
        "%%bash -s $depth\necho $1",
        "class A:\n    size = depth",
        "[depth for _ in range(2)]",
        "this is no Python",
    ],
)
def test_a_cell_that_may_touch_a_parameter_is_not_shared(cell: str) -> None:
    cells = [
        ("imports", "import os"),
        ("parameters", "depth = 3\nother = 1"),
        ("", "text = 'x = 1'\ndef used():\n    return depth"),
        ("", "before = 1  # depth"),
        ("", cell),
    ]
    (level,) = make_plan(notebook(*cells), ["depth"]).levels
    assert level.cell == 5  # four cells and the injected one
    assert level.names == ("depth",)


def test_cells_that_do_not_name_a_parameter_are_shared() -> None:
    cells = [
        ("imports", "import numpy as np"),
        ("parameters", "depth = 3\nrate = 0.1\nunused = 0"),
        ("", "data = np.arange(10)  # depth comes later"),
        ("", "model = [data, depth]"),
        ("", "score = len(model)"),
        ("", "score * rate"),
    ]
    plan = make_plan(notebook(*cells), ["rate", "depth", "unused"])
    assert [(level.cell, level.names) for level in plan.levels] == [
        (4, ("depth",)),
        (6, ("rate",)),
        (7, ("unused",)),
    ]
    assert plan.shared == 4
    assert plan.unused() == ("unused",)


def test_what_is_read_above_the_parameters_cell_is_no_use_of_them() -> None:
    cells = [("", "depth = 1\nprint(depth)"), ("parameters", "depth = 3"), ("", "print(depth)")]
    (level,) = make_plan(notebook(*cells), ["depth"]).levels
    assert level.cell == 3
