"""How the data of a run is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .views import Table, View

if TYPE_CHECKING:
    from ..tracking.data_use import DataUse

_MOST_NAMED = 3


def data(run: str, found: Sequence[DataUse]) -> View:
    """Tell of each dataset, and of the runs that found other content at the same source."""
    if not found:
        return View(
            [f"The run {run} has used no data that capture knows of."], [], {"run": run, "data": []}
        )
    lines = [f"data of the run {run}"]
    for use in found:
        if use.now == "changed":
            lines.append(
                f"{use.source} has changed since: what this run read is not there any more."
            )
        elif use.now == "missing":
            lines.append(f"{use.source} is not there any more.")
        if use.other:
            contents = len(set(use.other.values()))
            lines.append(
                f"{use.name} had other content in {_runs(list(use.other))}"
                + (f" ({contents} different contents)." if contents > 1 else ".")
            )
        if use.cut:
            lines.append(f"Only the newest runs that used {use.name} were looked at.")
    rows = [
        [
            use.cell,
            use.name,
            use.kind,
            use.source if use.kind != "memory" else "",
            use.rows,
            use.columns,
            size(use.bytes),
            use.fingerprint[:12],
            _count(use.same, use.cut),
        ]
        for use in found
    ]
    columns = ("execution", "name", "kind", "source", "rows", "columns", "size", "fingerprint")
    table = Table("", (*columns, "same content in"), rows)
    return View(lines, [table], {"run": run, "data": [use.to_dict() for use in found]})


def size(count: int | None) -> str | None:
    """Return a number of bytes for people."""
    if count is None:
        return None
    if count < 1000:
        return f"{count} bytes"
    value, units = count / 1000, ["kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.3g} {units[0]}"


def _count(runs: Sequence[str], cut: bool) -> str:
    if not runs:
        return "no other run"
    if len(runs) == 1:
        return runs[0]
    return f"{len(runs)}{' or more' if cut else ''} other runs"


def _runs(runs: Sequence[str]) -> str:
    named = ", ".join(runs[:_MOST_NAMED])
    more = len(runs) - _MOST_NAMED
    return f"{named} and {more} more runs" if more > 0 else named
