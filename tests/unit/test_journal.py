from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.capture import journal
from jupyter_mlops.capture.journal import Journal
from jupyter_mlops.capture.records import CellEnd, CellStart, Frame, Metric, Note
from jupyter_mlops.errors import MlopsError

TIMES = st.floats(0, 2e9)
RECORDS = st.one_of(
    st.builds(
        CellStart,
        time=TIMES,
        order=st.integers(1, 1 << 40),
        source=st.text(),
        cell=st.none() | st.text(),
        tags=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    ),
    st.builds(CellEnd, time=TIMES, order=st.integers(1, 9), seconds=TIMES, outcome=st.text()),
    st.builds(
        Metric,
        time=TIMES,
        order=st.integers(1, 9),
        name=st.text(),
        value=st.floats(allow_nan=False),
        step=st.integers(0, 1 << 40),
    ),
    st.builds(Note, time=TIMES, kind=st.text(), text=st.text()),
)


def _write(folder: Path, records: list[object]) -> Path:
    written = Journal(folder)
    for record in records:
        written.append(record)  # type: ignore[arg-type]
    written.close()
    return folder / journal.NAME


@settings(max_examples=40, deadline=None)
@given(records=st.lists(RECORDS, max_size=6))
def test_cut_off_at_any_byte_the_whole_records_remain(
    tmp_path_factory: pytest.TempPathFactory, records: list[object]
) -> None:
    path = _write(tmp_path_factory.mktemp("journal"), records)
    content = path.read_bytes()
    whole, end = journal.read(path)
    assert [record for _, record in whole] == records
    assert end == len(content)
    ends = [offset for offset, _ in whole]
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        found, place = journal.read(path)
        count = sum(offset <= size for offset in ends)
        assert [record for _, record in found] == records[:count]
        assert place == ([0, *ends][count])


@settings(max_examples=40, deadline=None)
@given(records=st.lists(RECORDS, min_size=1, max_size=4), data=st.data())
def test_a_flipped_byte_never_gives_another_record(
    tmp_path_factory: pytest.TempPathFactory, records: list[object], data: st.DataObject
) -> None:
    path = _write(tmp_path_factory.mktemp("journal"), records)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    found, _ = journal.read(path)
    assert [record for _, record in found] == records[: len(found)]
    assert len(found) < len(records)


def test_a_torn_end_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = _write(tmp_path, [Note(time=1.0, kind="note", text=text) for text in "ab"])
    content = path.read_bytes()
    path.write_bytes(content[:-3])
    first, offset = journal.read(path)
    path.write_bytes(content)
    second, _ = journal.read(path, offset)
    assert [record.text for _, record in (*first, *second)] == ["a", "b"]  # type: ignore[union-attr]


def test_two_threads_never_mix(tmp_path: Path) -> None:
    written = Journal(tmp_path)

    def work(kind: str) -> None:
        for number in range(500):
            written.append(Note(time=float(number), kind=kind, text="x" * number))

    threads = [threading.Thread(target=work, args=(kind,)) for kind in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written.close()
    records, _ = journal.read(tmp_path / journal.NAME)
    assert len(records) == 1500


def test_a_forked_child_writes_nothing(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib\n"
        "from jupyter_mlops.capture.journal import Journal\n"
        "from jupyter_mlops.capture.records import Note\n"
        "j = Journal(pathlib.Path(sys.argv[1]))\n"
        "j.append(Note(time=1.0, kind='n', text='parent'))\n"
        "pid = os.fork()\n"
        "j.append(Note(time=1.0, kind='n', text='child' if not pid else 'again'))\n"
        "if not pid: os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    records, _ = journal.read(tmp_path / journal.NAME)
    assert [record.text for _, record in records] == ["parent", "again"]  # type: ignore[union-attr]


def test_on_a_full_disk_records_wait_in_memory(tmp_path: Path) -> None:
    """The limit of the file's size makes the system refuse or cut off the write."""
    program = (
        "import pathlib, resource, signal, sys\n"
        "from jupyter_mlops.capture.journal import Journal\n"
        "from jupyter_mlops.capture.records import Note\n"
        "from jupyter_mlops.errors import MlopsError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "limit = lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, 1 << 40))\n"
        "limit(1000)\n"
        "j = Journal(pathlib.Path(sys.argv[1]))\n"
        "j.append(Note(time=1.0, kind='n', text='small'))\n"
        "try:\n"
        "    j.append(Note(time=1.0, kind='n', text='x' * 2000))\n"
        "except MlopsError as error:\n"
        "    print(error.code)\n"
        "j.append(Note(time=1.0, kind='n', text='waits'))\n"
        "print(j.held, j.count, j.flush())\n"
        "limit(1 << 40)\n"
        "j.append(Note(time=1.0, kind='n', text='after'))\n"
        "print(j.held, j.count, j.flush())\n"
        "limit(1)\n"
        "for code in ('project.disk-full', 'capture.disk-full'):\n"
        "    try:\n"
        "        for _ in range(7):\n"
        "            j.append(Note(time=1.0, kind='n', text='y' * (12 << 20)))\n"
        "    except MlopsError as error:\n"
        "        print(error.code)\n"
        "print(j.held)\n"
        "j.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "project.disk-full",
        "2 3 False",
        "0 4 True",
        "project.disk-full",
        "capture.disk-full",
        "5",
    ]
    texts = [record.text for record in journal.read_all(tmp_path / journal.NAME)]  # type: ignore[union-attr]
    assert texts == ["small", "x" * 2000, "waits", "after"]


@settings(max_examples=30, deadline=None)
@given(records=st.lists(RECORDS, max_size=8), most=st.integers(1, 200))
def test_read_in_pieces_it_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, records: list[object], most: int
) -> None:
    path = _write(tmp_path_factory.mktemp("journal"), records)
    found: list[object] = []
    offset = 0
    while True:
        some, end = journal.read(path, offset, most)
        found += [record for _, record in some]
        if end == offset:
            break
        offset = end
    assert found == records == journal.read_all(path)


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Journal(tmp_path / "none")
    (tmp_path / "file").write_text("")
    if os.getuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(MlopsError):
            Journal(tmp_path / "locked")


def test_records_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    import struct
    import zlib

    import msgspec

    path = _write(tmp_path, [Note(time=1.0, kind="n", text="a")])
    content = msgspec.msgpack.encode({"record": "telepathy", "time": 1.0})
    with path.open("ab") as file:
        file.write(struct.pack("<II", len(content), zlib.crc32(content)) + content)
    frame = Frame(time=1.0, order=1, name="f", rows=1, columns=(), fingerprint="", bytes=0)
    Journal(tmp_path).append(frame)
    records, end = journal.read(path)
    assert [type(record) for _, record in records] == [Note, Frame]
    assert end == path.stat().st_size
