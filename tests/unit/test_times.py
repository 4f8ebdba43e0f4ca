"""Times that a cell prints are told from results that it prints."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.notebook.document import Cell
from jupyter_mlops.pipeline.times import kept_times, only_times_differ, printed_times

TOOK = "import time\nt0 = time.time()\n"


def differ_in_times(sources: list[str], one: str, other: str) -> bool:
    cells = [Cell(f"c{i}", i, "code", source) for i, source in enumerate(sources)]
    patterns = printed_times((cell, ast.parse(cell.source)) for cell in cells)
    return only_times_differ(patterns[cells[-1].id], one, other)


@pytest.mark.parametrize(
    ("source", "one", "other"),
    [
        ("print(time.time() - t0)", "5.1e-05", "3.2e-05"),
        ("print('took', time.time() - t0, 's')", "took 0.1 s", "took 12.25 s"),
        ("print(f'took {time.time() - t0:.1f} s')", "took 0.1 s", "took 0.4 s"),
        ("print(f'took {time.time() - t0:6.1f} s')", "took    0.1 s", "took   10.4 s"),
        ("print('took %.1f s' % (time.time() - t0))", "took 0.1 s", "took 0.4 s"),
        ("print('acc %.2f, %d s' % (a, time.time() - t0))", "acc 0.81, 1 s", "acc 0.81, 9 s"),
        ("print('{:.1f} s, {}'.format(time.time() - t0, a))", "0.1 s, x y", "0.4 s, x y"),
        ("print('took ' + str(round(time.time() - t0, 2)) + ' s')", "took 0.1 s", "took 2.0 s"),
        (
            "dt = time.time() - t0\nprint(f'{dt:.2f}s for {n} rows')",
            "0.1s for 7 rows",
            "2s for 7 rows",
        ),
        (
            "from datetime import datetime\nprint('now', datetime.now())",
            "now 2026-01-02 03:04:05.678",
            "now 2027-01-02 03:04:05.9",
        ),
        ("for i in x:\n    print(i, time.time() - t0)", "0 1.5\n1 2.5", "0 1.6\n1 2.7"),
        ("print(a)\nprint(time.time())", "same\n1.5", "same\n1.6"),
        ("print(a)\ntime.time() - t0", "same\n1.5", "same\n1.6"),
        ("import gc\ndel a\ngc.collect()", "20", "0"),
        ("print(f'fit {found[\"fit_time\"].mean():.3f} s')", "fit 0.005 s", "fit 0.006 s"),
        ("print(round(grid.refit_time_, 2), a)", "0.1 7", "0.2 7"),
        ("import os\nprint('process', os.getpid())", "process 77", "process 8"),
        (
            "import datetime as dt\nx = 1\ndt.datetime.now()",
            "datetime.datetime(2026, 1, 2, 3, 4, 5, 678)",
            "datetime.datetime(2027, 1, 2, 3, 4, 9)",
        ),
    ],
)
def test_times_may_differ(source: str, one: str, other: str) -> None:
    assert differ_in_times([TOOK, source], one, other)


@pytest.mark.parametrize(
    ("source", "one", "other"),
    [
        ("print(time.time() - t0, a)", "0.1 0.8", "0.1 0.9"),
        ("print(a, time.time() - t0)", "[0.9, 0.8] 5", "[0.9, 0.7] 5"),
        ("print(f'{a} {time.time() - t0}')", "0.8 5", "0.9 5"),
        ("print('acc %.2f, %d s' % (a, time.time() - t0))", "acc 0.81, 1 s", "acc 0.82, 1 s"),
        ("print(a * (time.time() - t0))", "0.1", "0.2"),
        ("t0 = compute()\nprint(t0)", "0.1", "0.2"),
        ("def tell(t0):\n    print(t0)\ntell(a)", "0.1", "0.2"),
        ("for t0 in a:\n    print(t0)", "0.1", "0.2"),
        ("t0, b = a\nprint(t0)", "0.1", "0.2"),
        ("a += time.time()\nprint(a)", "0.1", "0.2"),
        ("print(a)\nprint(time.time())", "one\n1.5", "two\n1.5"),
        ("print(time.time())", "1.5", "1.5\n1.6"),
        ("print(a, time.time(), sep='')", "11.5", "21.5"),
        ("print(*a, time.time())", "1 2", "3 2"),
        ("print(a)", "1", "2"),
        ("print(found['test_score'])", "0.1", "0.2"),
        ("print(found['fit_time'] * a)", "0.1", "0.2"),
        ("time.time()\na", "1", "2"),
        ("len(a) + time.time()", "1", "2"),
    ],
)
def test_results_may_not(source: str, one: str, other: str) -> None:
    assert not differ_in_times([TOOK, source], one, other)


def test_a_time_goes_on_to_later_cells_until_the_name_is_something_else() -> None:
    assert differ_in_times([TOOK, "dt = time.time() - t0", "print(dt)"], "1.5", "1.6")
    cells = [TOOK, "dt = time.time() - t0", "dt = a", "print(dt)"]
    assert not differ_in_times(cells, "1.5", "1.6")


def test_times_that_are_kept_are_known_by_name() -> None:
    sources = [TOOK, "dt = time.time() - t0", "t0 = dt * a"]
    cells = [Cell(f"c{i}", i, "code", source) for i, source in enumerate(sources)]
    found = kept_times((cell, ast.parse(cell.source)) for cell in cells)
    assert [sorted(found[cell.id]) for cell in cells] == [["t0"], ["dt", "t0"], ["dt"]]
