"""Sweeps as people see them: in a terminal, in a log, in a notebook; and in the list of runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from jupyter_mlops.project import Project
from jupyter_mlops.sweeps.record import sweeps
from tests.kernels import Kernel, start_kernel
from tests.support import write_notebook
from tests.terminals import Terminal

COMMAND = [sys.executable, "-m", "jupyter_mlops.faces.cli"]
PARAMETERS = "depth: int = 6  # 1..20\nkind = 'gini'  # one of: gini, entropy\npause = 0.0"
CELLS = [
    ("", "%load_ext jupyter_mlops"),
    ("parameters", PARAMETERS),
    ("", "base = 0.5"),
    ("", "import time\nif depth == 13:\n    raise ValueError('unlucky')\ntime.sleep(pause)"),
    ("metrics", "auc = base + depth / 100"),
    ("", "%mlops sweep -p depth=4,8 -p kind"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("faces")
    (root / "mlops.toml").write_text("")
    write_notebook(root / "work" / "nb.ipynb", CELLS)
    return Project(root)


def said(project: Project, *words: str, code: int = 0) -> tuple[str, str]:
    done = subprocess.run(
        [*COMMAND, *words], cwd=project.root / "work", capture_output=True, text=True, timeout=180
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


def terminal(project: Project, *words: str, **env: str) -> Terminal:
    return Terminal([*COMMAND, *words], project.root / "work", (90, 20), env)


def test_a_terminal_shows_a_table_in_place_and_then_the_best(project: Project) -> None:
    screen = terminal(project, "sweep", "nb.ipynb", "-p", "depth=4,13,8", "-p", "pause=0.5")
    assert screen.end() == 1, screen.plain
    assert "\x1b[?25l" in screen.written
    assert screen.written.rindex("\x1b[?25h") > screen.written.rindex("\x1b[?2026l")
    assert "sweep of work/nb.ipynb" in screen.plain
    assert "running the cells that all points share" in screen.plain
    assert "best  auc 0.58   depth=8   (point 3)" in screen.plain
    assert all(len(line) < 90 for line in screen.plain.split("The best is")[0].split("\n")[:-1])
    rest = screen.plain.split("3 of 3 points")[-1]
    assert "3 points of work/nb.ipynb in 0:" in rest
    assert "2 ok, 1 failed" in rest
    assert "The best is point 3: auc 0.58, the highest, with depth=8" in rest
    assert "jupyter mlops rerun nb.ipynb -p pause=0.5 -p depth=8" in rest
    assert "ValueError: unlucky" in rest
    [found] = sweeps(project)
    assert f"jupyter mlops sweep nb.ipynb --resume {found.name}" in rest
    failed = next(row for row in found.rows if row.status == "failed")
    assert f".mlops/executed/{failed.run}.ipynb" in rest


def test_no_colours_where_they_are_not_wanted(project: Project) -> None:
    screen = terminal(project, "sweep", "nb.ipynb", "-p", "depth=1,2", NO_COLOR="1")
    assert screen.end() == 0, screen.plain
    assert not re.search(r"\x1b\[[0-9;]*m", screen.written)


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(project: Project) -> None:
    words = ["-p", "depth=1,2,3", "-p", "pause=0,60", "--workers", "1"]
    screen = terminal(project, "sweep", "nb.ipynb", *words)
    screen.read_until(lambda: "1 of 6 points   1 running" in screen.plain)
    screen.press("\x03")
    assert screen.end() == 130
    found = sweeps(project)[0]
    assert found.status == "stopped"
    assert found.count("ok") == 1
    assert f"interrupted; 1 of 6 points are done, and kept; to go on:\n  {_resume(found.name)}" in (
        screen.plain
    )
    out, _ = said(project, "sweep", "nb.ipynb", "--list")
    assert "stopped" in out.split(found.name)[1].splitlines()[0]
    assert "1 of 6" in out
    _, err = said(project, "sweep", "nb.ipynb", "--resume", "-p", "depth=1", code=1)
    assert err.startswith("sweep.resume: ")


def test_a_log_has_a_line_for_each_point(project: Project) -> None:
    out, err = said(project, "sweep", "nb.ipynb", "-p", "depth=4,8", "--metric", "auc", "--min")
    lines = [line for line in err.splitlines() if line.startswith("point ")]
    assert len(lines) == 2
    assert "\x1b" not in err
    assert "auc 0.54, the lowest, with depth=4" in out


def test_the_list_of_runs_folds_points_under_their_sweep(project: Project) -> None:
    found = sweeps(project)[0]
    out, _ = said(project, "runs")
    line = next(line for line in out.splitlines() if line.startswith(f"{found.name} "))
    assert "2 points" in line
    assert all(row.run not in out for row in found.rows)
    out, _ = said(project, "runs", "--all")
    assert all(row.run in out for row in found.rows)
    out, _ = said(project, "runs", "--of", found.name, "--json")
    runs = json.loads(out.splitlines()[-1])["data"]
    assert {run["run"] for run in runs} == {row.run for row in found.rows}
    assert {run["parent"] for run in runs} == {found.name}
    out, _ = said(project, "runs", "--filter", "auc > 0.575 and run.kind == 'rerun'")
    assert found.rows[1].run in out, "what a filter asks for is not folded"
    out, _ = said(project, "show", found.name)
    assert "The best is point 1: auc 0.54" in out


def test_a_notebook_has_one_display_kept_up_to_date(project: Project) -> None:
    path = project.root / "work" / "nb.ipynb"
    messages: list[dict[str, Any]] = []
    environment = {"JPY_SESSION_NAME": str(path), "JUPYTER_MLOPS_WRITER": "off"}
    with start_kernel(path.parent, environment) as kernel:

        def run(source: str) -> dict[str, Any]:
            messages.clear()
            reply = kernel.client.execute_interactive(
                source, timeout=180, output_hook=messages.append, allow_stdin=False
            )
            content: dict[str, Any] = reply["content"]
            return content

        kernel.run(CELLS[0][1], "c1")
        kernel.run("base = 0.6", "c3")
        assert run(CELLS[5][1])["status"] == "ok"
        warnings = [m["content"]["text"] for m in messages if m["msg_type"] == "stream"]
        assert "cell 3 was not as it was last run here" in "".join(warnings)
        ids = {
            m["content"]["transient"]["display_id"]
            for m in messages
            if "mlops-sweep" in m["content"].get("data", {}).get("text/html", "")
        }
        updates = [m["content"]["data"] for m in messages if m["msg_type"] == "update_display_data"]
        assert len(ids) == 1
        assert 'aria-valuenow="4"' in updates[-1]["text/html"]
        assert "best: auc 0.58 with depth=8" in updates[-1]["text/plain"]
        shown = [m["content"]["data"] for m in messages if m["msg_type"] == "display_data"]
        assert "The best is point 3: auc 0.58" in shown[1]["text/plain"]
        charts = [each for each in shown if "application/vnd.vegalite.v5+json" in each]
        assert len(charts) == 2

        # the notebook holds the sweep's own line, which its points leave out
        found = sweeps(project)[0]
        executed = project.state / "executed" / f"{found.rows[0].run}.ipynb"
        assert "is left out where the notebook is run by such a verb" in executed.read_text()

        interrupt = threading.Event()
        follower = threading.Thread(
            target=_interrupt_once_running, args=(project, kernel, found.name, interrupt)
        )
        follower.start()
        reply = run("%mlops sweep -p depth=1,2 -p pause=60,61")
        interrupt.set()
        follower.join()
        stopped = sweeps(project)[0]
        assert (reply["status"], stopped.status) == ("error", "stopped")
        assert reply["traceback"] == [
            "sweep.stopped: Stopped: 0 of 4 points are done, and kept. To do: "
            f"`%mlops sweep --resume {stopped.name}` goes on."
        ]


def _interrupt_once_running(
    project: Project, kernel: Kernel, before: str, over: threading.Event
) -> None:
    while not over.wait(0.3):
        newest = sweeps(project)[0]
        if newest.name != before and newest.head.shared:
            # As a front end's stop button does: the verb's own process gets it too.
            os.killpg(kernel.pid, signal.SIGINT)
            return


def _resume(name: str) -> str:
    return f"jupyter mlops sweep nb.ipynb --resume {name}"
