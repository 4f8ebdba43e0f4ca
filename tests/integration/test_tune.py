"""Tuning with real processes: pruning, failures, the command line, and kill -9 in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import read
from jupyter_mlops.progress import Event
from jupyter_mlops.project import Project
from jupyter_mlops.sweeps.alone import alone
from jupyter_mlops.sweeps.record import Row, Sweep, read_sweep
from jupyter_mlops.sweeps.setting import Setting
from jupyter_mlops.sweeps.tune import tune
from jupyter_mlops.tracking.store import Store
from tests.support import write_notebook

optuna = pytest.importorskip("optuna")

CURVES = [
    ("imports", "import time\nimport jupyter_mlops as mlops"),
    (
        "parameters",
        "lr: float = 0.01  # 0.0001..0.1\ndepth: int = 4  # 2..12\npause: float = 0.0\n"
        "kinds: list = [1]\nuntil = None",
    ),
    ("", "shared = time.perf_counter()"),
    (
        "",
        "top = 0.9 - abs(lr - 0.01) * 5 - 0.01 * abs(depth - 7) - 0.1 * len(kinds)\n"
        "for step in range(15):\n"
        "    try:\n"
        "        mlops.log(auc=top * (1 - 0.5 ** (step + 1)), step=step)\n"
        "    except Exception:\n"
        "        pass\n"
        "    time.sleep(pause)\n"
        "ran = 'to the end'",
    ),
    ("metrics", "final_auc = top"),
]


@pytest.fixture(autouse=True)
def _no_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_WRITER", "off")


def run(notebook: Path, space: dict[str, str] | None = None, **options: Any) -> Sweep:
    return following(notebook, space, **options)[0]


def following(
    notebook: Path, space: dict[str, str] | None = None, **options: Any
) -> tuple[Sweep, list[Event]]:
    running = tune(notebook, space, **options)
    events: list[Event] = []
    while True:
        try:
            events.append(next(running))
        except StopIteration as stop:
            return stop.value, events


def command(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlops.faces.cli", "tune", "curves.ipynb", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def files(root: Path) -> list[Path]:
    return list((root / ".mlops" / "sweeps").glob("*/points/*.json"))


def test_points_that_fall_behind_are_ended_early_and_say_so(project_root: Path) -> None:
    notebook = write_notebook(project_root / "curves.ipynb", CURVES)
    space = {"lr": "", "depth": "", "kinds": "[1],[1,2]", "until": "None,7", "pause": "0.01"}
    found, events = following(notebook, space, metric="auc", trials=12)

    assert (found.head.kind, found.head.status, found.total, len(found.rows)) == (
        *("tune", "ok", 12, 12),
    )
    assert found.head.fixed == {"pause": 0.01}
    assert found.head.shared == 3
    first = found.rows[0].parameters
    assert first == {"lr": 0.01, "depth": 4, "kinds": [1], "until": None}
    ended = [each.data["point"] for each in events if each.stage == "point" and each.seconds]
    assert len(ended) == 12
    pruned = [row for row in found.rows if row.status == "pruned"]
    assert pruned
    assert found.best is not None
    assert found.best.status == "ok"
    assert found.best.metrics["auc"] >= found.rows[0].metrics["auc"]
    assert found.head.importances
    for row in pruned:  # what they had told is kept
        assert 0 < row.metrics["auc"] < found.best.metrics["auc"]
        assert "final_auc" not in row.metrics

    executed = json.loads(
        (project_root / ".mlops" / "executed" / f"{pruned[0].run}.ipynb").read_text()
    )
    cell = next(each for each in executed["cells"] if each["id"] == "c4")
    (output,) = cell["outputs"]
    assert output["output_type"] == "stream"
    assert output["text"].startswith("pruned: auc was 0.")

    store = Store(Project(project_root))
    store.sync(pruned[0].run)
    detail = store.run(pruned[0].run)
    assert detail.status == "FINISHED"
    assert [each["outcome"] for each in detail.cells][-1] == "pruned"
    tags = store.client.get_run(detail.mlflow_id).data.tags
    assert tags["mlops.point"] == str(pruned[0].number)
    assert tags["mlops.pruned"].startswith("auc was 0.")
    assert tags["mlops.parent"] == found.name


def test_more_trials_go_on_from_what_there_is(project_root: Path) -> None:
    notebook = write_notebook(project_root / "curves.ipynb", CURVES)
    first = run(notebook, {"depth": "", "lr": "0.001:0.1:log"}, metric="auc", trials=2, workers=1)
    with pytest.raises(MlopsError) as caught:
        run(notebook, resume="latest")
    assert caught.value.code == "tune.nothing-left"
    setting = Setting(Project(project_root), read(notebook, name="curves.ipynb"), first.name, {})
    with alone(setting), pytest.raises(MlopsError) as caught:
        run(notebook, resume="latest", trials=4)
    assert caught.value.code == "sweep.busy"
    second = run(notebook, resume="latest", trials=4, workers=1)
    assert second.name == first.name
    assert second.rows[:2] == first.rows
    assert len(second.rows) == 4

    write_notebook(notebook, [*CURVES, ("", "1 + 1")])
    with pytest.raises(MlopsError, match="has changed since"):
        run(notebook, resume=first.name, trials=6)


FAILING = [
    ("parameters", "depth: int = 4  # 2..9"),
    ("", "import math\nif depth == 2:\n    raise ValueError('too small')"),
    ("metrics", "auc = depth / 20 if depth != 8 else math.nan"),
]


def test_trials_that_fail_do_not_end_the_search(project_root: Path) -> None:
    notebook = write_notebook(project_root / "failing.ipynb", FAILING)
    found = run(notebook)  # all there is to choose, and the first metric
    assert found.head.metric == "auc"
    assert found.total == 8  # no more than the space has
    by = {row.parameters["depth"]: row for row in found.rows}
    assert sorted(by) == list(range(2, 10))
    assert found.best is by[9]
    assert by[2].error.startswith("ValueError: too small\n  at failing.ipynb, cell 2, line 3")
    assert by[8].error.startswith("`auc` is nan at the end, which cannot be compared.")
    assert found.count("failed") == 2


@pytest.mark.parametrize(
    ("metric", "cells", "words"),
    [
        ("aucc", FAILING, ("has set no metric `aucc`; it has set auc", "did you mean `auc`?")),
        (
            "auc",
            [*FAILING[:1], ("metrics", "auc = 1 / (depth - depth)")],
            ("All 5 trials so far have failed; trial 1: ZeroDivisionError", "cell 2, line 1"),
        ),
    ],
)
def test_where_all_fail_the_first_ones_error_is_told(
    project_root: Path, metric: str, cells: Iterable[tuple[str, str]], words: tuple[str, ...]
) -> None:
    notebook = write_notebook(project_root / "failing.ipynb", cells)
    with pytest.raises(MlopsError) as caught:
        run(notebook, {"depth": "3:6" if metric == "aucc" else ""}, metric=metric, highest=True)
    assert caught.value.code == "tune.all-failed"
    for each in words:
        assert each in str(caught.value)
    assert len(files(project_root)) <= 6


def test_what_is_wrong_is_told_before_anything_runs(project_root: Path) -> None:
    notebook = write_notebook(
        project_root / "n.ipynb",
        [("parameters", "depth: int = 4\nlimit: float = 0.5"), ("metrics", "wobble = depth")],
    )
    wrong: list[tuple[dict[str, str], dict[str, Any], str, str]] = [
        ({}, {"metric": "auc"}, "tune.nothing", "# 2..12"),
        ({"depth": "2:4"}, {}, "tune.direction", "`--maximize wobble` or `--minimize wobble`"),
        ({"depth": "4"}, {"metric": "auc"}, "tune.nothing", "-p depth=2:12"),
        (
            *({"limit": "0.1:0.9"}, {"metric": "auc", "sampler": "grid"}),
            *("sweep.how-many", "-p limit=0.1:0.9:lin5"),
        ),
        ({}, {"resume": "nix"}, "sweep.unknown", "nix"),
    ]
    for space, options, code, words in wrong:
        with pytest.raises(MlopsError) as caught:
            run(notebook, space, **options)
        assert caught.value.code == code
        assert words in str(caught.value)
    assert files(project_root) == []


def test_no_trial_is_lost_or_repeated_however_often_it_is_killed(project_root: Path) -> None:
    """The whole process group is killed outright between points, and in the middle of them."""
    write_notebook(project_root / "curves.ipynb", CURVES)
    generator = random.Random(5)
    begin = ("--maximize", "auc", "--trials", "10", "-p", "lr", "-p", "depth", "-p", "pause=0.02")
    before: set[Path] = set()
    for _ in range(2):
        running = command(*(begin if not before else ("--resume",)))
        wanted = len(before) + generator.randint(1, 3)
        while len(files(project_root)) < wanted:
            assert running.poll() is None, running.communicate()
            time.sleep(0.01)
        time.sleep(generator.random() / 3)
        children = psutil.Process(running.pid).children(recursive=True)
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        _, alive = psutil.wait_procs(children, timeout=10)
        assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
        assert set(files(project_root)) >= before
        before = set(files(project_root))
        assert read_sweep(next(iter(before)).parents[1]).status == "stopped"
    running = command("--resume")
    _, errors = running.communicate()
    assert running.returncode == 0, errors
    assert "cut off begin anew" in errors

    folder = next(iter(before)).parents[1]
    rows = {row.number: row for row in read_sweep(folder).rows}
    _is_whole(folder, rows)


def _is_whole(folder: Path, rows: dict[int, Row]) -> None:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    assert len(rows) == 10
    assert len({str(row.parameters) for row in rows.values()}) == 10
    study = optuna.load_study(
        storage=JournalStorage(JournalFileBackend(str(folder / "study.log"))), study_name="tune"
    )
    told = [each for each in study.trials if each.state.name in ("COMPLETE", "PRUNED")]
    assert sorted(each.user_attrs["point"] for each in told) == sorted(rows) == list(range(1, 11))
    for trial in told:
        row = rows[trial.user_attrs["point"]]
        assert trial.user_attrs["run"] == row.run
        assert trial.params == row.parameters
        assert trial.state.name == ("PRUNED" if row.status == "pruned" else "COMPLETE")
        if row.status == "ok":
            assert trial.value == row.metrics["auc"]
    assert all(each.state.name != "RUNNING" for each in study.trials)


def test_the_command_line_stops_and_goes_on(project_root: Path) -> None:
    write_notebook(project_root / "curves.ipynb", CURVES)
    running = command("--maximize", "auc", "--trials", "90", "-p", "lr", "-p", "pause=0.1")
    while not files(project_root):
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate()
    assert running.returncode == 130
    assert "tune curves.ipynb --resume curves-" in errors
    wanted = len(files(project_root)) + 1
    running = command("--resume", "--trials", str(wanted), "--json", "--all")
    output, errors = running.communicate()
    assert running.returncode == 0, errors
    result = json.loads(output.splitlines()[-1])
    assert result["stage"] == "result"
    assert result["data"]["status"] == "ok"
    assert len(result["data"]["rows"]) == wanted
    assert any("jupyter mlops rerun curves.ipynb -p " in line for line in result["view"]["lines"])

    listed = command("--list")
    output, _ = listed.communicate()
    assert f"{wanted} of {wanted}" in output
