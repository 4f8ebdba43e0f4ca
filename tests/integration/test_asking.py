"""Who asks the project's writer gets its work, and does the work itself where none answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun.rerun import rerun
from jupyter_mlops.tracking import asking
from jupyter_mlops.tracking.pipelines import PipelineJournal
from jupyter_mlops.tracking.store import Store
from tests.support import stop_writer, until, write_notebook, writers

pytestmark = pytest.mark.writer


@pytest.fixture
def project(project_root: Path) -> Iterator[Project]:
    project = Project(project_root)
    yield project
    for writer in writers(project):
        writer.resume()
    stop_writer(project)


def _journal(project: Project, run: str) -> None:
    journal = PipelineJournal(project, run, "nb.ipynb", project.root / "nb.ipynb", {})
    journal.end("FINISHED", {}, {"mae": 1.5})


def test_a_rerun_and_a_list_of_runs_import_no_mlflow(project: Project) -> None:
    notebook = write_notebook(project.root / "nb.ipynb")
    program = (
        "import sys\n"
        "from jupyter_mlops.progress import drain\n"
        "from jupyter_mlops.project import Project\n"
        "from jupyter_mlops.rerun.rerun import rerun\n"
        "from jupyter_mlops.tracking.store import Store\n"
        f"done = drain(rerun({str(notebook)!r}), lambda event: None)\n"
        "store = Store(Project.find())\n"
        "store.sync()\n"
        "run = store.run()\n"
        "assert run.run == done.run and run.status == 'FINISHED', run\n"
        "assert done.metrics == dict(run.metrics) and 'mae' in done.metrics, done\n"
        "assert done.executed.name in run.artifacts, run.artifacts\n"
        "print('mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr
    assert not list((project.state / "asked").iterdir())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_writer_that_says_nothing_is_not_waited_for(
    project: Project, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    _journal(project, "one")
    until(lambda: len(writers(project)) == 1)
    Store(project).sync("one")
    assert Store(project).run("one").status == "FINISHED"
    (writer,) = writers(project)
    os.kill(writer.pid, signal.SIGSTOP)
    _journal(project, "two")
    answers: list[bool] = []
    asker = threading.Thread(target=lambda: answers.append(asking.ask(project, 3)))
    asker.start()
    until(lambda: len(asking.asked(project)) == 1)
    os.kill(writer.pid, how)
    asker.join()
    assert answers == [False]
    assert asking.asked(project) == []
    monkeypatch.setattr(asking.ask, "__defaults__", (1.0,))
    Store(project).sync()
    assert Store(project).run("two").metrics == {"mae": 1.5}


def test_a_writer_is_not_asked_about_another_store(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    _journal(project, "one")
    Store(project).sync("one")
    assert len(writers(project)) == 1
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project.root}/other.db")
    assert not asking.ask(Project(project.root))
    assert asking.asked(project) == []


def test_a_run_that_is_taken_up_again_is_fed_again(project: Project) -> None:
    _journal(project, "one")
    Store(project).sync("one")
    again = PipelineJournal(project, "one", "nb.ipynb", project.root / "nb.ipynb", {})
    again.end("FAILED", {}, {"rmse": 2.5})
    until(lambda: Store(project).run("one").status == "FAILED")
    assert dict(Store(project).run("one").metrics) == {"mae": 1.5, "rmse": 2.5}


def test_a_rerun_tells_its_metrics_where_no_writer_may_start(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_WRITER", "off")
    done = drain(rerun(write_notebook(project.root / "nb.ipynb")), lambda event: None)
    assert done.metrics == dict(Store(project).run(done.run).metrics)
    assert done.executed.name in Store(project).run(done.run).artifacts
    assert writers(project) == []
