"""Sweep: run a notebook once for each point of a space of parameters."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ..capture.processes import spawn_writer
from ..capture.run_names import new_run_name
from ..errors import MlopsError
from ..notebook.document import Notebook, read
from ..notebook.parameters import check_parameters, read_parameters
from ..progress import Event, Progress
from ..project import Project
from ..rerun.installed import require_kernel
from ..tracking.direction import direction
from ..tracking.pipelines import PipelineJournal
from .alone import alone
from .board import Board
from .plan import Plan, make_plan
from .points import Point, drawn, grid, listed
from .record import Head, Kind, Sweep, find, plain
from .runner import Runner
from .setting import Setting
from .space import Space, read_space
from .summary import write_summary
from .tree import Tree


def sweep(
    notebook: Path | str,
    space: Mapping[str, str] | None = None,
    *,
    project: Project | None = None,
    points: Path | None = None,
    random: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    metric: str = "",
    highest: bool | None = None,
    timeout: float | None = None,
    share: bool = True,
    on: str = "",
    resume: str | None = None,
) -> Progress[Sweep]:
    """Run a notebook for every point, several at a time, each as a run of its own.

    The cells that all points share, those before the first one that a swept parameter touches, are
    run once. The notebook itself is not changed.

    Parameters
    ----------
    space
        Words for each parameter: ``{"depth": "4,6,8", "lr": "0.01:0.1:log5"}``, see
        `jupyter_mlops.sweeps.space`; one value is the same for all points.
    points
        A CSV, JSON or YAML file that lists points, in place of a grid.
    random, seed
        Draw so many points from the space instead of all combinations.
    workers
        How many points run at a time; default: the number of cores, or what the engine has.
    metric, highest
        What decides which point is best; default: the first metric whose name tells.
    timeout
        Seconds that each cell may take.
    share
        Run shared cells once; else each point runs from the first cell on.
    on
        An engine to run points on: ``dask://host:port``; default: this machine.
    resume
        A sweep that was ended early, by name, unique prefix or ``latest``: its points that have
        not ended well are run.

    Raises
    ------
    MlopsError
        What is wrong with notebook or parameters; ``sweep.nothing`` where there is nothing to
        sweep; the first point's error where every point has failed; the error of a cell that all
        points share.
    """
    path = Path(notebook)
    project = project or Project.find(path)
    source = read(path, name=project.relative(path))
    require_kernel(source.kernel, source)
    count = workers or slots(on)
    if resume is not None:
        setting, head, board, waiting = _earlier(project, source, resume)
    else:
        fixed, ranges = read_space(source, space or {})
        found = _points(source, ranges, points, random, seed)
        setting = Setting(project, source, new_run_name(source.name), fixed)
        head = make_head("sweep", setting, found, metric, highest)
        board, waiting = Board(setting, head), found
    plan = make_plan(source, head.swept)
    with alone(setting):
        board.open(waiting)
        with told(setting, board):
            yield from _announced(setting, plan, head, len(waiting), count, board)
            most = workers if on else count  # an engine may get more workers while it runs
            with make_runner(setting, plan, most, on, timeout=timeout, share=share) as runner:
                for point in waiting:
                    runner.submit(point, run_of(setting, point))
                while runner.busy:
                    for message in runner.poll():
                        yield from board.take(message)
        return (yield from ended(setting, board))


@contextmanager
def told(setting: Setting, board: Board) -> Iterator[None]:
    """Begin the sweep's own run, and tell it and the board how the sweep has ended."""
    journal = make_journal(setting, board.sweep.head.kind)
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise KeyboardInterrupt(f"`--resume {setting.name}` goes on") from None
    except GeneratorExit:
        status = "KILLED"
        raise
    finally:
        if status != "FINISHED":
            board.close("failed" if status == "FAILED" else "stopped")
        board.tell(journal, status)
        spawn_writer(setting.project)


def ended(setting: Setting, board: Board) -> Progress[Sweep]:
    """Write the summary notebook of a sweep that is over; raise where no point has ended well."""
    found = board.sweep
    if found.rows and not any(row.status in ("ok", "pruned") for row in found.rows):
        board.close("failed")
        first = next(row for row in found.rows if row.status == "failed")
        raise MlopsError(
            "sweep.all-failed",
            f"Every point has failed; point {first.number}: {first.error}",
            hint=f"mend it, then `--resume {found.name}` runs the points again.",
            place=setting.notebook.place(),
        )
    began = time.perf_counter()
    summary = write_summary(setting, board.close("ok"))
    yield Event("summary", f"{summary}", "done", time.perf_counter() - began)
    return board.close("ok", str(summary))


def run_of(setting: Setting, point: Point) -> str:
    """Return the name of a point's run: fresh, as a point may be tried again."""
    return f"{new_run_name(setting.notebook.name)}-{point.number}"


