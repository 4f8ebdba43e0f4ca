"""Random notebooks, run whole and as pipelines, leave the same values and print the same.

``PROGRAMS=5000 make test PYTEST_ARGS=tests/unit/test_equality.py`` tries thousands instead of some
hundred. What came out different once is a case of its own in `test_equality_cases`.
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.dataflow import cell_code, cell_flow
from jupyter_mlops.notebook.document import Cell
from jupyter_mlops.notebook.namespace import Namespace
from tests.cell_idioms import IDIOMS, LEARNING
from tests.cell_programs import PLAIN, TABLES, build_separate, programs
from tests.cell_sessions import compare_sessions, seeded_session
from tests.programs import Cells, compare, compiled, new_namespace, notebook, run, run_step

NUMBERS = ("n", "m")
LISTS = ("xs", "ys", "zs")
START = "n, m = 1, 2\nxs, ys, zs = [1], [2], [3]\nds = {'k': [4]}"
FUNCTIONS = """\
import operator

def plain():
    return n + len(xs)

def push(v, w=0):
    v.append(w)
    return v

def bump():
    global n
    n += 1
    return n

def push_global():
    ys.append(n)

def deep(v):
    push(v, m)

def rebind(v):
    v = list(v)
    v.append(9)
    return v

def maker():
    box = [n]

    def inner(v):
        box.append(v)
        return list(box)

    return inner

def shared():
    return zs

class Bag:
    def __init__(self, items):
        self.items = items

    def add(self, v):
        self.items.append(v)

    def extend_from(self, others):
        others.append(m)
        self.items.append(len(others))
        return self
"""
OBJECTS = "inner = maker()\nbag = Bag([])\nlate = lambda: m"
STATEMENTS = (
    "{n} = {i}",
    "{n} += {m}",
    "{n} = len({x}) + {i}",
    "{x} = [{n}, {i}]",
    "{x} = {y}",
    "{x} = {y}[:]",
    "{x} = [{y}, {n}]",
    "{x}.append({n})",
    "{x}.append({y})",
    "{x} += [{m}]",
    "{x}[0:1] = [{n}]",
    "{x}, {y} = {y}, {x}",
    "{n}, *{x} = [{m}, {i}, {n}]",
    "ds['k'] = {x}",
    "ds.setdefault('k', []).append({n})",
    "ds = {{'k': {y}}}",
    "ds = dict(ds)",
    "{x} = ds.get('k', [])",
    "for v in {y}[:3]:\n    if isinstance(v, list): v.append({i})",
    "for v in [{x}, {y}]:\n    last = v\nlast.append({n})",
    "if {n} > {m}:\n    {x} = [{m}]",
    "if {n} % 2:\n    {n} = {m}\nelse:\n    {x} = {y}",
    "[{x}.append(v) for v in ({n}, {i})]",
    "({n} := {m} + 1)",
    "try:\n    {x}.remove({n})\nexcept ValueError:\n    {n} = 0",
    "while {n} > 50:\n    {n} = {n} // 2\n    {x} = {y}",
    "with open(__file__ if False else '/dev/null') as handle:\n    {x} = [{n}]\ndel handle",
    "del {n}; {n} = {i}",
    "match {y}:\n    case [one, *_]:\n        {x} = [one]\n    case _:\n        {n} = {i}",
    "{n} = plain()",
    "push({x}, {n})",
    "{x} = push({y}, {n})",
    "bump()",
    "push_global()",
    "deep({x})",
    "{x} = rebind({y})",
    "inner({n})",
    "{x} = inner({i})",
    "inner = maker()",
    "{n} = late() + {i}",
    "late = lambda: {n} + len({y})",
    "{x} = shared()",
    "bag = Bag({x})",
    "bag.add({n})",
    "{x} = bag.items",
    "bag.extend_from({y}).add({n})",
    "def plain():\n    return len({x}) + {i}",
    "def push_global():\n    {x}.append({i})",
    "operator.iadd({x}, [{n}])",
    "{x} = sorted({x}, key=id) and {x}",
    "{x} = list(map(lambda v: [v, {n}], [1, 2]))",
)

statement = st.builds(
    lambda form, n, m, x, y, i: form.format(n=n, m=m, x=x, y=y, i=i),
    st.sampled_from(STATEMENTS),
    st.sampled_from(NUMBERS),
    st.sampled_from(NUMBERS),
    st.sampled_from(LISTS),
    st.sampled_from(LISTS),
    st.integers(0, 9),
)
cell_source = st.lists(statement, min_size=1, max_size=3).map("\n".join)
NAMES = (*NUMBERS, *LISTS, "ds", "bag")


def look(namespace: dict[str, Any], names: tuple[str, ...] = NAMES) -> dict[str, str]:
    values = {name: namespace[name] for name in names if name in namespace}
    seen = {name: repr(value) for name, value in values.items() if name in NAMES}
    if "bag" in names and "bag" in namespace:
        seen["bag"] = repr(namespace["bag"].items)
    return seen


@st.composite
def tagged(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Draw a notebook whose steps are in one piece, mostly."""
    names = [("step:first", START)]
    names.append(("parameters", "n = 1\nm = 2\nxs = [1]\nys = [2]\nzs = [3]\nds = {'k': [4]}"))
    where = draw(st.sampled_from(["functions", "step:first"]))
    cells = [draw(st.sampled_from(names)), (where, FUNCTIONS)]
    if where == "functions" and draw(st.booleans()):
        cells.reverse()
    cells.append((draw(st.sampled_from(["functions", "step:first"])), OBJECTS))
    for step in range(draw(st.integers(2, 4))):
        for part in range(draw(st.integers(1, 2))):
            cells.append((f"step:s{step}" if part == 0 else "", draw(cell_source)))
    if draw(st.integers(0, 9)) == 0:
        cells.append(("step:s0", draw(cell_source)))
    return cells


