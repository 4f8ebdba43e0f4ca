from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from jupyter_mlops.capture.interrupts import Uninterrupted


@pytest.fixture(autouse=True)
def _python_listens_to_interrupts() -> Iterator[None]:
    # It does not where a shell started it in the background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_waits_and_can_be_repeated() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Uninterrupted() as guard:
        signal.raise_signal(signal.SIGINT)
        assert guard.interrupted
    assert signal.getsignal(signal.SIGINT) is before
    guard.repeat()
    with pytest.raises(KeyboardInterrupt):
        time.sleep(5)


def test_without_an_interrupt_nothing_follows() -> None:
    with Uninterrupted() as guard:
        pass
    guard.repeat()
    time.sleep(0.05)
    assert not guard.interrupted


def test_handlers_are_left_alone_where_an_error_passes_and_in_other_threads() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="x"), Uninterrupted():
        raise ValueError("x")
    assert signal.getsignal(signal.SIGINT) is before
    found: list[bool] = []

    def work() -> None:
        with Uninterrupted() as guard:
            found.append(guard.interrupted)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]
