"""Runs that are ended from outside: too long, interrupted, killed. No process outlives them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from jupyter_mlops.capture.processes import SWITCH
from tests.support import until, write_notebook

# `wait` notes its process, and one that it starts, and waits for a file that may never come.
WAIT = """
def wait(n):
    import os, pathlib, subprocess
    child = subprocess.Popen(["sleep", "300"])
    pathlib.Path("pids.part").write_text(f"{os.getpid()} {child.pid}")
    os.replace("pids.part", "pids")
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
    child.kill()
    return n
"""
WARM = "import time\nimport numpy as np" + WAIT
COLD = "import time" + WAIT


def cells(functions: str, *, only_in: str = "", before: str = "z = 0") -> list[tuple[str, str]]:
    """A pipeline whose second step waits: always, or ``only_in`` a kernel or a step."""
    waiting = "y = wait(x)"
    if only_in:
        here = "'step' if 'JUPYTER_MLOPS_STEP' in os.environ else 'kernel'"
        waiting = f"import os\ny = wait(x) if ({here}) == {only_in!r} else x"
    return [
        ("functions", functions),
        ("step:make", "x = 1"),
        ("step:wait", f"{before}\n{waiting}"),
        ("step:end", "total = y + 1\nprint(total)"),
    ]


def start(root: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlops.faces.cli", *words],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, SWITCH: "off"},
    )


def waiting(root: Path) -> list[psutil.Process]:
    """Return the process that waits, and its child, once they do."""
    until((root / "pids").exists, 60)
    return [psutil.Process(int(pid)) for pid in (root / "pids").read_text().split()]


def all_gone(processes: list[psutil.Process]) -> bool:
    def gone(each: psutil.Process) -> bool:
        return not each.is_running() or each.status() == psutil.STATUS_ZOMBIE

    return all(map(gone, processes))


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize(
    ("functions", "before"),
    [(WARM, "z = 0"), (COLD, "z = 0"), (COLD, "%%time")],
    ids=["warm", "cold", "timed"],
)
def test_a_step_that_takes_too_long_is_told_with_its_line(
    project_root: Path, functions: str, before: str
) -> None:
    write_notebook(project_root / "long.ipynb", cells(functions, before=before))
    running = start(project_root, "run", "long.ipynb", "--timeout", "2")
    processes = waiting(project_root)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "step.timeout: The step `wait` took longer than 2 s. It was at `y = wait(x)`." in told
    assert "at long.ipynb, cell 3, line 2" in told
    assert all_gone(processes)


def test_the_settings_limit_the_cells_of_a_promotion(project_root: Path) -> None:
    (project_root / "mlops.toml").write_text("[run]\ntimeout = 2\n")
    write_notebook(project_root / "long.ipynb", cells(COLD, only_in="kernel"))
    running = start(project_root, "promote", "long.ipynb", "--images", "none")
    processes = waiting(project_root)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "rerun.timeout" in told
    assert "at long.ipynb, cell 3, line 3" in told
    until(lambda: all_gone(processes), 20)


def test_an_interrupted_run_is_resumed(project_root: Path) -> None:
    write_notebook(project_root / "long.ipynb", cells(WARM))
    running = start(project_root, "run", "long.ipynb", "--no-cache")
    processes = [*waiting(project_root), *family(running)]
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=30)
    assert running.returncode == 130
    assert told.splitlines()[-1] == (
        "interrupted; `jupyter mlops run long.ipynb --resume` goes on with the steps that are left"
    )
    assert "Traceback" not in told
    assert all_gone(processes)

    (project_root / "go").touch()
    resumed = start(project_root, "run", "long.ipynb", "--no-cache", "--resume", "--json")
    shown, told = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, told
    steps = json.loads(shown.splitlines()[-1])["data"]["steps"]
    assert {name: each["cached"] for name, each in steps.items()} == {
        "make": True,
        "wait": False,
        "end": False,
    }


@pytest.mark.parametrize(
    ("verb", "where"), [("prove", "kernel"), ("prove", "step"), ("promote", "step")]
)
def test_an_interrupt_ends_proofs_and_promotions(project_root: Path, verb: str, where: str) -> None:
    write_notebook(project_root / "long.ipynb", cells(COLD, only_in=where))
    options = ["--images", "none"] if verb == "promote" else []
    running = start(project_root, verb, "long.ipynb", *options)
    processes = waiting(project_root)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told.splitlines()[-1] == "interrupted"
    assert "Traceback" not in told
    assert all_gone(processes)
    assert not list((project_root / ".mlops" / "work").glob(f"{verb}-*"))
    assert not (project_root / ".mlops" / "releases" / "long" / "1").exists()


@pytest.mark.parametrize("functions", [WARM, COLD], ids=["warm", "cold"])
def test_nothing_outlives_a_run_that_is_killed(project_root: Path, functions: str) -> None:
    write_notebook(project_root / "long.ipynb", cells(functions))
    running = start(project_root, "run", "long.ipynb", "--no-cache")
    processes = [*waiting(project_root), *family(running)]
    assert len({each.pid for each in processes}) >= 2
    running.kill()
    running.communicate()
    until(lambda: all_gone(processes), 5)

    (project_root / "go").touch()
    resumed = start(project_root, "run", "long.ipynb", "--no-cache", "--resume")
    _, told = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, told
    assert "make is taken from the cache" in told


def test_nothing_outlives_a_warm_process_that_is_killed(project_root: Path) -> None:
    write_notebook(project_root / "long.ipynb", cells(WARM))
    running = start(project_root, "run", "long.ipynb", "--no-cache")
    processes = waiting(project_root)
    parent = processes[0].parent()
    assert parent is not None
    assert parent.pid != running.pid
    parent.kill()
    _, told = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "step.killed" in told
    until(lambda: all_gone(processes), 5)


def test_a_notebook_run_ends_with_the_process_that_ordered_it(project_root: Path) -> None:
    write_notebook(project_root / "long.ipynb", cells(COLD, only_in="kernel"))
    running = start(project_root, "prove", "long.ipynb")
    processes = waiting(project_root)
    running.kill()
    running.wait()
    try:
        until(lambda: all_gone(processes[:1]), 15)
    finally:
        # What a kernel has started is its own affair; it holds on to our pipes.
        with contextlib.suppress(psutil.NoSuchProcess):
            processes[1].kill()
    running.communicate(timeout=30)
