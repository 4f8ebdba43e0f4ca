from __future__ import annotations

import threading
import time
from itertools import pairwise

from jupyter_mlops.capture.background import Background


def test_work_is_done_in_order_and_failures_are_told() -> None:
    done: list[int] = []
    failed: list[Exception] = []
    background = Background(failed.append)
    for number in range(5):
        background.add(lambda number=number: done.append(10 // number))  # type: ignore[misc]
    assert background.finish(5)
    assert done == [10, 5, 3, 2]
    assert [type(error) for error in failed] == [ZeroDivisionError]


def test_what_is_regular_is_done_between_and_beside_work() -> None:
    times: list[float] = []
    twice = threading.Event()

    def regularly() -> None:
        times.append(time.monotonic())
        if len(times) == 1:
            raise OSError("no matter")
        twice.set()

    failed: list[Exception] = []
    background = Background(failed.append, regularly, 0.02)
    assert twice.wait(5)
    count, end = len(times), time.monotonic() + 5
    while len(times) < count + 2 and time.monotonic() < end:
        background.add(lambda: time.sleep(0.005))
        time.sleep(0.001)
    assert len(times) >= count + 2
    assert all(b - a >= 0.019 for a, b in pairwise(times))
    assert background.finish(20)
    assert [str(error) for error in failed] == ["no matter"]


def test_long_work_is_not_waited_for_longer_than_said() -> None:
    background = Background(lambda error: None)
    release = threading.Event()
    background.add(lambda: (release.wait(10), None)[1])
    start = time.monotonic()
    assert not background.finish(0.05)
    assert time.monotonic() - start < 5
    release.set()
