"""Arrays are received as they were: with their gaps, their order, and read-only where they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from jupyter_mlops import values

FROZEN = np.arange(4.0)
FROZEN.flags.writeable = False
ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "backwards": np.arange(6)[::-1],
    "every second": np.arange(9)[::2],
    "columns": np.arange(12.0).reshape(3, 4)[:, 1:3],
    "by columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "texts": np.array(["aa", "b"])[::-1],
    "dates": np.arange("2020", "2025", dtype="datetime64[Y]")[::2],
    "objects": np.array([[1, "x", None], [2, 3, 4]], object)[:, ::2],
    "a field": np.zeros(3, [("a", int), ("b", float)])["b"],
    "frozen": FROZEN,
    "frozen and backwards": FROZEN[::-1],
    "frozen objects": np.broadcast_to(np.array([None, "a"], object), (2, 2)),
    "one row many times": np.broadcast_to(np.arange(3), (2, 3)),
    "windows": sliding_window_view(np.arange(5.0), 2),
    "of bytes": np.frombuffer(b"12345678"),
    "nothing": np.arange(6)[3:3],
}


def received(folder: Path, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    values.dump({"array": array}, ["array"], folder / "step")
    namespace: dict[str, Any] = {}
    values.load(folder / "step", namespace)
    found: np.ndarray[Any, Any] = namespace["array"]
    return found


@pytest.mark.parametrize("name", ARRAYS)
def test_the_layout_stays(tmp_path: Path, name: str) -> None:
    array = ARRAYS[name]
    found = received(tmp_path, array)
    assert found.dtype == array.dtype
    assert found.tolist() == array.tolist()
    assert found.flags.writeable == array.flags.writeable
    assert found.strides == array.strides or not array.size


def test_what_can_be_thawed_can_be_thawed_again(tmp_path: Path) -> None:
    found = received(tmp_path, FROZEN)
    found.flags.writeable = True
    found[0] = 9
    assert not FROZEN.flags.writeable


@pytest.mark.parametrize("name", ["of bytes", "windows"])
def test_what_cannot_be_thawed_stays_so(tmp_path: Path, name: str) -> None:
    found = received(tmp_path, ARRAYS[name])
    with pytest.raises(ValueError, match="WRITEABLE"):
        found.flags.writeable = True
