"""Feeding for long: bounded memory, nothing read twice, what waits is told meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jupyter_mlops.capture import journal
from jupyter_mlops.capture.journal import Journal
from jupyter_mlops.capture.records import CellEnd, CellStart, End, Metric, Start
from jupyter_mlops.capture.waiting import waiting
from jupyter_mlops.project import Project
from jupyter_mlops.tracking import batches, cursor, history
from jupyter_mlops.tracking.client import client
from jupyter_mlops.tracking.feeder import Feeder, pending

POINTS = 20_000


def _start(project: Project, name: str) -> Journal:
    written = Journal(project.folder("journal", name))
    written.append(
        Start(
            time=time.time(),
            run=name,
            kind="interactive",
            notebook="nb.ipynb",
            path="",
            host="elsewhere",
            pid=1,
            pid_started=1.0,
            python="3.11",
            platform="",
            user="",
        )
    )
    return written


def _log(written: Journal, order: int, first: int, last: int) -> None:
    written.append(CellStart(time=time.time(), order=order, source="x", cell="c"))
    for step in range(first, last):
        written.append(Metric(time=time.time(), order=order, name="loss", value=0.5, step=step))
    written.append(CellEnd(time=time.time(), order=order, seconds=1.0, outcome="ok"))


def test_many_points_are_read_once_and_forgotten(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(project_root)
    written = _start(project, "long")
    _log(written, 1, 0, POINTS // 2)
    found = client(project)
    feeder = Feeder(project, written.folder)
    offsets: list[int] = []
    sent: list[int] = []
    most: list[int] = []
    read, log = journal.read, batches.log

    def reading(path: Path, offset: int = 0) -> object:
        offsets.append(offset)
        return read(path, offset, 1 << 17)

    def logging(client: object, run: str, metrics: list[object], *more: object) -> None:
        sent.append(len(metrics))
        most.append(len(feeder.history.points))
        log(client, run, metrics, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(history.journal, "read", reading)
    monkeypatch.setattr(batches, "log", logging)
    assert not feeder.feed(found, hurry=True)
    _log(written, 2, POINTS // 2, POINTS)
    assert not feeder.feed(found, hurry=True)
    assert waiting(project, "long", written.count).records == 0
    written.append(End(time=time.time(), status="FINISHED"))
    assert feeder.feed(found)
    # Each reading begins where the one before it ended; the last of each feed finds nothing new.
    assert offsets == sorted(offsets)
    assert len(set(offsets)) >= len(offsets) - 3
    assert sum(sent) == POINTS
    assert max(most) <= (1 << 17) // 50 + batches.MOST_METRICS
    assert len(feeder.history.points) == 0
    run = cursor.load(written.folder).run_id
    assert [p.step for p in found.get_metric_history(run, "loss")] == list(range(POINTS))


def test_a_run_that_was_deleted_in_the_store_stays_deleted(project_root: Path) -> None:
    project = Project(project_root)
    written = _start(project, "unwanted")
    _log(written, 1, 0, 5)
    found = client(project)
    feeder = Feeder(project, written.folder)
    assert not feeder.feed(found, hurry=True)
    run = cursor.load(written.folder).run_id
    found.delete_run(run)
    _log(written, 2, 5, 3000)
    assert feeder.feed(found, hurry=True)
    assert pending(project) == []
    assert found.get_run(run).info.lifecycle_stage == "deleted"


def test_another_store_gets_the_run_from_its_beginning(project_root: Path) -> None:
    project = Project(project_root)
    written = _start(project, "moved")
    _log(written, 1, 0, 2500)
    feeder = Feeder(project, written.folder)
    assert not feeder.feed(client(project), hurry=True)
    (project_root / "mlops.toml").write_text(
        f'[tracking]\nuri = "sqlite:///{project_root}/other.db"\n'
    )
    moved = Project(project_root)
    found = client(moved)
    _log(written, 2, 2500, 3000)
    for each in (feeder, Feeder(moved, written.folder)):
        each.project = moved
        each.feed(found, hurry=True)
    run = cursor.load(written.folder).run_id
    assert len(found.get_metric_history(run, "loss")) == 3000


def test_two_runs_of_one_name_become_one(project_root: Path) -> None:
    """A request that a network repeats may make two."""
    project = Project(project_root)
    written = _start(project, "twin")
    found = client(project)
    experiment = found.create_experiment("nb.ipynb")
    for _ in range(2):
        found.create_run(experiment, tags={"mlops.run": "twin"})
    written.append(End(time=time.time(), status="FINISHED"))
    assert Feeder(project, written.folder).feed(found)
    (run,) = found.search_runs([experiment])
    assert run.info.status == "FINISHED"
