"""What cells are seen to do, against what they did."""

from __future__ import annotations

import copy
import json
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.capture.names import collect
from jupyter_mlops.capture.observed_flow import FlowObserver, FullFlowObserver
from jupyter_mlops.notebook.observed import ObservedCell, ObservedFlow
from tests.support import calls


class Session:
    """A namespace in which cells run while an observer looks on."""

    def __init__(self, folder: Path | None = None, **hidden: Any) -> None:
        self.namespace: dict[str, Any] = {"__name__": "__main__", **hidden}
        start = dict(self.namespace)
        self.observer: FlowObserver
        if folder is None:
            self.observer = FlowObserver(start)
        else:
            self.observer = FullFlowObserver(start, folder / "flow.json", str)

    def run(self, source: str) -> ObservedCell:
        self.observer.before(self.namespace)
        exec(compile(source, "<cell>", "exec"), self.namespace)
        return self.observer.after("c", source, collect(source), self.namespace)


@pytest.fixture(params=["in passing", "in full"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Session:
    return Session(tmp_path if request.param == "in full" else None, hidden=[1])


def test_bindings_changes_and_deletions_are_told(session: Session) -> None:
    assert session.run("x, y, z = [1], 2, 'a'").binds == ("x", "y", "z")
    found = session.run("x.append(y); y = 3")
    assert (found.binds, found.changes, found.deletes) == (("y",), ("x",), ())
    assert found.reads == ("x", "y") if session.observer.full else True
    found = session.run("del z; x = list(x)")
    assert (found.binds, found.changes, found.deletes) == (("x",), (), ("z",))
    nothing = session.run("x")
    assert (nothing.binds, nothing.changes, nothing.deletes, nothing.aliases) == ((), (), (), ())


def test_names_of_the_session_are_no_variables(session: Session) -> None:
    assert session.run("_ = 1; __ = 2; _i3 = 'x'; Out = {}; hidden.append(2)").binds == ()
    assert session.run("hidden = 5; _mine = 1").binds == ("_mine", "hidden")


def test_what_the_code_does_not_show_is_seen(session: Session) -> None:
    lib = types.ModuleType("lib")
    exec(
        "import numpy\nkept = []\ndef keep(x): kept.append(x)\n"
        "def poke():\n    for x in kept: x[0] = -1\n",
        lib.__dict__,
    )
    session.namespace["lib"] = lib
    session.run("import numpy as np, pandas as pd")
    session.run("a = [1, 2]\nb = np.arange(5)\nc = pd.Series([1, 2, 3])\nd = {0: 3}")
    session.run("for thing in (a, b, c, d): lib.keep(thing)")
    session.run("del thing")
    assert session.run("lib.poke()").changes == ("a", "b", "c", "d")
    assert session.run("lib.poke()").changes == ()
    assert session.run("globals()['late'] = 1\nexec('a = 3')").binds == ("a", "late")


def test_aliases_are_told(session: Session) -> None:
    session.run("x = []")
    found = session.run("y = x\nbox = {'x': x}")
    assert list(found.sharing()) == [(("x", "y"), ("box",))]
    found = session.run("y.append(1)")
    assert found.changes == ("box", "x", "y")


def test_evaluated_text_is_read_in_full(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.run("import pandas as pd\nfloor, other = 1, 2\ntable = pd.DataFrame({'a': [1, 2, 3]})")
    assert session.run("eval('floor + 1')").reads == ("floor",)
    assert session.run("exec('late = other')").reads == ("other",)
    assert session.run("big = table.query('a > @floor')").reads == ("floor", "table")
    assert session.run("def f(): return other").reads == ()


def test_a_value_without_a_steady_content_is_unknown(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.run(
        "import time\n"
        "class Restless:\n"
        "    def __reduce__(self):\n        return Restless, (), {'n': time.perf_counter_ns()}\n"
        "restless, open_file = Restless(), open(__import__('os').devnull)"
    )
    found = session.run("1")
    assert found.changes == ()
    assert set(found.unknown) == {"restless", "open_file"}
    session.run("open_file.close()")


def test_the_flow_is_in_the_file_after_each_cell(tmp_path: Path) -> None:
    session = Session(tmp_path)
    cells = tuple(session.run(source) for source in ("x = [1]", "x.append(2)", "del x"))
    content = json.loads((tmp_path / "flow.json").read_text())
    assert ObservedFlow.from_dict(content) == ObservedFlow(cells)
    assert [path.name for path in tmp_path.iterdir()] == ["flow.json"]


def test_what_is_too_large_for_the_time_is_unknown_not_guessed() -> None:
    session = Session()
    session.namespace["big"] = np.zeros(10_000_000)
    session.namespace["many"] = [[number] for number in range(100_000)]
    session.run("1")
    found = session.run("big[3] = 1\nmany[5].append(1)")
    assert found.changes == ()
    assert found.unknown == ("big", "many")
    assert not found.full
    assert session.run("big += 1").changes == ("big",)


def test_nothing_is_kept_alive(session: Session) -> None:
    import weakref

    session.run("class Thing:\n    pass\nthing = Thing()\nother = [thing]")
    gone = weakref.ref(session.namespace["thing"])
    session.run("del thing, other")
    import gc

    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    "value",
    [1, [1], {"a": [1]}, pd.DataFrame({"a": np.arange(1000.0)})],
    ids=lambda v: str(type(v)),
)
def test_variables_left_alone_cost_a_few_calls_each(value: Any) -> None:
    def cost(variables: int) -> int:
        session = Session()
        session.namespace.update({f"v{n}": copy.copy(value) for n in range(variables)})
        session.run("x = 1")
        return calls(lambda: session.run("x = 1"))

    assert cost(300) - cost(100) <= 200 * 15


# --- random programs ----------------------------------------------------------------------------

NAMES = "abc"
_STATEMENTS = [
    "{x} = []", "{x} = {{'k': {y}}}", "{x} = [{y}]", "{x} = {y}", "{x} = copied({y})", "{x} = 1",
    "push({x})", "push(inner({y}))", "globals()['{x}'] = {y}", "{x} = ({y}, {z})",
]  # fmt: skip
STATEMENTS = st.builds(
    lambda text, x, y, z: text.format(x=x, y=y, z=z),
    st.sampled_from(_STATEMENTS),
    *[st.sampled_from(NAMES)] * 3,
)


def push(value: Any) -> None:
    """Change whatever there is to change in a value."""
    if isinstance(value, list):
        value.append(len(value))
    elif isinstance(value, dict):
        value[len(value)] = 0
    elif isinstance(value, tuple):
        push(value[0])


def inner(value: Any) -> Any:
    while isinstance(value, list | tuple | dict) and value:
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
        if isinstance(value, list):
            return value
    return value


@settings(deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=8))
def test_random_programs_are_seen_as_they_are(sources: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        session = Session(Path(folder), push=push, inner=inner, copied=copy.deepcopy)
        session.run("a, b, c = [], {}, []")
        for source in sources:
            objects = {name: session.namespace[name] for name in NAMES}
            before = {name: repr(value) for name, value in objects.items()}
            cell = session.run(source)
            now = {name: session.namespace[name] for name in NAMES}
            same = {name for name in NAMES if now[name] is objects[name]}
            changed = {name for name in same if repr(now[name]) != before[name]}
            assert set(cell.binds) == set(NAMES) - same
            assert set(cell.changes) == changed
            assert not cell.deletes
            assert not cell.unknown
            told = {frozenset(own) | frozenset(holders) for own, holders in cell.sharing()}
            news = set(cell.binds) | changed
            for one in news:
                for other in set(NAMES) - {one}:
                    meet = _inside(now[one]) & _inside(now[other])
                    assert any({one, other} <= group for group in told) or not meet


def _inside(value: Any, depth: int = 0) -> set[int]:
    """Return the identities of lists and dicts that a value is or holds."""
    if depth > 3 or not isinstance(value, list | dict | tuple):
        return set()
    parts = value.values() if isinstance(value, dict) else value
    found = {each for part in parts for each in _inside(part, depth + 1)}
    return found if isinstance(value, tuple) else {*found, id(value)}
