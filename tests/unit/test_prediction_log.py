"""The log of predictions: nothing acknowledged is lost, whoever writes and whatever breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.serving.prediction_log import PredictionLog, read
from tests.support import calls

SMALL_DISK = Path("/dev/full")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, sync=True)
    log.append("flights/1", "a", [{"x": 1, "c": "UA"}, {"x": 2, "c": None}], [0.5, None])
    log.append("flights/2", "b", [{"x": 3, "y": 1.5}], [{"label": "late"}])
    log.close()
    frame = read(tmp_path)
    assert list(frame.columns) == [
        *("x", "c", "y", "_time", "_release", "_request_id", "_prediction"),
    ]
    assert frame["x"].tolist() == [1, 2, 3]
    assert frame["_release"].tolist() == ["flights/1", "flights/1", "flights/2"]
    assert frame["_request_id"].tolist() == ["a", "a", "b"]
    assert frame["_prediction"].tolist() == [0.5, None, {"label": "late"}]
    assert str(frame["_time"].dt.tz) == "UTC"
    assert read(tmp_path, release="flights/2")["x"].tolist() == [3]
    assert frame.attrs["torn"] == 0


def test_an_empty_or_missing_folder(tmp_path: Path) -> None:
    frame = read(tmp_path / "nothing")
    assert list(frame.columns) == ["_time", "_release", "_request_id", "_prediction"]
    assert len(frame) == 0


def test_since_and_until(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    log.append("flights/1", "a", [{"x": 1}], [1])
    middle = datetime.now(UTC)
    time.sleep(0.002)
    log.append("flights/1", "b", [{"x": 2}], [2])
    assert read(tmp_path, since=middle)["x"].tolist() == [2]
    assert read(tmp_path, until=middle.isoformat())["x"].tolist() == [1]
    assert len(read(tmp_path, since=middle - timedelta(days=2), until="2999-01-01")) == 2
    assert len(read(tmp_path, since="2999-01-01")) == 0
    with pytest.raises(MlopsError) as wrong:
        read(tmp_path, since="yesterday")
    assert wrong.value.code == "log.time"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(JSON, JSON, st.integers(0, 400)), min_size=1, max_size=6))
def test_torn_lines_never_cost_another_one(
    tmp_path_factory: pytest.TempPathFactory, requests: list[tuple[Any, Any, int]]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = PredictionLog(folder)
    kept = []
    for number, (value, prediction, cut) in enumerate(requests):
        log.append("r/1", str(number), [{"x": value}], [prediction])
        (path,) = folder.glob("*.jsonl")
        content = path.read_bytes()
        start = content.rindex(b"\n")
        if cut and start + cut < len(content):
            os.truncate(path, start + cut)  # as a full disk leaves it
        else:
            kept.append((str(number), value, prediction))
    log.close()
    frame = read(folder)
    assert list(frame["_request_id"]) == [request for request, _, _ in kept]
    assert [_plain(value) for value in frame["_prediction"]] == [_plain(p) for _, _, p in kept]


def _plain(value: Any) -> str:
    # pandas keeps a column of nulls and integers as floating point numbers.
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = None if value != value else float(value)
    return json.dumps(value)


WRITER = """
import sys
from pathlib import Path
from jupyter_mlops.serving.prediction_log import PredictionLog
log = PredictionLog(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(100000):
    log.append("r/1", f"{sys.argv[2]}-{number}", [{"x": number, "text": "y" * 3000}], [number])
    print(number, flush=True)
"""


def test_two_writers_one_of_them_killed(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for name in ("a", "b")
    ]
    told: dict[str, int] = {}
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    time.sleep(0.5)
    for name, writer in zip(("a", "b"), writers, strict=True):
        writer.kill()
        assert writer.stdout is not None
        lines = writer.stdout.read().split(b"\n")
        writer.stdout.close()
        writer.wait()
        told[name] = len([line for line in lines[:-1] if line])
    frame = read(tmp_path)
    # A kill can cut the line being written, which nobody was told of yet.
    assert frame.attrs["torn"] <= len(writers)
    for name, count in told.items():
        assert count > 10
        numbers = frame[frame["_request_id"].str.startswith(name)]["x"].tolist()
        # What was acknowledged is there; one more may have been written and not told.
        assert numbers in (list(range(count)), list(range(count + 1)))


def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path / "log")
    log.append("r/1", "a", [{"x": 1}], [1])
    (path,) = (tmp_path / "log").iterdir()
    path.unlink()
    path.parent.rmdir()
    log.append("r/1", "b", [{"x": 2}], [2])
    assert read(tmp_path / "log")["x"].tolist() == [2]


@pytest.mark.skipif(not SMALL_DISK.exists(), reason="only Linux has /dev/full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    (tmp_path / f"{day}.jsonl").symlink_to(SMALL_DISK)
    with pytest.raises(MlopsError) as full:
        PredictionLog(tmp_path).append("r/1", "a", [{"x": 1}], [1])
    assert full.value.code == "project.disk-full"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = PredictionLog(tmp_path / "file" / "log")
    with pytest.raises(MlopsError) as failed:
        log.open()
    assert failed.value.code == "log.failed"


def test_a_row_is_read_with_a_few_calls(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    row = {f"feature_{index}": index * 1.5 for index in range(12)} | {"carrier": "UA"}

    def cost(rows: int) -> int:
        for number in range(rows):
            log.append("flights/1", f"request-{number}", [row], [0.5])
        return calls(lambda: read(tmp_path))

    few, many = cost(1_000), cost(1_000)
    assert len(read(tmp_path)) == 2_000
    assert many - few < 1_000 * 20
