"""How a sweep is told: the best points first, what failed and where to look, what to do next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from .sweep_standing import shown, span
from .swept import from_here, rerun_command, resume_command
from .views import Table, View

if TYPE_CHECKING:
    from ..charts.chart import Chart
    from ..project import Project
    from ..sweeps.record import Row, Sweep

_TOP = 10
_MOST_METRICS = 4
_MOST_CHARTS = 3


def sweep(found: Sweep, project: Project, *, all_points: bool = False) -> View:
    """Tell of a sweep as it stands; the exit code is 1 where a point has failed."""
    head = found.head
    failed = [row for row in found.rows if row.status == "failed"]
    lines = [_counts(found)]
    if head.shared:
        lines.append(f"{head.shared} of {head.cells} cells ran once for all points.")
    best = found.best
    if best is not None:
        word = "highest" if head.highest else "lowest"
        lines.append(
            f"The best is point {best.number}: {head.metric} {shown(best.metrics[head.metric])}, "
            f"the {word}, with {_words(best)}"
        )
    elif any(row.status == "ok" for row in found.rows):
        lines.append(_no_metric(found))
    tables = [_points(found, None if all_points else _TOP)]
    ranked = len(found.ranked)
    if ranked > _TOP and not all_points:
        lines.append(f"The table has the best {_TOP} of {ranked}; `--all` shows every point.")
    if failed:
        tables.append(_failed(found, failed, project))
    lines += _next(found, failed)
    code = 1 if failed else 0
    return View(lines, tables, found.to_dict(), exit_code=code, charts=_charts(found))


def sweeps(found: Iterable[Sweep], kind: str = "sweep") -> View:
    """Tell of many sweeps, the newest first."""
    import datetime as dt

    listed = list(found)
    rows: list[list[Any]] = []
    for each in listed:
        head, best = each.head, each.best
        started = dt.datetime.fromtimestamp(head.started).strftime("%Y-%m-%d %H:%M")
        value = f"{head.metric} {shown(best.metrics[head.metric])}" if best is not None else ""
        done, total = each.total - each.left, each.total
        status = WORDS.get(each.status, each.status)
        rows.append([each.name, head.notebook, started, status, f"{done} of {total}", value])
    if not rows:
        return View([f"No {kind}s yet: `jupyter mlops {kind} NOTEBOOK` makes one."], data=[])
    table = Table("", (kind, "notebook", "started", "status", "points", "best"), rows)
    return View(tables=[table], data=[each.to_dict() | {"status": each.status} for each in listed])


def _charts(found: Sweep) -> list[Chart]:
    """Return the metric against each of the first parameters that have several values."""
    from ..sweeps.plots import by_parameter

    charts = []
    for name in found.head.swept:
        if len({repr(row.parameters.get(name)) for row in found.ranked}) > 1:
            with contextlib.suppress(MlopsError):
                charts.append(by_parameter(found, name))
    return charts[:_MOST_CHARTS]


WORDS = {"ok": "finished", "stopped": "stopped", "failed": "failed", "running": "running"}
"""How the status of a sweep is told."""


def _counts(found: Sweep) -> str:
    head = found.head
    parts = [f"{found.count('ok')} ok"]
    for status in ("pruned", "failed"):
        if count := found.count(status):
            parts.append(f"{count} {status}")
    if found.left:
        parts.append(f"{found.left} not run")
    noun = "trial" if head.kind == "tune" else "point"
    points = f"1 {noun}" if found.total == 1 else f"{found.total} {noun}s"
    return (
        f"{points} of {head.notebook} in {span(head.seconds)} as {found.name}: {', '.join(parts)}"
    )


def _no_metric(found: Sweep) -> str:
    names = sorted({name for row in found.rows for name in row.metrics})
    if not names:
        return (
            "No point has a metric to compare: tag the cell that computes one `metrics`, or call "
            "`mlops.log(auc=auc)`."
        )
    return (
        f"Which point is best is not known: give `--metric NAME --max` or `--min`; the points "
        f"have {', '.join(names[:8])}."
    )


def _points(found: Sweep, most: int | None) -> Table:
    head = found.head
    ranked = found.ranked
    others = [row for row in found.rows if row not in ranked and row.status != "failed"]
    rows = (ranked + others)[:most]
    names = dict.fromkeys([head.metric] if ranked else [])
    for row in rows:
        names |= dict.fromkeys(sorted(row.metrics))
    metrics = list(names)[:_MOST_METRICS]
    columns = ("point", *head.swept, *metrics, "status", "seconds", "run")
    return Table(
        "",
        columns,
        [
            [
                row.number,
                *(row.parameters.get(name) for name in head.swept),
                *(row.metrics.get(name) for name in metrics),
                row.status,
                round(row.seconds, 1),
                row.run,
            ]
            for row in rows
        ],
    )


def _failed(found: Sweep, failed: list[Row], project: Project) -> Table:
    rows = []
    for row in failed:
        error, _, rest = row.error.partition("\n")
        place = rest.strip().partition("\n")[0].removeprefix("at ")
        executed = project.state / "executed" / f"{row.run}.ipynb"
        log = Path(found.folder) / "logs" / f"{row.number}.log"
        seen = [_short(each) for each in (executed, log) if each.is_file() and each.stat().st_size]
        rows.append([row.number, _words(row), error, place, ", ".join(seen)])
    return Table("failed", ("point", "parameters", "error", "at", "look at"), rows)


def _short(path: Path) -> str:
    """Return a path as the working folder sees it, if it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _next(found: Sweep, failed: list[Row]) -> list[str]:
    head, best = found.head, found.best
    lines = []
    if best is not None:
        lines += [
            "To use the best point:",
            f"    {rerun_command(from_here(head.path), {**head.fixed, **best.parameters})}",
        ]
    if head.kind == "tune":
        failed = []  # what was chosen after a trial knows that it has failed
    if failed or found.left:
        whats = [("the points that failed", failed), ("those that have not run", found.left)]
        what = " and ".join(words for words, some in whats if some)
        command = resume_command(head.kind, from_here(head.path), found.name)
        lines += [f"To run {what} (the notebook unchanged):", f"    {command}"]
    if head.summary and Path(head.summary).is_file():
        lines.append(f"The summary notebook, with plots: {_short(Path(head.summary))}")
    return lines


def _words(row: Row) -> str:
    return " ".join(f"{name}={shown(value)}" for name, value in row.parameters.items())
