"""How the cells that led to a result are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .views import Table, View

if TYPE_CHECKING:
    from ..tracking.executions import Execution
    from ..tracking.why import Why

_MOST_LINES = 12


def why(found: Why) -> View:
    """Tell the cells in the order in which they ran, then what entered, and the warnings first."""
    value = f" = {found.value:.6g}" if isinstance(found.value, float) else ""
    value = f" = {found.value}" if isinstance(found.value, str) else value
    steps = [each for each in found.executions if not each.is_imports]
    imports = [each for each in found.executions if each.is_imports]
    made = steps[-1].place if steps else "no cell"
    lines = [
        f"{found.name}{value}: a {found.kind} of the run {found.run}, made in {made} of "
        f"{found.notebook}.",
        *(["computed as " + found.call] if found.call else []),
        *(f"! {warning}" for warning in found.warnings),
        "",
        f"It rests on {len(steps)} {'execution' if len(steps) == 1 else 'executions'} of cells"
        + (f", and on imports in {', '.join(each.place for each in imports)}." if imports else "."),
    ]
    for step in steps:
        lines += ["", _head(step), *_source(step.source)]
    tables = [
        Table("parameters", ("name", "value"), [[k, v] for k, v in found.parameters.items()]),
        Table(
            "data",
            ("name", "kind", "source", "rows", "fingerprint", "execution"),
            [_data(each) for each in found.datasets],
        ),
        Table("seeds", ("what", "value", "execution"), [_seed(each) for each in found.seeds]),
    ]
    return View(lines, [table for table in tables if table.rows], found.to_dict())


def _head(step: Execution) -> str:
    marks = [
        *([f"execution {step.again} of this cell"] if step.again > 1 else []),
        *(["out of order"] if step.out_of_order else []),
        *([step.outcome] if step.outcome != "ok" else []),
        *([] if step.observed else ["not watched: by its code"]),
    ]
    return f"[{step.order}] {step.place}" + (f"  ({'; '.join(marks)})" if marks else "")


def _source(source: str) -> list[str]:
    lines = source.strip("\n").splitlines()
    more = len(lines) - _MOST_LINES
    shown = lines if more <= 1 else lines[:_MOST_LINES]
    return [f"    {line}" for line in shown] + ([f"    … {more} more lines"] if more > 1 else [])


def _data(each: dict[str, Any]) -> list[Any]:
    source = "" if each["kind"] == "memory" else each["source"]
    return [
        each["name"],
        each["kind"],
        source,
        each["rows"],
        (each["fingerprint"] or "")[:12],
        each["cell"],
    ]


def _seed(each: dict[str, Any]) -> list[Any]:
    return [each["what"], each["value"], each["cell"]]
