"""What runs when, in real threads: after what it needs, side by side, and never for too long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.chains.execution import Job, run_nodes
from jupyter_mlops.chains.graph import Node
from jupyter_mlops.progress import Event, Progress, drain


class Work:
    """A job that ends when all that are to run beside it have begun, or when it is stopped."""

    def __init__(self, hand: Hand, name: str) -> None:
        self._hand = hand
        self._name = name
        self._stopped = threading.Event()

    def work(self) -> bool:
        with self._hand.lock:
            self._hand.running.add(self._name)
            self._hand.most = max(self._hand.most, len(self._hand.running))
        if self._name in self._hand.endless:
            self._stopped.wait()
        with self._hand.lock:
            self._hand.running.discard(self._name)
        return self._name not in self._hand.bad | self._hand.endless

    def stop(self, *, at_once: bool) -> None:
        self._stopped.set()


class Hand:
    def __init__(self, bad: set[str], done: set[str], endless: set[str]) -> None:
        self.bad, self.done, self.endless = bad, done, endless
        self.lock = threading.Lock()
        self.running: set[str] = set()
        self.most = 0
        self.started: list[str] = []
        self.ends: list[str] = []
        self.late: list[str] = []

    def start(self, node: Node) -> Progress[Job | bool]:
        self.started.append(node.name)
        yield Event("notebook", node.name)
        if node.name in self.done:
            self.ends.append(node.name)
            return True
        return Work(self, node.name)

    def ended(self, node: Node) -> Progress[None]:
        self.ends.append(node.name)
        yield Event("notebook", node.name)

    def gave_up(self, node: Node) -> None:
        self.late.append(node.name)


def nodes_of(needs: dict[str, list[str]]) -> list[Node]:
    return [Node(name, Path(name), {}, tuple(each)) for name, each in needs.items()]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    names = [f"n{number}" for number in range(draw(st.integers(1, 8)))]
    return {
        name: draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=3))
        if index
        else []
        for index, name in enumerate(names)
    }


def below(needs: dict[str, list[str]], bad: set[str]) -> Iterator[str]:
    left = set(bad)
    for name, each in needs.items():
        if left.intersection(each):
            left.add(name)
            yield name


@given(graphs(), st.integers(1, 4), st.data())
@settings(max_examples=60)
def test_all_run_but_those_that_wait_for_a_failure(
    needs: dict[str, list[str]], workers: int, data: st.DataObject
) -> None:
    names = st.sets(st.sampled_from(list(needs)), max_size=2)
    bad = data.draw(names)
    done = data.draw(names) - bad
    hand = Hand(bad, done, set())
    drain(run_nodes(nodes_of(needs), hand, workers))
    left = set(below(needs, bad))
    assert sorted(hand.started) == sorted(set(needs) - left)
    assert sorted(hand.ends) == sorted(hand.started)
    assert hand.most <= workers
    for name in hand.started:
        assert all(hand.started.index(each) < hand.started.index(name) for each in needs[name])


def test_what_takes_too_long_is_stopped_and_the_others_go_on() -> None:
    hand = Hand(set(), set(), {"slow"})
    needs = {"slow": [], "quick": [], "after": ["quick"], "never": ["slow"]}
    drain(run_nodes(nodes_of(needs), hand, 2, timeout=0.2))
    assert hand.late == ["slow"]
    assert sorted(hand.started) == ["after", "quick", "slow"]


def test_a_run_that_is_closed_stops_what_runs() -> None:
    hand = Hand(set(), set(), {"one", "two"})
    running = run_nodes(nodes_of({"one": [], "two": [], "three": []}), hand, 2)
    next(running)
    next(running)
    running.close()
    assert hand.running == set()
    assert "three" not in hand.started
