from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from jupyter_mlops.capture.frames import Frames
from jupyter_mlops.capture.names import collect
from jupyter_mlops.capture.records import Frame
from jupyter_mlops.fingerprints import fingerprint


def _run(frames: Frames, namespace: dict[str, Any], source: str) -> list[Frame]:
    exec(source, namespace)
    tasks = list(frames.collect(1, collect(source), namespace))
    return [frame for task in tasks if (frame := task()) is not None]


def test_a_bound_frame_is_described(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    pd.DataFrame({"x": [1, 2], "name": ["a", None]}).to_csv(path, index=False)
    namespace: dict[str, Any] = {"pd": pd, "path": path}
    (frame,) = _run(Frames(), namespace, "data = pd.read_csv(path)")
    assert (frame.name, frame.rows) == ("data", 2)
    assert [name for name, _ in frame.columns] == ["x", "name"]
    assert frame.fingerprint == fingerprint(namespace["data"])
    assert frame.source == f"pd.read_csv {path}"
    assert frame.bytes > 0


def test_a_change_is_recorded_and_a_look_is_not() -> None:
    frames = Frames()
    namespace: dict[str, Any] = {"pd": pd}
    (first,) = _run(frames, namespace, "data = pd.DataFrame({'x': [1.0, 2.0]})")
    assert _run(frames, namespace, "data.describe()") == []
    assert _run(frames, namespace, "data = data") == []
    assert _run(frames, namespace, "data['x'] = [1.0, 2.0]") == []
    (second,) = _run(frames, namespace, "data.loc[1, 'x'] = 9.0")
    assert first.fingerprint != second.fingerprint


def test_the_description_is_of_the_frame_as_the_cell_left_it() -> None:
    namespace: dict[str, Any] = {"pd": pd}
    source = "data = pd.DataFrame({'x': range(1000)})"
    exec(source, namespace)
    expected = fingerprint(namespace["data"])
    (task,) = Frames().collect(1, collect(source), namespace)
    namespace["data"].loc[999, "x"] = -1
    frame = task()
    assert frame is not None
    assert frame.fingerprint == expected