COUNTS = {"equal": 0, "refused": 0}


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(tagged())
def test_a_pipeline_is_equal_to_its_notebook_or_refused(cells: list[tuple[str, str]]) -> None:
    book = notebook(*cells)
    pipeline = compiled(book)
    if isinstance(pipeline, MlopsError):
        assert pipeline.code in ("pipeline.entangled", "pipeline.cycle")
        assert pipeline.place is not None
        assert pipeline.place.cell is not None
        COUNTS["refused"] += 1
        return
    COUNTS["equal"] += 1
    last = {step.cells[-1].position: step.name for step in pipeline.steps}
    namespace = new_namespace()
    expected: dict[str, dict[str, str]] = {}
    for cell in book.cells:
        run(cell, namespace)
        if cell.position in last:
            expected[last[cell.position]] = look(namespace)
    with tempfile.TemporaryDirectory() as folder:
        for step in pipeline.steps:
            found = run_step(pipeline, step, Path(folder))
            names = {*step.outputs}
            if step.cells[-1].position - step.cells[0].position < len(step.cells):
                names |= _bound(step.cells)
            wanted = expected[step.name]
            for name, value in look(found, tuple(names)).items():
                assert (step.name, name, value) == (step.name, name, wanted.get(name))


def _bound(cells: tuple[Cell, ...]) -> set[str]:
    """Return the names that cells bind on every path."""
    code = [operation for cell in cells for operation in cell_code(cell).operations]
    return {name for name, fate in Namespace().run(code).fates.items() if fate == "sure"}


@settings(max_examples=150, deadline=None)
@given(st.lists(cell_source, min_size=1, max_size=4))
def test_what_a_cell_reads_is_enough_to_run_it(sources: list[str]) -> None:
    whole = new_namespace()
    exec(f"{START}\n{FUNCTIONS}\n{OBJECTS}", whole)
    for number, source in enumerate(sources, start=1):
        cell = Cell(f"c{number}", number, "code", source)
        flow = cell_flow(cell)
        functions = {name: whole[name] for name in flow.reads if callable(whole.get(name))}
        if functions or "bag" in flow.reads or "inner" in flow.writes:
            # What functions read is known from all cells only; see the test above.
            run(cell, whole)
            continue
        alone = {name: whole[name] for name in flow.reads if name in whole}
        missing = [name for name in flow.reads if name not in whole and name not in flow.optional]
        assert missing == []
        before = copy.deepcopy({name: whole[name] for name in NAMES})
        memo_free = {name: before[name] for name in alone if name in before}
        memo_free |= {name: alone[name] for name in alone if name not in before}
        memo_free["__name__"] = "__main__"
        run(cell, memo_free)
        run(cell, whole)
        for name in (*flow.writes, *flow.mutates):
            if name in NAMES and name in memo_free:
                assert repr(memo_free[name]) == repr(whole[name]), name


@pytest.fixture(scope="module", autouse=True)
def _most_are_not_refused() -> Any:
    # Before programs are drawn: what is imported may draw numbers itself.
    exec(f"{TABLES.imports}\n{LEARNING.imports}", {})
    yield
    if sum(COUNTS.values()) > 100:
        assert COUNTS["refused"] < 0.4 * sum(COUNTS.values()), COUNTS


PROGRAMS = int(os.environ.get("PROGRAMS", "180"))
_ANY_SIZE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
REFUSED: dict[str, list[bool]] = {
    "plain": [],
    "tables": [],
    "idioms": [],
    "learning": [],
    "sessions": [],
}


@settings(max_examples=PROGRAMS, deadline=None, suppress_health_check=_ANY_SIZE)
@given(programs(PLAIN))
def test_programs_over_lists_dicts_classes_and_closures(cells: Cells) -> None:
    REFUSED["plain"].append(compare(cells) is not None)


@settings(max_examples=PROGRAMS // 3, deadline=None, suppress_health_check=_ANY_SIZE)
@given(programs(TABLES))
def test_programs_over_arrays_views_and_frames(cells: Cells) -> None:
    REFUSED["tables"].append(compare(cells) is not None)


@settings(max_examples=PROGRAMS // 3, deadline=None, suppress_health_check=_ANY_SIZE)
@given(programs(IDIOMS))
def test_programs_whose_objects_do_more_than_they_show(cells: Cells) -> None:
    REFUSED["idioms"].append(compare(cells) is not None)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=PROGRAMS // 5, deadline=None, suppress_health_check=_ANY_SIZE)
@given(programs(LEARNING))
def test_programs_that_learn(cells: Cells) -> None:
    REFUSED["learning"].append(compare(cells) is not None)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=PROGRAMS // 10, deadline=None, suppress_health_check=_ANY_SIZE)
@given(st.integers(0, 1 << 32))
def test_programs_that_set_up_the_process_and_write_files(number: int) -> None:
    REFUSED["sessions"].append(compare_sessions(seeded_session(number)) is not None)


@settings(max_examples=PROGRAMS // 5, deadline=None, suppress_health_check=_ANY_SIZE)
@given(st.data())
def test_steps_that_share_nothing_are_never_refused(data: st.DataObject) -> None:
    def choose(choices: Sequence[Any]) -> Any:
        return data.draw(st.sampled_from(list(choices)))

    assert compare(build_separate(choose)) is None


@pytest.mark.parametrize("kind", REFUSED)
def test_few_programs_are_refused(kind: str) -> None:
    refused = REFUSED[kind]
    if len(refused) < 20:
        pytest.skip("too few programs were tried")
    # About a quarter of the tables, which share memory at every turn, and fewer of the others.
    assert sum(refused) < 0.5 * len(refused)
