"""The step cache: exact or a miss, bounded, and safe with many writers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from jupyter_mlops.pipeline.cache import StepCache
from jupyter_mlops.pipeline.touched import digest


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / "deep").mkdir(parents=True, exist_ok=True)
        (path / "deep" / name).write_text(text)
    return path


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    cache = StepCache(tmp_path / "cache", 10**9)
    cache.keep("k", folder(tmp_path / "step", a="1", b="2"), {})
    assert cache.take("k", tmp_path / "back")
    assert sorted(p.name for p in (tmp_path / "back").rglob("*") if p.is_file()) == ["a", "b"]
    assert not cache.take("other", tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_was_read_and_has_changed_makes_a_miss(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("x\n1")
    cache = StepCache(tmp_path / "cache", 10**9)
    read = {str(data): digest(str(data))}
    cache.keep("k", folder(tmp_path / "step", a="1"), read)
    data.write_text("x\n2")
    assert not cache.take("k", tmp_path / "back")
    cache.keep("k", folder(tmp_path / "new", a="2"), {str(data): digest(str(data))})
    assert cache.take("k", tmp_path / "back")
    assert (tmp_path / "back" / "deep" / "a").read_text() == "2"


@pytest.mark.parametrize("damage", ["content", "cut", "gone", "entry", "not-json"])
def test_a_damaged_entry_is_a_miss_and_goes(tmp_path: Path, damage: str) -> None:
    cache = StepCache(tmp_path / "cache", 10**9)
    cache.keep("k", folder(tmp_path / "step", a="12345"), {})
    content = tmp_path / "cache" / "k" / "step" / "deep" / "a"
    entry = tmp_path / "cache" / "k" / "entry.json"
    content.unlink() if damage == "gone" else None
    if damage in ("content", "cut"):
        content.unlink()
        content.write_text("54321" if damage == "content" else "123")
    elif damage == "entry":
        entry.unlink()
    elif damage == "not-json":
        entry.write_text("[]")
    assert not cache.take("k", tmp_path / "back")
    assert not (tmp_path / "cache" / "k").exists()


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = StepCache(tmp_path / "cache", 3500)
    for number in range(3):
        cache.keep(f"k{number}", folder(tmp_path / f"s{number}", a="x" * 1000), {})
        os.utime(tmp_path / "cache" / f"k{number}" / "entry.json", (number, number))
    assert cache.take("k0", tmp_path / "back")
    cache.keep("k3", folder(tmp_path / "s3", a="x" * 1000), {})
    assert {p.name for p in (tmp_path / "cache").iterdir()} == {"k0", "k2", "k3"}


def _write_for_ever(cache: StepCache, source: Path) -> None:
    while True:
        cache.keep("k", source, {})


def test_killed_writers_leave_whole_entries_or_none(tmp_path: Path) -> None:
    cache = StepCache(tmp_path / "cache", 10**9)
    source = folder(tmp_path / "step", **{f"f{n}": str(n) * 5000 for n in range(20)})
    context = multiprocessing.get_context("fork")
    hits = 0
    for turn in range(15):
        writers = [context.Process(target=_write_for_ever, args=(cache, source)) for _ in range(2)]
        for writer in writers:
            writer.start()
        time.sleep(0.02 + turn * 0.003)
        back = tmp_path / f"back{turn}"
        hit = cache.take("k", back)
        for writer in writers:
            assert writer.pid is not None
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
        if hit:
            hits += 1
            assert {p.name: p.read_text() for p in (back / "deep").iterdir()} == {
                f"f{n}": str(n) * 5000 for n in range(20)
            }
    assert cache.take("k", tmp_path / "last") or not (tmp_path / "cache" / "k").exists()
    assert hits
