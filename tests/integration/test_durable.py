"""Hard times for capture: a full disk, huge outputs, interrupts, two notebooks at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.capture import journal
from jupyter_mlops.capture.records import AnyRecord, CellEnd, CellStart, Metric, Note
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project
from jupyter_mlops.tracking.feeder import pending
from jupyter_mlops.tracking.store import Store
from tests.kernels import start_kernel
from tests.support import SMALL, stop_writer, until, write_notebook, writers

pytestmark = pytest.mark.writer

OFF = {"JUPYTER_MLOPS_WRITER": "off"}
LOAD = "%load_ext jupyter_mlops"


@pytest.fixture
def small_disk(project_root: Path) -> Iterator[Path]:
    """A folder on a file system of its own, of 16 MB."""
    folder = project_root / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not allowed here")
    (folder / "mlops.toml").write_text("")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 12)):
                pass
        except OSError:
            pass
    return filler


def _records(project: Project) -> list[AnyRecord]:
    (path,) = project.journals.glob("*/journal")
    return journal.read_all(path)


def test_on_a_full_disk_the_notebook_goes_on_and_nothing_is_lost(small_disk: Path) -> None:
    loop = "import jupyter_mlops\nfor step in range(3000):\n    jupyter_mlops.log(loss=step / 7)"
    with start_kernel(small_disk, OFF) as kernel:
        kernel.run(LOAD, "c1")
        kernel.run("1", "c2")
        filler = _fill(small_disk)
        reply, text = kernel.run(loop, "c3")
        assert reply["status"] == "ok"
        assert text.count("The disk is full") == 1
        assert text.count("\n") == 1
        assert kernel.run("2", "c4")[1] == "2"
        assert "in memory, as the disk is full" in kernel.run("%mlops", "c5")[1]
        filler.unlink()
        assert kernel.run("3", "c6")[1] == "3"
    records = _records(Project(small_disk))
    points = [record for record in records if isinstance(record, Metric)]
    assert [(point.step, point.value) for point in points] == [(n, n / 7) for n in range(3000)]
    assert [r.cell for r in records if isinstance(r, CellStart)] == [f"c{n}" for n in range(1, 7)]
    assert [r.order for r in records if isinstance(r, CellEnd)] == list(range(1, 7))


def test_a_model_that_does_not_fit_the_disk_is_told(small_disk: Path) -> None:
    with start_kernel(small_disk, OFF) as kernel:
        kernel.run(LOAD, "c1")
        kernel.run("import numpy as np\nfrom sklearn.linear_model import Ridge", "c2")
        filler = _fill(small_disk)
        reply, text = kernel.run("model = Ridge().fit(np.eye(3), [1, 2, 3])", "c3")
        assert (reply["status"], text.count("\n")) == ("ok", 1)
        filler.unlink()
        kernel.run("model.fit(np.eye(3), [3, 2, 1])", "c4")
    project = Project(small_disk)
    store = Store(project)
    store.sync()
    run = store.run()
    assert run.model == "Ridge"
    assert "disk is full" in run.problems[0]
    assert any(isinstance(r, Note) for r in _records(project))


def test_a_full_store_is_fed_once_there_is_space(small_disk: Path) -> None:
    project = Project(small_disk)
    with start_kernel(small_disk, OFF) as kernel:
        kernel.run(LOAD, "c1")
        kernel.run(
            "import jupyter_mlops\nfor _ in range(5000):\n    jupyter_mlops.log(same=1.0)", "c2"
        )
    Store(project).client.search_experiments()
    filler = _fill(small_disk)
    with pytest.raises(MlopsError) as refused:
        Store(project).sync()
    assert refused.value.code == "project.disk-full"
    filler.unlink()
    store = Store(project)
    store.sync()
    run = store.run()
    assert run.status == "FINISHED"
    steps = Counter(p.step for p in store.client.get_metric_history(run.mlflow_id, "same"))
    assert steps == Counter(range(5000))


def test_two_gigabytes_of_output_leave_no_trace_in_memory(project_root: Path) -> None:
    """Printed text goes to the front end alone; what is displayed is kept up to a size."""
    program = (
        "import os, resource, sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "if sys.argv[1] == 'captured':\n"
        "    import jupyter_mlops\n"
        "    jupyter_mlops.load_ipython_extension(shell)\n"
        "keep, sys.stdout = sys.stdout, open(os.devnull, 'w')\n"
        "cells = ['for _ in range(2048):\\n    print(text)',\n"
        "         'from IPython.display import HTML, display\\ndisplay(HTML(text * 200))']\n"
        "shell.user_ns['text'] = 'x' * (1 << 20)\n"
        "for number, cell in enumerate(cells):\n"
        "    assert shell.run_cell(cell, store_history=True, cell_id=f'c{number}').success\n"
        "sys.stdout = keep\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)\n"
    )
    found = {}
    for kind in ("plain", "captured"):
        done = subprocess.run(
            [sys.executable, "-c", program, kind],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **OFF},
        )
        found[kind] = int(done.stdout)
    assert found["captured"] < found["plain"] + 300
    state = project_root / ".mlops"
    assert sum(path.stat().st_size for path in state.rglob("*") if path.is_file()) < 40 << 20


def test_an_interrupted_cell_is_told_and_the_next_one_captured(project_root: Path) -> None:
    with start_kernel(project_root, OFF) as kernel:
        kernel.run(LOAD, "c1")
        kernel.start("print('on', flush=True)\nimport time\ntime.sleep(60)", "c2")
        while kernel.client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
            pass
        kernel.manager.interrupt_kernel()
        # What is sent before the end of an interrupted cell is dropped by the kernel.
        until(lambda: kernel.run("x = 1", "c3")[0]["status"] == "ok")
    records = _records(Project(project_root))
    ends = [(r.order, r.outcome) for r in records if isinstance(r, CellEnd)]
    assert ends == [(1, "ok"), (2, "interrupted"), (3, "ok")]


def test_cells_interrupted_anywhere_all_have_an_end(project_root: Path) -> None:
    """Without ipykernel, which an interrupt between two cells may stop from ever answering."""
    program = (
        "import os, random, signal, threading, time\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "import jupyter_mlops\n"
        "shell = InteractiveShell.instance()\n"
        "jupyter_mlops.load_ipython_extension(shell)\n"
        "shell.run_cell('x = 0', store_history=True, cell_id='first')\n"
        "chance, over = random.Random(0), threading.Event()\n"
        "def interrupt():\n"
        "    while not over.wait(chance.uniform(0.001, 0.012)):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "thread = threading.Thread(target=interrupt)\n"
        "thread.start()\n"
        "number = 0\n"
        "while number < 300:\n"
        "    try:\n"
        "        number += 1\n"
        "        code = 'for _ in range(400):\\n    x += 1'\n"
        "        shell.run_cell(code, store_history=True, cell_id=f's{number}')\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "while thread.is_alive():\n"
        "    try:\n"
        "        over.set()\n"
        "        thread.join()\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "shell.run_cell('x', store_history=True, cell_id='last')\n"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        env={**os.environ, **OFF},
    )
    records = _records(Project(project_root))
    ends = [record.order for record in records if isinstance(record, CellEnd)]
    begun = [record for record in records if isinstance(record, CellStart)]
    assert [cell.order for cell in begun] == list(range(1, len(begun) + 1))
    assert sorted(ends) == [cell.order for cell in begun]
    outcomes = Counter(record.outcome for record in records if isinstance(record, CellEnd))
    assert outcomes["interrupted"] > 10
    assert (begun[0].cell, begun[-1].cell) == ("first", "last")
    assert not [record for record in records if isinstance(record, Note)]


def test_the_last_cell_is_ended_where_an_interrupt_came_behind_its_last_line(
    project_root: Path,
) -> None:
    program = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "import jupyter_mlops\n"
        "shell = InteractiveShell.instance()\n"
        "jupyter_mlops.load_ipython_extension(shell)\n"
        "trigger = shell.events.trigger\n"
        "def interrupted(event, *arguments):\n"
        "    if event == 'post_execute' and 'y' in shell.user_ns:\n"
        "        raise KeyboardInterrupt\n"
        "    trigger(event, *arguments)\n"
        "shell.events.trigger = interrupted\n"
        "for name in 'xy':\n"
        "    try:\n"
        "        shell.run_cell(f'{name} = 1', store_history=True, cell_id=name)\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted', name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **OFF},
    )
    assert done.stdout == "interrupted y\n"
    records = _records(Project(project_root))
    ends = [(r.order, r.outcome) for r in records if isinstance(r, CellEnd)]
    assert ends == [(1, "ok"), (2, "interrupted")]


def test_two_notebooks_feed_one_store_at_once(project_root: Path) -> None:
    project = Project(project_root)
    kernels = []
    for name in ("a.ipynb", "b.ipynb"):
        notebook = write_notebook(project_root / name)
        context = start_kernel(project_root, {"JPY_SESSION_NAME": str(notebook)})
        kernels.append((context, context.__enter__()))
    sources = [LOAD, *(source for _, source in SMALL)]
    loop = "import jupyter_mlops\nfor step in range(4000):\n    jupyter_mlops.log(loss=step / 7)"
    for _, kernel in kernels:
        for number, source in enumerate([*sources, loop]):
            kernel.start(source, f"c{number}")
    for context, kernel in kernels:
        assert kernel.run("1", "end")[1] == "1"
        context.__exit__(None, None, None)
    until(lambda: not pending(project), 90)
    stop_writer(project)
    store = Store(project)
    runs = {run.notebook: run for run in store.runs()}
    assert set(runs) == {"a.ipynb", "b.ipynb"}
    for run in runs.values():
        assert run.status == "FINISHED"
        for key, count in (("loss", 4000), ("mae", 1)):
            assert len(store.client.get_metric_history(run.mlflow_id, key)) == count
        assert len(store.run(run.run).models) == 1


def test_a_writer_that_was_killed_is_started_again(project_root: Path) -> None:
    project = Project(project_root)
    with start_kernel(project_root, {}) as kernel:
        kernel.run(LOAD, "c1")

        until(lambda: len(writers(project)) == 1)
        (first,) = writers(project)
        first.kill()
        until(lambda: [each.pid for each in writers(project)] not in ([], [first.pid]))
    until(lambda: not pending(project), 60)
    assert Store(project).run().status == "FINISHED"
    stop_writer(project)
