"""Sweeps as the sidebar's messages: what is on disk, and what a running one has told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from ..errors import MlopsError
from ..models import (
    ErrorMessage,
    SweepFormView,
    SweepParameterView,
    SweepPlanView,
    SweepRequest,
    SweepRowView,
    SweepSummaryView,
    SweepView,
)
from ..notebook.document import Notebook, read
from ..notebook.moments import plain
from ..notebook.parameters import Parameter, read_parameters
from ..project import Project
from ..sweeps.points import drawn, grid
from ..sweeps.record import Row, Sweep, read_sweep
from ..sweeps.setting import FOLDER
from ..sweeps.space import read_space
from ..sweeps.sweep import cores
from ..tracking.direction import direction
from .sweep_jobs import SweepJob
from .swept import resume_command, words_of

_MOST_SWEEPS = 20
_MOST_ROWS = 200
_MANY = 10


def form_view(path: Path, name: str) -> SweepFormView:
    """Return the parameters of a saved notebook; raises as reading it and them does."""
    notebook = read(path, name=name)
    found = read_parameters(notebook)
    return SweepFormView(
        path=name,
        cores=cores(),
        parameters=[
            SweepParameterView(
                name=each.name,
                type=each.words,
                default="" if each.secret else str(plain(each.default)),
                allowed="env:NAME or file:PATH" if each.secret else str(each.limits),
                help=each.help,
                secret=each.secret,
                suggestion=_suggestion(each),
            )
            for each in found
        ],
    )


def plan_view(path: Path, name: str, request: SweepRequest) -> SweepPlanView:
    """Return what a sweep would be; what is wrong with a parameter's words is told with its name.

    Raises as reading the notebook does. Nothing is run or written.
    """
    notebook = read(path, name=name)
    fields = {}
    for each, words in request.parameters.items():
        if (error := _wrong(notebook, each, words)) is not None:
            fields[each] = ErrorMessage.model_validate(error.to_dict())
    if fields:
        return SweepPlanView(points=None, fields=fields)
    try:
        if request.metric and request.highest is None:
            direction(request.metric)
        _, space = read_space(notebook, request.parameters)
        if not space:
            return SweepPlanView(points=0, fields={})
        points = grid(space) if request.random is None else drawn(space, request.random, 0)
    except MlopsError as error:
        told = ErrorMessage.model_validate(error.to_dict())
        return SweepPlanView(points=None, fields={}, error=told)
    return SweepPlanView(points=len(points), fields={})


def summaries(project: Project, notebook: str, path: str) -> list[SweepSummaryView]:
    """Return the newest sweeps of a notebook, the newest first."""
    return [SweepSummaryView(**_summary(each, path)) for each in _newest(project, notebook)]


def sweep_view(found: Sweep, path: str, project: Project, job: SweepJob | None) -> SweepView:
    """Return a sweep; one that this server runs with what its points have told by now."""
    head = found.head
    rows = {row.number: row for row in found.rows}
    is_running = found.status == "running"
    if job is not None and is_running:
        for each in job.standing.running():
            known = msgspec.convert(_row(each), Row)
            if rows.get(each.number, known).status == "waiting":
                rows[each.number] = known
    ranked = [row.number for row in found.ranked]
    ordered = sorted(rows.values(), key=lambda row: _place(row, ranked))
    executed = project.state / "executed"
    standing = job.standing if job is not None else None
    return SweepView(
        **_summary(found, path),
        highest=head.highest,
        swept=head.swept,
        rows=[_row_view(row, executed) for row in ordered[:_MOST_ROWS]],
        hidden=max(0, len(ordered) - _MOST_ROWS),
        best=ranked[0] if ranked else None,
        shared=head.shared,
        cells=head.cells,
        seconds=standing.elapsed if standing is not None and is_running else head.seconds,
        left=standing.left if standing is not None and is_running else None,
        summary=bool(head.summary) and Path(head.summary).is_file(),
        resume=resume_command(head.kind, path, head.name),
        error=job.error if job is not None else None,
        log=job.said if job is not None else "",
    )


def find_sweep(project: Project, name: str, notebook: str) -> Sweep:
    """Return a notebook's sweep by its name; raises ``sweep.unknown``."""
    folder = project.state / FOLDER / name
    if folder.parent == project.state / FOLDER and folder.is_dir():
        found = read_sweep(folder)
        if found.head.notebook == notebook:
            return found
    raise MlopsError(
        "sweep.unknown",
        "There is no such sweep of this notebook.",
        hint="it was removed, or the notebook renamed since.",
    )


def _newest(project: Project, notebook: str) -> Iterator[Sweep]:
    folder = project.state / FOLDER
    try:
        paths = sorted(folder.glob("*/sweep.json"), key=_changed, reverse=True)
    except OSError:
        return
    found: list[Sweep] = []
    for path in paths:
        sweep = _read(path.parent, _changed(path), _changed(path.parent / "points"))
        if sweep is not None and sweep.head.notebook == notebook:
            found.append(sweep)
            if len(found) == _MOST_SWEEPS:
                break
    yield from sorted(found, key=lambda sweep: sweep.head.started, reverse=True)


@lru_cache(maxsize=128)
def _read(folder: Path, *changed: int) -> Sweep | None:
    """Read a sweep again only where it has changed."""
    try:
        return read_sweep(folder)
    except MlopsError:
        return None


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _summary(found: Sweep, path: str) -> dict[str, Any]:
    head, best = found.head, found.best
    return {
        "name": head.name,
        "kind": head.kind,
        "path": path,
        "status": found.status,
        "started": head.started,
        "done": sum(row.status not in ("waiting", "running") for row in found.rows),
        "total": len(head.points) or len(found.rows),
        "failed": found.count("failed"),
        "metric": head.metric,
        "value": best.metrics[head.metric] if best is not None else None,
    }


def _place(row: Row, ranked: Iterable[int]) -> tuple[int, int]:
    order = {"running": 0, "ok": 2, "pruned": 3, "failed": 4, "waiting": 5}
    known = list(ranked)
    if row.number in known:
        return 1, known.index(row.number)
    return order[row.status], row.number


def _row(each: Any) -> dict[str, Any]:
    names = ("number", "parameters", "status", "run", "metrics", "seconds", "error")
    return {name: getattr(each, name) for name in names}


def _row_view(row: Row, executed: Path) -> SweepRowView:
    return SweepRowView(
        number=row.number,
        parameters=row.parameters,
        status=row.status,
        run=row.run,
        metrics={k: v if math.isfinite(v) else None for k, v in row.metrics.items()},
        seconds=row.seconds,
        error=row.error,
        executed=bool(row.run) and (executed / f"{row.run}.ipynb").is_file(),
    )


def _suggestion(parameter: Parameter) -> str:
    """Return words that try what the notebook declares for a parameter."""
    limits = parameter.limits
    if parameter.secret:
        return ""
    if limits.choices:
        return words_of(None, list(limits.choices))
    if parameter.type == "bool":
        return "False,True"
    if limits.low is None or limits.high is None or limits.above or limits.below:
        return ""
    few = parameter.type == "int" and limits.high - limits.low < _MANY
    return f"{limits.low:g}:{limits.high:g}" + ("" if few else ":lin5")


def _wrong(notebook: Notebook, name: str, words: str) -> MlopsError | None:
    try:
        read_space(notebook, {name: words})
    except MlopsError as error:
        return error
    return None
