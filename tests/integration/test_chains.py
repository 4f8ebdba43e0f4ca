"""Chains on real kernels: what flows, what fails, and going on after failures and kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from click.testing import CliRunner

from jupyter_mlops.capture.processes import SWITCH
from jupyter_mlops.chains.record import ChainRun, chain_runs
from jupyter_mlops.chains.run import run_chain
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.cli import main
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.store import Store
from tests.chained import ran, write_diamond, write_documented
from tests.support import until, write_notebook

TOGETHER = (
    "import os, time\n"
    "open('{0}.here', 'w').close()\n"
    "end = time.monotonic() + 60\n"
    "while not os.path.exists('{1}.here'):\n"
    "    assert time.monotonic() < end, 'the other one does not run'\n"
    "    time.sleep(0.05)"
)
SLOW = (
    "import os, time\n"
    "with open('pid.part', 'w') as file:\n    file.write(str(os.getpid()))\n"
    "os.rename('pid.part', 'pid')\n"
    "while os.path.exists('slow'):\n    time.sleep(0.05)"
)


@pytest.fixture
def root(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(SWITCH, "off")  # `Store.sync` does the writer's work here
    return project_root


def go(name: str = "diamond", **options: Any) -> ChainRun:
    return drain(run_chain(name, **options))


def failure(**options: Any) -> MlopsError:
    with pytest.raises(MlopsError) as caught:
        go(**options)
    return caught.value


def started(root: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "jupyter_mlops.faces.cli", "run", "diamond", *words]
    return subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def statuses(found: ChainRun) -> dict[str, str]:
    return {name: "reused" if node.reused else node.status for name, node in found.nodes.items()}


def test_the_documented_example_runs_as_it_stands(root: Path) -> None:
    write_documented(root)
    told = CliRunner().invoke(main, ["run", "churn", "--json"])
    assert told.exit_code == 0, told.output
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    done = [line["data"]["node"] for line in lines if line.get("status") == "done"]
    assert (done[0], done[-1], sorted(done[1:3])) == ("prepare", "report", ["curved", "linear"])
    (found,) = chain_runs(Project.find(root), "churn")
    assert found.to_dict() == lines[-1]["data"]
    assert statuses(found) == dict.fromkeys(("prepare", "linear", "curved", "report"), "ok")
    executed = nbformat.read(found.nodes["report"].executed, as_version=4)
    printed = executed.cells[-1].outputs[0].text
    assert printed.startswith("month 3, 200 rows 0.0"), printed
    store = Store(Project.find(root))
    store.sync()
    parent = store.run(found.name)
    assert (parent.kind, parent.status, parent.notebook) == ("pipeline", "FINISHED", "churn")
    assert parent.metrics["curved.error"] < parent.metrics["linear.error"]
    assert {name: step["run"] for name, step in parent.steps.items()} == {
        name: node.run for name, node in found.nodes.items()
    }
    for node in found.nodes.values():
        tags = store.client.get_run(store.run_id(node.run)).data.tags
        assert tags["mlflow.parentRunId"] == parent.mlflow_id
    given = store.run(found.nodes["linear"].run).parameters
    assert given["data"].endswith(".parquet")
    assert given["degree"] == "1"


def test_a_failure_leaves_what_waits_for_it_and_is_resumed(root: Path) -> None:
    left = f"{TOGETHER.format('left', 'right')}\nx = 1 / (1 - fails)"
    write_diamond(root, left=left, right=TOGETHER.format("right", "left"))
    given = {"left": {"fails": 1}, "prepare": {"start": "4"}}
    error = failure(parameters=given, workers=2)
    assert error.code == "rerun.cell-failed"
    assert "Notebook `left` of the pipeline `diamond`: ZeroDivisionError" in error.message
    assert error.place is not None
    assert (error.place.notebook, error.place.cell, error.place.line) == ("left.ipynb", 2, 7)
    assert "--resume" in error.hint
    assert "not run: report" in error.hint
    (failed,) = chain_runs(Project.find(root), "diamond")
    assert statuses(failed) == {"prepare": "ok", "left": "failed", "right": "ok", "report": "left"}
    assert sorted(ran(root)) == ["prepare", "right"]
    write_diamond(root, left=left, right="print('edited')")
    resumed = go(resume="latest", parameters={"left": {"fails": 0}})
    assert statuses(resumed) == {
        "prepare": "reused",
        "left": "ok",
        "right": "ok",
        "report": "ok",
    }
    assert resumed.nodes["report"].metrics == {"total": 5 * 5}
    assert ran(root)[-1] == "report"
    assert failure(resume="latest").code == "run.nothing-failed"


def test_a_kill_leaves_a_record_to_go_on_from(root: Path) -> None:
    write_diamond(root, right=SLOW)
    (root / "slow").touch()
    process = started(root)
    try:
        until(lambda: (root / "pid").exists() and "left" in ran(root), 90)
        project = Project.find(root)
        until(lambda: statuses(chain_runs(project, "diamond")[0])["left"] == "ok")
        assert failure(resume="latest").code == "chain.running"
    finally:
        process.kill()
        process.communicate()
    kernel = int((root / "pid").read_text())
    until(lambda: not psutil.pid_exists(kernel), 60)
    (killed,) = chain_runs(project, "diamond")
    assert killed.status == "killed"
    assert statuses(killed) == {
        "prepare": "ok",
        "left": "ok",
        "right": "running",
        "report": "waiting",
    }
    (root / "slow").unlink()
    resumed = go(resume="latest")
    assert statuses(resumed) == {
        "prepare": "reused",
        "left": "reused",
        "right": "ok",
        "report": "ok",
    }
    assert resumed.nodes["report"].metrics == {"total": 21 * 5}
    assert ran(root) == ["prepare", "left", "right", "report"]
    store = Store(project)
    store.sync()
    assert store.run(killed.name).status == "KILLED"
    assert store.run(resumed.name).status == "FINISHED"


ALONE = '[[pipeline]]\nname = "diamond"\n[[pipeline.notebook]]\npath = "right.ipynb"\n'


def test_an_interrupt_ends_the_notebooks_that_run(root: Path) -> None:
    write_diamond(root, right=SLOW, toml=ALONE)
    (root / "slow").touch()

    def interrupt() -> None:
        until(lambda: (root / "pid").exists(), 90)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt, match="`jupyter mlops run diamond --resume` goes on"):
        go()
    assert not psutil.pid_exists(int((root / "pid").read_text()))
    (found,) = chain_runs(Project.find(root), "diamond")
    assert (found.status, found.nodes["right"].status) == ("failed", "stopped")


def test_a_notebook_that_takes_too_long_is_stopped(root: Path) -> None:
    write_diamond(root, right=SLOW, toml=f"[run]\ntimeout = 2\n{ALONE}")
    (root / "slow").touch()
    error = failure()
    assert error.code == "chain.timeout", error
    assert error.place is not None
    assert error.place.notebook == "right.ipynb"
    assert "--timeout" in error.hint


def test_secrets_are_handed_on_and_kept_nowhere(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "correct-horse-battery-7"
    monkeypatch.setenv("CHAIN_SECRET", secret)
    write_notebook(
        root / "one.ipynb",
        [
            ("parameters", "password = ''"),
            ("", "address = f'db://me:{password}@host'\nlength = len(password)"),
        ],
    )
    write_notebook(
        root / "two.ipynb",
        [
            ("parameters", "token = ''\nlength = 0\naddress = ''"),
            ("", "assert len(token) == length\nprint('given', token)"),
        ],
    )
    toml = (
        '[[pipeline]]\nname = "diamond"\n[[pipeline.notebook]]\npath = "one.ipynb"\n'
        'parameters = { password = "env:CHAIN_SECRET" }\n'
        '[[pipeline.notebook]]\npath = "two.ipynb"\n'
        'parameters = { token = "${one.password}", length = "${one.length}" }\n'
    )
    (root / "mlops.toml").write_text(toml)
    found = go()
    assert statuses(found) == {"one": "ok", "two": "ok"}
    (root / "mlops.toml").write_text(
        toml.replace('.length}" }', '.length}", address = "${one.address}" }')
    )
    error = failure()
    assert error.code == "chain.output"
    assert "`address` cannot be given `${one.address}`: it holds a secret" in error.message
    kept = [path for path in root.rglob("*") if path.is_file()]
    assert any("handed" in path.parts for path in kept)
    assert not [path for path in kept if secret.encode() in path.read_bytes()]
    assert "[secret]" in Path(found.nodes["two"].executed).read_text()
