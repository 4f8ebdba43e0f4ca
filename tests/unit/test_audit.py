from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.governance.audit import GENESIS, AuditLog
from jupyter_mlops.project import Project


def filled(root: Path, entries: int = 4) -> AuditLog:
    log = AuditLog(Project(root))
    for number in range(1, entries + 1):
        log.append("promote", f"flights/{number}", "ok", metrics={"mae": 13.25 / number})
    return log


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> AuditLog:
    return filled(tmp_path_factory.mktemp("project"))


def with_bytes(log: AuditLog, folder: Path, content: bytes, head: bytes | None = None) -> AuditLog:
    """Return a copy of ``log`` with other bytes in its file, and in its head where given."""
    shutil.rmtree(folder, ignore_errors=True)
    copy = AuditLog(Project(folder))
    copy.path.parent.mkdir(parents=True)
    copy.path.write_bytes(content)
    copy.head_path.write_bytes(log.head_path.read_bytes() if head is None else head)
    return copy


def assert_altered(log: AuditLog, entry: int | None = None) -> None:
    with pytest.raises(MlopsError) as caught:
        log.verify()
    assert caught.value.code == "audit.altered"
    assert caught.value.place is not None
    if entry is not None:
        assert caught.value.place.line == entry
        assert f"entry {entry} " in caught.value.message


def test_entries_are_chained_and_read_back(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    log = AuditLog(Project(project_root))
    first = log.append("promote", "flights/1", "ok", run="flights-1", metrics={"mae": 13.1})
    second = log.append("promote", "flights", "refused", reason="mae 15 is worse")

    assert log.entries() == [first, second]
    assert (first.seq, first.previous, first.actor) == (1, GENESIS, "ada")
    assert (second.seq, second.previous, second.reason) == (2, first.digest, "mae 15 is worse")
    assert first.time.endswith("+00:00")
    log.verify()


def test_an_empty_log_verifies_and_writes_nothing(project_root: Path) -> None:
    log = AuditLog(Project(project_root))
    log.verify()
    assert log.entries() == []
    assert not (project_root / ".mlops").exists()


def test_the_actor_is_gits_where_there_is_no_hub(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "config", "user.email", "grace@example.org"], check=True)
    assert AuditLog(Project(project_root)).append("stop", "e", "ok").actor == "grace@example.org"


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_changed_byte_is_found(written: AuditLog, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(written.path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    number = bytes(written.path.read_bytes()[:at]).count(b"\n") + 1
    # A changed line end joins two lines or splits one: the first bad entry is there or next.
    with pytest.raises(MlopsError) as caught:
        with_bytes(written, tmp_path / "copy", bytes(content)).verify()
    assert caught.value.code == "audit.altered"
    assert caught.value.place is not None
    assert caught.value.place.line in (number, number + 1)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_changed_byte_of_the_head_is_found(
    written: AuditLog, tmp_path: Path, data: st.DataObject
) -> None:
    head = bytearray(written.head_path.read_bytes())
    head[data.draw(st.integers(0, len(head) - 1))] ^= data.draw(st.integers(1, 255))
    content = written.path.read_bytes()
    assert_altered(with_bytes(written, tmp_path / "copy", content, bytes(head)))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_removed_line_is_found(written: AuditLog, tmp_path: Path, number: int) -> None:
    lines = written.path.read_bytes().splitlines(keepends=True)
    del lines[number - 1]
    assert_altered(with_bytes(written, tmp_path / "copy", b"".join(lines)), number)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (1, 4), (2, 3), (3, 4)])
def test_swapped_lines_are_found(written: AuditLog, tmp_path: Path, one: int, other: int) -> None:
    lines = written.path.read_bytes().splitlines(keepends=True)
    lines[one - 1], lines[other - 1] = lines[other - 1], lines[one - 1]
    assert_altered(with_bytes(written, tmp_path / "copy", b"".join(lines)), one)


def test_any_truncation_is_found(written: AuditLog, tmp_path: Path) -> None:
    content = written.path.read_bytes()
    for size in range(len(content)):
        log = with_bytes(written, tmp_path / "copy", content[:size])
        assert_altered(log, content[:size].count(b"\n") + 1)


