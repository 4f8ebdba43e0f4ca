"""What cells were seen to do, as data: kept, found again, joined."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook.document import Cell
from jupyter_mlops.notebook.observed import ObservedCell, ObservedFlow, source_digest

NAMES = st.lists(st.sampled_from("abcde"), unique=True, max_size=4).map(lambda n: tuple(sorted(n)))
SOURCES = ("x = 1", "y = 2")


@st.composite
def cells(draw: st.DrawFn) -> ObservedCell:
    groups = draw(st.lists(NAMES.filter(lambda names: len(names) > 1), max_size=2, unique=True))
    return ObservedCell(
        draw(st.sampled_from(["c1", "c2"])),
        source_digest(draw(st.sampled_from(SOURCES))),
        draw(NAMES),
        draw(NAMES),
        draw(NAMES),
        draw(NAMES),
        tuple(groups),
        tuple(draw(st.sampled_from([(), names[:1], names])) for names in groups),
        draw(NAMES),
        draw(st.booleans()),
    )


FLOWS = st.lists(cells(), max_size=5).map(lambda found: ObservedFlow(tuple(found)))


@given(FLOWS)
def test_a_flow_survives_as_json(flow: ObservedFlow) -> None:
    assert ObservedFlow.from_dict(json.loads(json.dumps(flow.to_dict()))) == flow


def test_what_is_no_flow_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        ObservedFlow.from_dict({"cells": [{"cell": 3}]})


@given(FLOWS, FLOWS)
def test_joined_holds_all_that_either_saw(one: ObservedFlow, other: ObservedFlow) -> None:
    joined = one.joined(other)
    for each in (*one.cells, *other.cells):
        (found,) = (c for c in joined.cells if _key(c) == _key(each))
        for kind in ("reads", "binds", "changes", "deletes", "unknown"):
            assert set(getattr(each, kind)) <= set(getattr(found, kind))
        assert _groups(each) <= _groups(found)
        assert each.full or not found.full
    assert joined.joined(other).joined(one) == joined


def test_a_cell_is_found_by_its_source_and_the_last_time_counts() -> None:
    first = ObservedCell("c1", source_digest("x = 1"), binds=("x",))
    second = ObservedCell("c1", source_digest("x = 1\n"), changes=("y",))
    flow = ObservedFlow((first, second))
    assert flow.of(Cell("c1", 1, "code", "x = 1")) == second
    assert flow.of(Cell("c1", 1, "code", "x = 2")) is None
    assert flow.of(Cell("c2", 2, "code", "x = 1")) is None


def test_names_that_hold_are_told_from_those_that_are() -> None:
    cell = ObservedCell("c1", "", aliases=(("a", "b"), ("c", "d")), holders=(("b",), ()))
    assert list(cell.sharing()) == [(("a",), ("b",)), (("c", "d"), ())]


def _key(cell: ObservedCell) -> tuple[str, str]:
    return cell.cell, cell.source_digest


def _groups(cell: ObservedCell) -> set[tuple[frozenset[str], frozenset[str]]]:
    return {(frozenset(own), frozenset(holders)) for own, holders in cell.sharing()}
