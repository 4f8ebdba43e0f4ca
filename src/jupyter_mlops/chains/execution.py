"""The order of a chain's run: what starts when, what runs side by side, and how it is stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from ..progress import Progress
from .graph import Node

_PATIENCE = 10.0
"""Seconds that interrupted notebooks have to end before their kernels are killed."""
_LOOK = 0.2


class Job(Protocol):
    """A notebook that is to run."""

    def work(self) -> bool:
        """Run it, in a thread, and return whether it went well; raises nothing."""
        ...

    def stop(self, *, at_once: bool) -> None:
        """Interrupt it, or end its kernel; `work` then returns. May be called again and again."""
        ...


class Hand(Protocol):
    """Who knows how a node is run."""

    def start(self, node: Node) -> Progress[Job | bool]:
        """Return the job of a node; True where it is done without, False where it cannot be."""
        ...

    def ended(self, node: Node) -> Progress[None]:
        """Take in that a node's job has ended."""
        ...

    def gave_up(self, node: Node) -> None:
        """Take in that a node takes too long, and is stopped."""
        ...


_Running = dict[Future[bool], tuple[Node, Job, float]]


def run_nodes(
    nodes: Sequence[Node], hand: Hand, workers: int, timeout: float | None = None
) -> Progress[None]:
    """Run each node once those that it needs have gone well, at most ``workers`` at a time.

    Those that wait for one that did not go well are never started. One that takes longer than
    ``timeout`` seconds is stopped, and so are all where the generator is closed or interrupted.
    """
    waiting = {node.name: node for node in nodes}
    running: _Running = {}
    good: set[str] = set()
    bad: set[str] = set()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while waiting or running:
                for node in list(waiting.values()):
                    if bad.intersection(node.needs):
                        del waiting[node.name]
                        bad.add(node.name)
                    elif good.issuperset(node.needs) and len(running) < workers:
                        del waiting[node.name]
                        job = yield from hand.start(node)
                        if isinstance(job, bool):
                            (good if job else bad).add(node.name)
                        else:
                            running[pool.submit(job.work)] = (node, job, time.monotonic())
                for future in _ended(running, hand, timeout) if running else ():
                    node, _, _ = running.pop(future)
                    (good if future.result() else bad).add(node.name)
                    yield from hand.ended(node)
        finally:
            _stop({future: job for future, (_, job, _) in running.items()})


def _ended(running: _Running, hand: Hand, timeout: float | None) -> set[Future[bool]]:
    """Wait until a job has ended; those that take too long are stopped."""
    if timeout is None:
        return wait(running, return_when=FIRST_COMPLETED).done
    first = min(start for _, _, start in running.values())
    done = wait(running, max(0.0, first + timeout - time.monotonic()), FIRST_COMPLETED).done
    if done:
        return done
    late: dict[Future[bool], Job] = {}
    for future, (node, job, start) in running.items():
        if start + timeout <= time.monotonic():
            hand.gave_up(node)
            late[future] = job
    _stop(late)
    return set(late)


def _stop(jobs: Mapping[Future[bool], Job]) -> None:
    """Interrupt jobs, and end those that take long over it; a second interrupt ends all at once."""
    at_once = False
    end = time.monotonic() + _PATIENCE
    while left := [job for future, job in jobs.items() if not future.done()]:
        for job in left:
            job.stop(at_once=at_once)
        try:
            wait(jobs, _LOOK)
        except KeyboardInterrupt:
            at_once = True
        at_once = at_once or time.monotonic() > end
