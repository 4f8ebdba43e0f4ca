"""Cached reruns of random notebooks, edited again and again, come out as a full run does.

``PROGRAMS=1000 make test PYTEST_ARGS=tests/unit/test_incremental.py`` tries many more.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.cell_programs import seeded
from tests.reruns import Cells, again, chooser, edited, forking, whole, write

pytestmark = pytest.mark.usefixtures("forking", "project_root")
__all__ = ["forking"]

PROGRAMS = int(os.environ.get("PROGRAMS", "4"))
NAMES = [*"nmkstpq", "xs", "ys", "zs", "ds", "es", "bag", "box", "tree", "leaf"]
LINES = ["n += 1", "xs = [n, 7]", "xs.append(3)", "ys = xs", "print(n, xs, ys)", "zs = [1]"]
LAST = "from tests.programs import show\n" + "\n".join(
    f"try:\n    print('{n}', show({n}))\nexcept NameError:\n    print('no {n}')" for n in NAMES
)


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_edit_after_edit_equals_a_full_run(project_root: Path, seed: int) -> None:
    choose = chooser(seed)
    cells: Cells = [(tags * (tags == "parameters"), source) for tags, source in seeded(seed)]
    cells.append(("", LAST))
    path = project_root / "nb.ipynb"
    for _ in range(3):
        write(path, cells)
        found = again(path)
        assert found.error is None or found.error.code == "rerun.cell-failed"
        assert found.texts == whole(cells)
        cells = edited(cells, choose, LINES)


CHAIN: Cells = [
    ("parameters", "k: int = 2\nm: int = 5"),
    ("", "a = [k, 1]\nprint('a', a)"),
    ("", "b = [m, 1]\nprint('b', b)"),
    ("", "c = sum(a) + 1\nprint('c', c)"),
    ("", "d = c + sum(b)\nprint('d', d)"),
]


def test_only_what_must_runs(project_root: Path) -> None:
    path = write(project_root / "nb.ipynb", CHAIN)
    assert again(path).ran == {2, 3, 4, 5}
    nothing = again(path)
    assert nothing.ran == set()
    assert nothing.result is not None
    assert (nothing.result.reused, nothing.result.cells) == (4, 4)
    assert nothing.texts == whole(CHAIN)
    assert again(path, {"m": 6}).ran == {3, 5}
    assert again(path, {"m": 5}).ran == set()
    # The value that others read stays what it was.
    write(path, [*CHAIN[:3], ("", "c = 1 + sum(a)\nprint('c', c)"), CHAIN[4]])
    assert again(path).ran == {4}
    # A cell that moves is the same cell.
    write(path, [CHAIN[0], ("", "print('new')"), *CHAIN[1:]])
    assert again(path).ran == {2}
    # What a new cell reads was not kept of its maker: that one runs too, and no other.
    write(path, [*CHAIN, ("", "print(d)")])
    assert again(path).ran == {5, 6}


def test_files_modules_and_variables_that_changed_make_a_cell_run(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project_root / "data.txt").write_text("1")
    (project_root / "beside_me.py").write_text("value = 1\n")
    cells = [
        ("", "import os"),
        ("", "print(open('data.txt').read())"),
        ("", "import beside_me\nprint(beside_me.value)"),
        ("", "print(os.environ.get('SAID'))"),
        ("", "print('same')"),
    ]
    path = write(project_root / "nb.ipynb", cells)
    assert again(path).ran == {1, 2, 3, 4, 5}
    assert again(path).ran == set()
    (project_root / "data.txt").write_text("22")
    found = again(path)
    assert (found.ran, found.texts["c2"]) == ({2}, "22\n")
    (project_root / "beside_me.py").write_text("value = 333\n")
    found = again(path)
    assert (found.ran, found.texts["c3"]) == ({3}, "333\n")
    monkeypatch.setenv("SAID", "hello")
    found = again(path)
    assert (found.ran, found.texts["c4"]) == ({4}, "hello\n")


def test_what_cannot_be_stored_is_made_anew_where_it_is_needed(project_root: Path) -> None:
    cells = [
        ("", "rows = iter([1, 2, 3])\nprint('made')"),
        ("", "print('between')"),
        ("", "print(next(rows))"),
        ("", "print('after')"),
    ]
    path = write(project_root / "nb.ipynb", cells)
    again(path)
    found = again(path)
    assert found.texts == whole(cells)
    assert 4 not in found.ran


def test_what_has_an_effect_outside_or_asks_for_the_day_runs_each_time(project_root: Path) -> None:
    cells = [
        ("", "from datetime import date"),
        ("", "open('out.txt', 'a').write('x')"),
        ("", "print(date.today().year > 2000)"),
        ("", "print('same')"),
    ]
    path = write(project_root / "nb.ipynb", cells)
    for _ in range(2):
        again(path)
    assert again(path).ran == {2, 3}
    assert (project_root / "out.txt").read_text() == "xxx"


def test_a_failure_is_told_and_gone_on_from(project_root: Path) -> None:
    count = "open('count.txt', 'a').write('x')\nprint('counted')"
    cells = [("parameters", "k = 1"), ("", count), ("", "a = k\nprint(a)"), ("", "print(a / 0)")]
    path = write(project_root / "nb.ipynb", cells)
    found = again(path, {"k": 7})
    assert found.error is not None
    assert found.error.code == "rerun.cell-failed"
    assert found.error.message == "ZeroDivisionError: division by zero"
    assert str(found.error.place) == "nb.ipynb, cell 4, line 1"
    assert "--resume" in found.error.hint
    assert found.texts["c3"] == "7\n"
    write(path, [*cells[:3], ("", "print(a / 1)")])
    mended = again(path, resume="latest", cached=None)
    assert mended.ran == {4}
    assert mended.texts["c4"] == "7.0\n"
    assert mended.result is not None
    assert mended.result.parameters == {"k": 7}
    # The cell that writes was not run again, though the cache may not keep it.
    assert (project_root / "count.txt").read_text() == "x"
    gone = again(path, resume="latest")
    assert gone.error is not None
    assert gone.error.code == "run.nothing-failed"


def test_damaged_entries_are_misses(project_root: Path) -> None:
    path = write(project_root / "nb.ipynb", CHAIN)
    again(path)
    rng = random.Random(0)
    for _ in range(4):
        files = [f for f in (project_root / ".mlops" / "cache").rglob("*") if f.is_file()]
        files += (project_root / ".mlops" / "plans").glob("*.pickle")
        for file in rng.sample(files, min(5, len(files))):
            content = bytearray(file.read_bytes())
            match rng.choice(["flip", "cut", "remove"]):
                case "flip" if content:
                    content[rng.randrange(len(content))] ^= 0xFF
                    file.write_bytes(content)
                case "cut":
                    file.write_bytes(content[: len(content) // 2])
                case _:
                    file.unlink()
        found = again(path)
        assert found.error is None
        assert found.texts == whole(CHAIN)
    assert again(path).ran == set()


def test_a_small_cache_holds_its_bound(project_root: Path) -> None:
    (project_root / "mlops.toml").write_text("[cache]\nmax_gb = 0.00002\n")
    path = write(project_root / "nb.ipynb", CHAIN)
    for _ in range(2):
        assert again(path).texts == whole(CHAIN)
    files = [f for f in (project_root / ".mlops" / "cache").rglob("*") if f.is_file()]
    assert sum(file.stat().st_size for file in files) < 40_000
    assert not list((project_root / ".mlops" / "reruns").iterdir())