def test_a_repeated_and_an_inserted_line_are_found(written: AuditLog, tmp_path: Path) -> None:
    lines = written.path.read_bytes().splitlines(keepends=True)
    assert_altered(with_bytes(written, tmp_path / "a", b"".join([*lines, lines[-1]])), 5)
    other = AuditLog(Project(tmp_path / "other")).append("deploy", "flights/9", "ok").line()
    assert_altered(with_bytes(written, tmp_path / "b", b"".join([other, *lines])), 2)


def test_a_removed_head_or_log_is_found(tmp_path: Path) -> None:
    log = filled(tmp_path / "a")
    log.head_path.unlink()
    assert_altered(log)
    log = filled(tmp_path / "b")
    log.path.unlink()
    assert_altered(log, 1)


def test_appending_does_not_hide_what_was_cut_off(tmp_path: Path) -> None:
    log = filled(tmp_path / "a")
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:2]))
    log.append("rollback", "flights/1", "ok")
    assert_altered(log, 3)

    log = filled(tmp_path / "b")
    log.path.write_bytes(b"".join(lines[:2]))
    log.head_path.unlink()
    log.append("rollback", "flights/1", "ok")
    assert_altered(log)


@pytest.mark.parametrize("size", [1, 40, 10_000])
def test_a_torn_line_is_kept_in_an_entry(tmp_path: Path, size: int) -> None:
    log = filled(tmp_path, 2)
    torn = (b'{"action":"deploy","act\xff\x00' * 1000)[:size]
    with log.path.open("ab") as stream:
        stream.write(torn)
    log.verify()
    assert len(log.entries()) == 2

    log.append("deploy", "flights/2", "ok")
    log.verify()
    recovered, deployed = log.entries()[2:]
    assert (recovered.action, recovered.details["bytes"]) == ("recovered", size)
    assert recovered.details["text"].startswith(torn[:20].decode())
    assert (deployed.action, deployed.seq) == ("deploy", 4)


def test_a_crash_between_entry_and_head_loses_nothing(tmp_path: Path) -> None:
    log = filled(tmp_path, 2)
    head = log.head_path.read_bytes()
    third = log.append("deploy", "flights/2", "ok")
    log.head_path.write_bytes(head)
    log.verify()
    fourth = log.append("stop", "flights", "ok")
    assert fourth.previous == third.digest
    log.verify()


def _append_many(root: str, name: str, times: int) -> None:
    log = AuditLog(Project(Path(root)))
    for number in range(times):
        log.append("deploy", f"{name}/{number}", "ok")


def test_processes_append_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    spawn = multiprocessing.get_context("spawn")
    jobs = [spawn.Process(target=_append_many, args=(str(tmp_path), f"p{n}", 25)) for n in range(3)]
    for job in jobs:
        job.start()
    log = AuditLog(Project(tmp_path))
    while any(job.is_alive() for job in jobs):
        log.verify()
    for job in jobs:
        job.join()
        assert job.exitcode == 0
    log.verify()
    assert sorted(entry.subject for entry in log.entries()) == sorted(
        f"p{n}/{number}" for n in range(3) for number in range(25)
    )


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    # A limit on the size of files stands for the full disk: the kernel cuts the write short.
    log = filled(tmp_path, 3)
    before = log.path.read_bytes()
    code = f"""
import resource, signal
from pathlib import Path
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.governance.audit import AuditLog
from jupyter_mlops.project import Project
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 50}, {len(before) + 50}))
try:
    AuditLog(Project(Path({str(tmp_path)!r}))).append("deploy", "flights/3", "ok")
except MlopsError as error:
    print(error.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "project.disk-full"
    assert log.path.read_bytes() == before
    log.verify()
    log.append("deploy", "flights/3", "ok")
    log.verify()


def test_a_read_only_project_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(tmp_path, 1)
    real = os.replace

    def refuse(source: object, target: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(target))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(MlopsError) as caught:
        log.append("deploy", "flights/1", "ok")
    assert caught.value.code == "project.read-only"
    monkeypatch.setattr(os, "replace", real)
    log.verify()
    assert len(log.entries()) == 1


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), _json, max_size=4), st.text())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_details_are_kept(tmp_path: Path, details: dict[str, object], subject: str) -> None:
    log = AuditLog(Project(tmp_path))
    entry = log.append("promote", subject, "ok", given=details, where=Path("notebooks/a.ipynb"))
    assert log.entries()[-1] == entry
    assert entry.details["where"] == "notebooks/a.ipynb"
    assert json.loads(entry.line())["subject"] == subject
    log.verify()
