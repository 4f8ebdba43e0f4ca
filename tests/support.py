"""Notebooks for tests: small, real, written as (tags, source) pairs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

import psutil

from jupyter_mlops.project import Project

Cells = Iterable[tuple[str, str]]

SMALL: list[tuple[str, str]] = [
    ("imports", "import numpy as np\nimport pandas as pd\nfrom sklearn.linear_model import Ridge"),
    ("parameters", "rows: int = 400  # how many to make\nalpha: float = 1.0\nshift: float = 0.0"),
    (
        "step:load",
        "rng = np.random.default_rng(0)\n"
        "data = pd.DataFrame({'x': rng.normal(shift, 1, rows), 'kind': rng.integers(0, 3, rows)})\n"
        "data['y'] = data['x'] ** 2 + 3 * data['kind'] + rng.normal(0, 0.1, rows)",
    ),
    (
        "step:split",
        "cut = rows * 3 // 4\ntrain, test = data.iloc[:cut], data.iloc[cut:]\n"
        "X_train, X_test = train[['x', 'kind']], test[['x', 'kind']]\n"
        "y_train, y_test = train['y'], test['y']",
    ),
    ("step:train", "model = Ridge(alpha=alpha).fit(X_train, y_train)"),
    ("step:evaluate", "error = np.abs(model.predict(X_test) - y_test)"),
    ("step:evaluate metrics", "mae = float(error.mean())"),
    ("serve", "def predict(rows):\n    return model.predict(rows)\n\npredict(X_test.head(3))"),
]


def write_notebook(path: Path, cells: Cells = SMALL, *, kernel: str = "python3") -> Path:
    """Write a notebook of code cells; a pair's first part are its tags, split by spaces."""
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": kernel, "display_name": kernel, "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": [
            {
                "id": f"c{index}",
                "cell_type": "code",
                "metadata": {"tags": tags.split()} if tags else {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for index, (tags, source) in enumerate(cells, 1)
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))
    return path


def replaced(tags: str, source: str, cells: Cells = SMALL) -> list[tuple[str, str]]:
    """Return ``cells`` with the source of the cell with these tags replaced."""
    changed = [(each, source if each == tags else old) for each, old in cells]
    assert changed != list(cells), f"no cell is tagged {tags!r}"
    return changed


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until ``done`` says so; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def calls(work: Callable[[], object]) -> int:
    """Count the calls that ``work`` makes: how much it does, however busy the machine is."""
    count = 0

    def one_more(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(one_more)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def writers(project: Project) -> list[psutil.Process]:
    """Return the processes that feed the store of one project."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "jupyter_mlops.tracking.writer" in words and str(project.root) in words:
            found.append(process)
    return found


def stop_writer(project: Project) -> None:
    """End the writer of one project, if it has one."""
    for process in writers(project):
        process.terminate()
