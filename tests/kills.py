"""Processes killed at random moments: ``python -m tests.kills KIND PROJECT KILLS SEED``.

A process that has imported all it needs forks the victims, so that hundreds die within seconds.
What they had promised by then is told as JSON, for a test to compare with what is there.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import msgspec

from jupyter_mlops.capture import journal
from jupyter_mlops.capture.journal import Journal
from jupyter_mlops.capture.records import End, Metric, Start
from jupyter_mlops.project import Project

POINTS = 2000
CELLS = [
    "import pandas as pd\nfrom sklearn.linear_model import Ridge",
    "frame = pd.DataFrame({'x': range(50), 'y': range(50)})",
    "model = Ridge().fit(frame[['x']], frame['y'])",
    f"for step in range({POINTS}):\n    log(loss=1 / (step + 1), step=step)\n    done(step + 1)",
]


class Promised:
    """A number in memory that outlives the process which counts; it is never half written."""

    def __init__(self) -> None:
        self._memory = memoryview(mmap.mmap(-1, 8)).cast("q")

    def set(self, value: int) -> None:
        self._memory[0] = value

    def get(self) -> int:
        return self._memory[0]


def within(seconds: float) -> Callable[[], bool]:
    """Tell when a random moment of so many seconds, from the first question on, is over."""
    moment = random.uniform(0, seconds)
    start: list[float] = []

    def over() -> bool:
        start[:] = start or [time.monotonic()]
        return time.monotonic() - start[0] >= moment

    return over


def kill(work: Callable[[], None], ready: Promised, due: Callable[[], bool]) -> bool:
    """Fork a process, kill it when due after it is ready; return whether it was done before."""
    ready.set(0)
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    while not ready.get() and not os.waitpid(pid, os.WNOHANG)[0]:
        time.sleep(0.0002)
    while not due():
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            if status:
                sys.exit("a victim failed by itself")
            return True
        time.sleep(0.0002)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return status == 0


def writers(project: Project, kills: int) -> list[dict[str, int]]:
    """Kill processes that append points as fast as they can."""
    found = []
    for number in range(kills):
        folder, promised, ready = project.folder("journal", f"w{number}"), Promised(), Promised()

        def work(
            folder: Path = folder, promised: Promised = promised, ready: Promised = ready
        ) -> None:
            written = Journal(folder)
            ready.set(1)
            for step in range(1 << 40):
                written.append(
                    Metric(time=1.0, order=1, name="m" * (step % 999), value=1.0, step=step)
                )
                promised.set(step + 1)

        kill(work, ready, within(0.004))
        found.append({"promised": promised.get()})
    return found


def kernels(project: Project, kills: int) -> list[dict[str, int | str]]:
    """Kill IPython shells that run the cells of a notebook under capture."""
    from IPython.core.interactiveshell import InteractiveShell

    import jupyter_mlops

    names = ("magics", "kernel", "kernel_verbs", "completion", "cell_magics")
    for name in ("pandas", "sklearn.linear_model", *(f"jupyter_mlops.faces.{n}" for n in names)):
        import_module(name)
    found: list[dict[str, int | str]] = []
    for number in range(kills):
        points, cells, ready = Promised(), Promised(), Promised()
        before = set(os.listdir(project.folder("journal")))

        def work(
            points: Promised = points, cells: Promised = cells, ready: Promised = ready
        ) -> None:
            shell = InteractiveShell.instance()
            jupyter_mlops.load_ipython_extension(shell)
            shell.user_ns.update(log=jupyter_mlops.log, done=points.set)
            ready.set(1)
            for count, source in enumerate(CELLS, 1):
                assert shell.run_cell(source, store_history=True, cell_id=f"c{count}").success
                cells.set(count)
            time.sleep(9)

        # Half of them by what they have done: on a busy machine no moment would be in the loop.
        wanted = random.randrange(1, POINTS)
        kill(
            work,
            ready,
            (lambda: points.get() >= wanted) if number % 2 else within(0.07),  # noqa: B023
        )
        (run,) = set(os.listdir(project.journals)) - before
        found.append({"run": run, "points": points.get(), "cells": cells.get()})
    return found


def feeders(project: Project, kills: int) -> list[dict[str, int | str]]:
    """Kill feeders of one run again and again, and let the last one end; for several runs."""
    from jupyter_mlops.tracking import client
    from jupyter_mlops.tracking.feeder import Feeder

    client.client(project)
    (template,) = (path.parent for path in project.journals.glob("template/journal"))
    found: list[dict[str, int | str]] = []
    done, number = 0, 0
    while done < kills:
        number += 1
        name = f"run-{number}"
        folder = _copy(template, project.folder("journal", name), name)
        ready = Promised()

        def work(folder: Path = folder, ready: Promised = ready) -> None:
            mlflow = client.client(project)
            ready.set(1)
            assert Feeder(project, folder).feed(mlflow, hurry=True)

        died = 0
        # Later and later: on a busy machine the first ones may not get anything done.
        while not kill(work, ready, within(0.6 + 0.2 * died)):
            died += 1
        done += died
        found.append({"run": name, "died": died})
    return found


def _copy(template: Path, folder: Path, name: str) -> Path:
    import shutil

    shutil.copytree(template, folder, dirs_exist_ok=True)
    (folder / journal.NAME).unlink()
    written = Journal(folder)
    for record in journal.read_all(template / journal.NAME):
        match record:
            case Start():
                written.append(msgspec.structs.replace(record, run=name))
            case End():
                for step in range(2500):
                    written.append(
                        Metric(time=time.time(), order=1, name="many", value=step / 7, step=step)
                    )
                written.append(record)
            case _:
                written.append(record)
    written.close()
    return folder


def main() -> None:
    """Kill, and print what was promised."""
    kind, root, kills, seed = sys.argv[1:]
    random.seed(int(seed))
    os.environ["JUPYTER_MLOPS_WRITER"] = "off"
    os.chdir(root)
    work = {"writers": writers, "kernels": kernels, "feeders": feeders}[kind]
    print(json.dumps(work(Project(Path(root)), int(kills))))


if __name__ == "__main__":
    main()
