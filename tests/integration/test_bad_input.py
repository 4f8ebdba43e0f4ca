"""Bad input: one clear error with the place and what to do, and no half state."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import SMALL, replaced, write_notebook

UNTAGGED = [("", source) for _, source in SMALL]
LOCK = "import threading\nguard = threading.Lock()\n"


def _promote(notebook: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jupyter_mlops.faces.cli", "promote", str(notebook)]
    return subprocess.run(
        [*command, "--images", "none", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        cwd=notebook.parent,
        timeout=240,
    )


def _assert_refused(result: subprocess.CompletedProcess[str], code: str, *words: str) -> None:
    assert result.returncode == 1, result.stderr
    assert f"{code}: " in result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def _assert_no_half_state(root: Path) -> None:
    assert not (root / "pipelines").exists()
    releases = root / ".mlops" / "releases"
    assert not releases.exists() or not any(releases.iterdir())
    work = root / ".mlops" / "work"
    assert not work.exists() or not any(work.iterdir())


@pytest.mark.parametrize(
    ("cells", "code", "words"),
    [
        pytest.param(UNTAGGED, "pipeline.no-tags", ["step:"], id="no tags"),
        pytest.param(
            [*SMALL, ("step:report after:nowhere", "print(mae)")],
            "pipeline.nothing-feeds",
            ["nowhere", "cell 9"],
            id="a step that nothing feeds",
        ),
        pytest.param(
            replaced("step:train", "model = Ridge(alpha=alhpa).fit(X_train, y_train)"),
            "pipeline.undefined-name",
            ["alhpa", "cell 5"],
            id="a name used before any cell defines it",
        ),
        pytest.param(
            replaced("parameters", "rows = 400\nalpha = 1.0\nshift = float(rows)"),
            "parameters.not-plain",
            ["cell 2, line 3"],
            id="a parameters cell that is not plain",
        ),
        pytest.param(
            replaced("step:evaluate", "error = (mae"),
            "pipeline.syntax",
            ["cell 6"],
            id="a cell that does not parse",
        ),
    ],
)
def test_what_the_notebook_says_is_refused_before_anything_runs(
    project_root: Path, cells: list[tuple[str, str]], code: str, words: list[str]
) -> None:
    result = _promote(write_notebook(project_root / "nb.ipynb", cells))
    _assert_refused(result, code, "nb.ipynb", "to do:", *words)
    _assert_no_half_state(project_root)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{not json", "notebook.not-json"),
        ("", "notebook.empty"),
        ('{"nbformat": 3, "worksheets": []}', "notebook.old-format"),
        ('{"nbformat": 4, "cells": []}', "notebook.empty"),
        ('{"cells": []}', "notebook.invalid"),
    ],
)
def test_what_is_no_notebook_is_refused(project_root: Path, text: str, code: str) -> None:
    notebook = project_root / "nb.ipynb"
    notebook.write_text(text)
    _assert_refused(_promote(notebook), code, "nb.ipynb", "to do:")
    _assert_no_half_state(project_root)


def test_an_unserialisable_value_is_named_with_its_cell(project_root: Path) -> None:
    cells = replaced("step:train", LOCK + dict(SMALL)["step:train"])
    cells = replaced(
        "step:evaluate", "with guard:\n    error = np.abs(model.predict(X_test) - y_test)", cells
    )
    result = _promote(write_notebook(project_root / "nb.ipynb", cells))
    _assert_refused(result, "pipeline.cannot-travel", "guard", "lock", "cell 5", "to do:")
    _assert_no_half_state(project_root)


def test_a_failing_cell_is_named(project_root: Path) -> None:
    cells = replaced("step:evaluate", "error = 1\nerror / 0")
    result = _promote(write_notebook(project_root / "nb.ipynb", cells))
    _assert_refused(result, "rerun.cell-failed", "ZeroDivisionError", "cell 6", "to do:")
    _assert_no_half_state(project_root)


def test_a_missing_kernel_is_named_with_those_there_are(project_root: Path) -> None:
    result = _promote(write_notebook(project_root / "nb.ipynb", kernel="old-env"))
    _assert_refused(result, "rerun.no-kernel", "old-env", "python3", "to do:")
    _assert_no_half_state(project_root)


def test_two_promotions_at_once(project_root: Path) -> None:
    notebook = write_notebook(project_root / "nb.ipynb")
    command = [sys.executable, "-m", "jupyter_mlops.faces.cli", "promote", str(notebook)]
    pair = [
        subprocess.Popen([*command, "--images", "none"], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    complaints = [process.communicate(timeout=240)[1] for process in pair]
    assert sorted(process.returncode for process in pair) == [0, 1], complaints
    refused = complaints[[process.returncode for process in pair].index(1)]
    assert "project.busy: " in refused
    assert "Traceback" not in refused
    versions = project_root / ".mlops" / "releases" / "nb"
    assert [path.name for path in versions.iterdir()] == ["1"]


def _mount(*words: str) -> None:
    result = subprocess.run(["mount", *words], capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"this user may not mount a file system: {result.stderr.strip()}")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "mounted"
    place.mkdir()
    yield place
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True)


def test_a_read_only_project(mounted: Path) -> None:
    _mount("-t", "tmpfs", "-o", "size=32m", "tmpfs", str(mounted))
    notebook = write_notebook(mounted / "nb.ipynb")
    (mounted / "mlops.toml").write_text("")
    _mount("-o", "remount,ro", str(mounted))
    _assert_refused(_promote(notebook), "project.read-only", "to do:")


def test_a_full_disk(mounted: Path) -> None:
    _mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(mounted))
    notebook = write_notebook(mounted / "nb.ipynb")
    (mounted / "mlops.toml").write_text("")
    (mounted / "filler").write_bytes(b"x" * 2_900_000)
    result = _promote(notebook)
    _assert_refused(result, "project.disk-full", "to do:")
    (mounted / "filler").unlink()
    _assert_no_half_state(mounted)
    _mount("-o", "remount,size=64m", str(mounted))
    again = _promote(notebook)
    assert again.returncode == 0, again.stderr
