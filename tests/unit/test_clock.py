"""Where code reads the clock or what the system makes up."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.pipeline.clock import clock_reads


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import time\nstart = time.time()", ["time.time"]),
        ("from time import perf_counter as now\nnow()", ["now"]),
        ("import datetime\ndatetime.datetime.now()", ["datetime.datetime.now"]),
        (
            "from datetime import datetime, date\ndatetime.now(), date.today()",
            ["datetime.now", "date.today"],
        ),
        ("datetime.now()", ["datetime.now"]),
        ("import pandas as p\np.Timestamp.now()", ["p.Timestamp.now"]),
        ("import os\nos.getpid()", ["os.getpid"]),
        ("gc.collect()", ["gc.collect"]),
        ("time.sleep(1)\nx.now()", []),
        ("def time(): ...\ntime()", []),
    ],
)
def test_reads_are_found(source: str, names: list[str]) -> None:
    assert [each.name for each in clock_reads(ast.parse(source))] == names


def test_the_line_is_told() -> None:
    (read,) = clock_reads(ast.parse("x = 1\ny = time.time()"))
    assert (read.line, read.words) == (2, "reads the clock")