def slots(on: str) -> int:
    """Return how many points run at once, where nobody says: on this machine or on an engine.

    Raises ``sweep.on`` for an engine that there is not, and as `dask_cluster.connect`.
    """
    if not on:
        return cores()
    from .dask_cluster import capacity, is_dask

    if not is_dask(on):
        raise MlopsError("sweep.on", f"`{on}` is no engine.", hint="write `dask://host:8786`.")
    return capacity(on)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _points(
    notebook: Notebook, space: Space, path: Path | None, random: int | None, seed: int
) -> list[Point]:
    if path is not None:
        found = listed(notebook, path)
        twice = sorted({name for point in found for name in point.parameters} & set(space))
        if twice:
            raise MlopsError(
                "sweep.twice",
                f"`{twice[0]}` is in the list of points, and swept besides.",
                hint=f"leave out `-p {twice[0]}=…`, or the column.",
                place=notebook.place(),
            )
        return found if not space else _joined(found, grid(space))
    if not space:
        known = ", ".join(each.name for each in read_parameters(notebook))
        raise MlopsError(
            "sweep.nothing",
            "No parameter is given more than one value.",
            hint=f"write for example `-p {known.partition(',')[0]}=1,2,3`; the notebook has: "
            f"{known}."
            if known
            else "tag a cell of plain assignments `parameters`.",
            place=notebook.place(),
        )
    return grid(space) if random is None else drawn(space, random, seed)


def _joined(first: list[Point], second: list[Point]) -> list[Point]:
    from .points import numbered

    return numbered({**one.parameters, **other.parameters} for one in first for other in second)


def make_head(
    kind: Kind, setting: Setting, points: list[Point], metric: str, highest: bool | None
) -> Head:
    """Return the head of a new sweep; raises ``best.direction`` where a metric's is not known."""
    if metric and highest is None:
        highest = direction(metric).highest
    return Head(
        name=setting.name,
        kind=kind,
        notebook=setting.notebook.name,
        path=str(setting.notebook.path.resolve()),
        digest=setting.notebook.digest(),
        started=time.time(),
        fixed=plain(setting.fixed),
        swept=list(dict.fromkeys(name for point in points for name in point.parameters)),
        points=[plain(point.parameters) for point in points],
        metric=metric,
        highest=highest if highest is not None else True,
        cells=len(setting.notebook.code_cells),
    )


def _earlier(
    project: Project, notebook: Notebook, ref: str
) -> tuple[Setting, Head, Board, list[Point]]:
    """Return what is to be done of a sweep that was ended early."""
    found = find(project, ref, ("sweep",))
    head = found.head
    check_same(notebook, head)
    declared = read_parameters(notebook)
    setting = Setting(
        project, notebook, head.name, check_parameters(notebook, declared, head.fixed)
    )
    rows = [row for row in found.rows if row.status in ("ok", "pruned")]
    done = {row.number for row in rows}
    waiting = [
        Point(number, check_parameters(notebook, declared, parameters))
        for number, parameters in enumerate(head.points, 1)
        if number not in done
    ]
    if not waiting:
        raise MlopsError(
            "sweep.nothing-left",
            f"All points of the sweep `{head.name}` have ended well.",
            hint="start a new one without `--resume`.",
            place=notebook.place(),
        )
    head = msgspec.structs.replace(head, status="running")
    return setting, head, Board(setting, head, rows), waiting


def check_same(notebook: Notebook, head: Head) -> None:
    """Raise ``sweep.changed`` where the notebook is not what the sweep began with."""
    if head.notebook != notebook.name or head.digest != notebook.digest():
        what = "has changed since" if head.notebook == notebook.name else f"is not {head.notebook}"
        raise MlopsError(
            "sweep.changed",
            f"The notebook {what}: the points of `{head.name}` would not be comparable.",
            hint="start a new one without `--resume`.",
            place=notebook.place(),
        )


def _announced(
    setting: Setting, plan: Plan, head: Head, waiting: int, workers: int, board: Board
) -> Progress[None]:
    yield Event(
        "sweep",
        f"{waiting} points of {setting.notebook.name}, {min(workers, waiting)} at a time, as "
        f"{setting.name}",
        "started",
        data={"sweep": board.sweep.to_dict()},
    )
    if unused := plan.unused():
        yield Event("sweep", f"no cell uses {', '.join(f'`{name}`' for name in unused)}")


def make_journal(setting: Setting, kind: Kind) -> PipelineJournal:
    """Begin the sweep's own run, of which those of its points are parts."""
    notebook = setting.notebook
    return PipelineJournal(
        setting.project, setting.name, notebook.name, notebook.path, setting.fixed, kind=kind
    )


def make_runner(
    setting: Setting,
    plan: Plan,
    workers: int | None,
    on: str,
    *,
    timeout: float | None,
    share: bool,
    prunes: str = "",
) -> Runner:
    """Return what runs the points, at most ``workers`` at a time, on this machine or an engine."""
    if not on:
        return Tree(setting, plan, workers or cores(), timeout=timeout, prunes=prunes, share=share)
    from .dask import DaskRunner

    return DaskRunner(setting, plan, on, workers, timeout=timeout, prunes=prunes, share=share)
