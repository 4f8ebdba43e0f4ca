from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jupyter_mlops import MlopsError, log
from jupyter_mlops.capture import session


class _Session:
    def __init__(self) -> None:
        self.points: list[tuple[str, float, int | None]] = []

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        self.points.append((name, value, step))


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Any:
    current = _Session()
    monkeypatch.setattr(session, "current", lambda: current)
    return current.points


def test_numbers_of_every_kind(points: Any) -> None:
    log(a=1, b=np.float32(0.5), c=np.array(2.0), d=np.array([3.0]), e=True)
    log({"val/loss": 0.25}, step=7)
    log(f=1, step=np.int64(8))
    assert points == [
        ("a", 1.0, None),
        ("b", 0.5, None),
        ("c", 2.0, None),
        ("d", 3.0, None),
        ("e", 1.0, None),
        ("val/loss", 0.25, 7),
        ("f", 1.0, 8),
    ]


def test_what_is_no_number_is_refused_with_its_name(points: Any) -> None:
    with pytest.raises(MlopsError, match="`loss` is a str"):
        log(loss="high")
    with pytest.raises(MlopsError, match="`loss` is a ndarray"):
        log(loss=np.zeros(3))
    with pytest.raises(MlopsError, match=r"step 1\.5 is no whole number"):
        log(loss=1.0, step=1.5)
    assert points == []


def test_without_capture_nothing_happens() -> None:
    log(loss=0.5)
