"""What runs showed and code does not: pipelines made with it are equal to the notebook, or refused.

The programs use a module whose functions change their arguments, keep them, and change what they
keep. As in processes of their own, each step has a module of its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
import types
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.capture.names import collect
from jupyter_mlops.capture.observed_flow import FullFlowObserver
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.observed import ObservedCell, ObservedFlow, source_digest
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.model import Notice, Pipeline
from tests.programs import Cells, new_namespace, notebook, run, run_step, show

LIB = """
kept = []

def push(thing, item=0):
    if isinstance(thing, list): thing.append(item)
    elif isinstance(thing, dict): thing[len(thing)] = item

def keep(thing):
    kept.append(thing)

def poke():
    for thing in kept: push(thing, 'poked')

def last():
    return kept[-1] if kept else None

def link(one, other):
    push(one, other)

def bind(namespace, name):
    namespace[name] = [name]
"""
IMPORTS = ("imports", "import lib")

Outcome = Literal["equal", "refused", "different", "wrong"]


@pytest.fixture(autouse=True)
def _no_module_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lib", types.ModuleType("lib"))


def test_a_changed_argument_reaches_the_next_step() -> None:
    cells = [
        IMPORTS,
        ("step:a", "x = [1]"),
        ("step:b", "y = 2\nlib.push(x)"),
        ("step:c", "seen = x"),
    ]
    assert outcome(cells, observed=False)[0] == "wrong"
    found, pipeline = outcome(cells)
    assert found == "equal"
    assert pipeline is not None
    assert pipeline.step("c").inputs == {"x": "b"}
    (notice,) = pipeline.notices
    assert notice.message.startswith("cell 3 changes `x` in place, as a run of it showed")
    assert (notice.place.cell, notice.place.line) == (3, 2)


def test_a_change_through_memory_that_is_not_shared_is_refused_with_the_place() -> None:
    cells = [
        IMPORTS,
        ("step:a", "x = [1]\nlib.keep(x)"),
        ("step:b", "z = 0\nlib.poke()"),
        ("step:c", "seen = x"),
    ]
    assert outcome(cells, observed=False)[0] == "wrong"
    error = refusal(cells)
    assert error.code == "pipeline.entangled"
    assert error.place is not None
    assert (error.place.cell, error.place.line) == (3, 2)
    assert "`x`" in error.message
    merged = [*cells[:2], ("step:a", cells[2][1]), cells[3]]
    assert outcome(merged)[0] == "equal"


def test_an_alias_that_a_library_made_goes_along() -> None:
    cells = [
        IMPORTS,
        ("step:a", "x = []\nlib.keep(x)"),
        ("step:a", "y = lib.last()"),
        ("step:b", "x.append(1)"),
        ("step:c", "seen = (x, y)"),
    ]
    assert outcome(cells, observed=False)[0] == "wrong"
    found, pipeline = outcome(cells)
    assert found == "equal"
    assert pipeline is not None
    assert set(pipeline.step("b").inputs) == {"x", "y"}
    assert any("`x` and `y` share an object after cell 3" in n.message for n in pipeline.notices)


def test_an_alias_that_copies_do_not_have_is_refused() -> None:
    cells = [
        IMPORTS,
        ("step:a", "x = []\nlib.keep(x)"),
        ("step:b", "y = lib.last()"),
        ("step:c", "\nx.append(1)"),
        ("step:d", "seen = y"),
    ]
    error = refusal(cells)
    assert error.code == "pipeline.entangled"
    assert error.place is not None
    assert (error.place.cell, error.place.line) == (4, 2)


def test_what_text_binds_and_reads_is_known() -> None:
    cells = [
        ("step:a", "x = [1]\nz = 5"),
        ("step:b", "text = 'x = [2]'\nexec(text)"),
        ("step:c", "text = 'z'\nw = eval(text)"),
        ("step:d", "seen = (x, w)"),
    ]
    found, pipeline = outcome(cells)
    assert found == "equal"
    assert pipeline is not None
    # Before a run shows it, the text may read anything.
    assert pipeline.step("c").inputs == {"x": "b", "z": "a"}
    assert pipeline.step("d").inputs["x"] == "b"
    words = [notice.message for notice in pipeline.notices]
    assert any(text.startswith("cell 2 binds `x`") for text in words)


def test_what_a_run_did_not_do_may_be_done_by_another() -> None:
    cells = [("step:a", "x = [1]"), ("step:b", "if not x: x.append(1)"), ("step:c", "seen = x")]
    found, pipeline = outcome(cells)
    assert found == "equal"
    assert pipeline is not None
    assert pipeline.notices == ()
    assert pipeline.step("c").inputs == {"x": "b"}


def test_what_another_source_did_does_not_count() -> None:
    book = notebook(("step:a", "x = [1]"), ("step:b", "print(x)"), ("step:c", "seen = x"))
    seen = ObservedCell("c2", source_digest("lib.push(x)"), changes=("x",))
    assert compile_notebook(book, ObservedFlow((seen,))) == compile_notebook(book)


# --- random programs ----------------------------------------------------------------------------

NAMES = "abc"
_STATEMENTS = [
    "{x} = []", "{x} = [{y}]", "{x} = {{'k': {y}}}", "{x} = {y}", "{x} = [*{y}]",
    "{x} = lib.last()", "lib.push({x})", "lib.keep({x})", "lib.poke()", "lib.link({x}, {y})",
    "lib.push([{x}][0])",
    "exec('{x} = [{y}]')", "{x} = eval('{y}')", "lib.bind(globals(), '{x}')",
]  # fmt: skip
CELLS = st.lists(
    st.builds(
        lambda step, text, x, y: (f"step:{step}", text.format(x=x, y=y)),
        st.sampled_from("pqrs"),
        st.sampled_from(_STATEMENTS),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
    ),
    min_size=2,
    max_size=7,
)
_tally: Counter[Outcome] = Counter()


PROGRAMS = int(os.environ.get("PROGRAMS", "150"))


@settings(max_examples=PROGRAMS, deadline=None)
@given(CELLS)
def test_random_programs_are_equal_or_refused(cells: Cells) -> None:
    first = ("step:first", "a, b, c = [1], {'k': 2}, [[3]]")
    last = ("step:last", "seen = (a, b, c)")
    program = [IMPORTS, first, *cells, last]
    try:
        found, _ = outcome(program)
    except _FailsItself:
        return
    assert found != "wrong"
    _tally[found] += 1


def test_random_programs_are_not_all_refused() -> None:
    if not _tally:
        test_random_programs_are_equal_or_refused()
    assert _tally["equal"] > sum(_tally.values()) / 5


# --- notebooks and pipelines, as a promotion runs them -------------------------------------------


class _FailsItself(Exception):
    """The cells themselves fail, so that there is no notebook to be equal to."""


def outcome(cells: Cells, *, observed: bool = True) -> tuple[Outcome, Pipeline | None]:
    """Promote cells: run them, compile them with what was seen, run the steps, compare.

    ``different`` is what a proof finds: an output of a step that is not the notebook's. What it
    would not find, as ``seen`` is no output of any step, is ``wrong``.
    """
    book = notebook(*cells)
    flow, after = _run_observed(cells)
    try:
        pipeline = compile_notebook(book, flow if observed else None)
    except MlopsError as error:
        return ("refused" if error.place is not None and error.place.cell else "wrong"), None
    end: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for step in pipeline.steps:
            _fresh_lib()
            try:
                end = run_step(pipeline, step, Path(folder))
            except Exception:
                return "different", pipeline
            kept = after[step.cells[-1].position]
            if any(show(end[name]) != kept.get(name) for name in step.outputs):
                return "different", pipeline
    return ("equal" if show(end["seen"]) == after[len(cells)]["seen"] else "wrong"), pipeline


def refusal(cells: Cells) -> MlopsError:
    flow, _ = _run_observed(cells)
    with pytest.raises(MlopsError) as caught:
        compile_notebook(notebook(*cells), flow)
    return caught.value


def _run_observed(cells: Cells) -> tuple[ObservedFlow, dict[int, dict[str, str]]]:
    """Run cells as a notebook; return the flow and what each name held after each cell."""
    namespace = new_namespace()
    after: dict[int, dict[str, str]] = {}
    _fresh_lib()
    with tempfile.TemporaryDirectory() as folder:
        observer = FullFlowObserver(dict(namespace), Path(folder) / "flow.json", str)
        found: list[ObservedCell] = []
        for cell in notebook(*cells).code_cells:
            observer.before(namespace)
            try:
                run(cell, namespace)
            except Exception as error:
                raise _FailsItself from error
            names = collect(cell.source)
            found.append(observer.after(cell.id, cell.source, names, namespace))
            after[cell.position] = {name: show(value) for name, value in namespace.items()}
    return ObservedFlow(tuple(found)), after


def _fresh_lib() -> None:
    module = types.ModuleType("lib")
    exec(LIB, module.__dict__)
    sys.modules["lib"] = module


def test_a_notice_has_words_and_a_place() -> None:
    cells = [IMPORTS, ("step:a", "x = [1]\ny = {}"), ("step:b", "lib.push(x); lib.push(y)")]
    _, pipeline = outcome([*cells, ("step:c", "seen = x, y")])
    assert pipeline is not None
    assert pipeline.notices == (
        Notice(
            "cell 3 changes `y` in place, as a run of it showed and its code does not; "
            "the steps are wired by what the run showed",
            pipeline.notices[0].place,
        ),
    )
