"""Locks of exact versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jupyter_mlops.images.lock import Pin, lock
from jupyter_mlops.images.requirements import pins

_HASHED = re.compile(r"^[a-z0-9-]+==\S+ \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.M)


def test_a_lock_is_exact_sorted_and_the_same_again() -> None:
    found = pins(["yaml", "xxhash"])
    text = lock(reversed(found))
    assert text == lock(found)
    lines = [line.split()[0] for line in text.splitlines() if re.match(r"\w", line)]
    assert lines == [str(pin) for pin in found]
    assert "http" not in text
    assert "index" not in text.lower() or "--hash=" not in text
    if "--hash=" in text:
        assert len(_HASHED.findall(text)) == len(found)


def test_a_lock_without_an_index_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # port 9 of this machine answers nobody; an empty cache remembers nothing
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    text = lock([Pin("xxhash", "4.1.0"), Pin("attrs", "26.1.0")], index="http://127.0.0.1:9/simple")
    assert "--hash=" not in text
    assert text.splitlines()[-2:] == ["attrs==26.1.0", "xxhash==4.1.0"]
    assert "Without hashes" in text
    assert "127.0.0.1" not in text


def test_a_lock_of_nothing_is_a_valid_file() -> None:
    assert lock([]).startswith("#")
