"""How runs side by side are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .views import Table, View

if TYPE_CHECKING:
    from ..tracking.cell_changes import CellChange
    from ..tracking.compare import Comparison
    from ..tracking.many_runs import Difference
    from ..tracking.runs import RunDetail

_MOST_LINES = 30
_LONGEST = 40


def comparison(found: Comparison) -> View:
    """Tell what can explain the metrics first, then everything that differs."""
    one, other = found.runs
    changed = [name for name, (a, b) in found.metrics.items() if a != b]
    lines = [f"{one.run} → {other.run}"]
    lines += [_metric(name, *found.metrics[name]) for name in changed[:5]]
    if found.metrics and not changed:
        lines.append("All metrics are the same.")
    if found.reasons:
        lines += ["", "What can explain it:" if changed else "What differs:"]
        lines += [f"  - {reason}" for reason in found.reasons]
    lines += _code(found.cells)
    charts = f"jupyter mlops chart {one.run} {other.run}"
    tables = [
        Table("metrics", ("name", one.run, other.run, "difference"), _metrics(found.metrics)),
        _pairs("parameters", found, found.parameters),
        _pairs("parameters of models", found, found.estimator_parameters),
        Table(
            "data",
            ("name", "kind", "change", f"rows of {one.run}", f"rows of {other.run}"),
            [[d["name"], d["kind"], d["change"], *d["rows"]] for d in found.data],
        ),
        _pairs("seeds", found, found.seeds),
        Table(
            "figures and tables",
            ("cell", "no", "kind", "change"),
            [[o["cell"], o["number"], o["kind"], o["change"]] for o in found.outputs],
        ),
        _pairs("environment", found, found.environment),
        _pairs("git", found, found.git),
    ]
    told = [table for table in tables if table.rows]
    if any(one.metrics) and any(other.metrics):
        lines += ["", f"`{charts}` draws their metrics."]
    return View(lines, told, found.to_dict())


def many(runs: Sequence[RunDetail], found: Sequence[Difference]) -> View:
    """Tell in one table what differs between more than two runs."""
    rows = [[each.kind, each.name, *map(_short, each.values)] for each in found]
    lines = [
        f"{len(runs)} runs, in the order in which they were given; what is not here is the same."
    ]
    if any(each.kind in ("data", "code") for each in found):
        lines.append(
            "Of data and code the same letter means the same content; "
            "`compare` with two of them shows the lines."
        )
    if not found:
        lines = [f"The {len(runs)} runs differ in nothing that was recorded."]
    table = Table("", ("what", "name", *(run.run for run in runs)), rows)
    data = {"runs": [run.run for run in runs], "differences": [each.to_dict() for each in found]}
    return View(lines, [table] if rows else [], data)


def _metric(name: str, before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return f"{name}: {_number(before)} → {_number(after)}"
    return f"{name}: {before:.6g} → {after:.6g} ({after - before:+.4g})"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def _metrics(metrics: Mapping[str, Any]) -> list[list[Any]]:
    return [
        [name, a, b, None if a is None or b is None else b - a] for name, (a, b) in metrics.items()
    ]


def _pairs(title: str, found: Comparison, values: Mapping[str, Any]) -> Table:
    columns = ("name", *(run.run for run in found.runs))
    return Table(title, columns, [[name, *map(_short, pair)] for name, pair in values.items()])


def _code(cells: Sequence[CellChange]) -> list[str]:
    """Return the differences of the cells that differ, and in one line what is like before."""
    lines: list[str] = []
    same = 0
    for cell in cells:
        marks = _marks(cell)
        if cell.change == "same":
            same += 1
            if marks:
                lines += ["", f"{cell.place}: the same code, {', '.join(marks)}"]
            continue
        words = {"comments": "only comments or layout changed"}.get(cell.change, cell.change)
        lines += ["", f"{cell.place}: {', '.join([words, *marks])}"]
        more = len(cell.diff) - _MOST_LINES
        lines += [f"    {line}" for line in cell.diff[:_MOST_LINES]]
        lines += [f"    … {more} more lines; `--json` has them"] if more > 0 else []
    if not lines:
        return ["", f"The code of all {same} cells is the same."] if same else []
    return [*lines, "", f"The code of {same} cells is the same."]


def _marks(cell: CellChange) -> list[str]:
    marks = []
    if cell.moved:
        marks.append(f"moved ({cell.positions[0]} → {cell.positions[1]})")
    if cell.reordered and not cell.moved:
        marks.append("executed at another place among the others")
    if 0 not in cell.executions and cell.executions[0] != cell.executions[1]:
        marks.append(f"executed {cell.executions[0]} → {cell.executions[1]} times")
    for words, at in (("in the first", 0), ("in the second", 1)):
        if cell.out_of_order[at] and not cell.out_of_order[1 - at]:
            marks.append(f"out of order {words} only")
    return marks


def _short(value: Any) -> Any:
    if isinstance(value, str):
        line = " ".join(value.split())
        return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    return value
