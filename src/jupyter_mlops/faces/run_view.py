"""How one run is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .data_view import size
from .run_list import tag_words
from .views import Table, View

if TYPE_CHECKING:
    from ..tracking.runs import RunDetail

_PICTURES = ("figures/", "tables/")
_LONGEST = 60
_MOST_FILES = 12


def run(found: RunDetail) -> View:
    """Tell of a run: in sentences what it was, in tables what it holds."""
    # The steps of a chain are runs themselves.
    chained = any("run" in step for step in found.steps.values())
    tables = [
        Table("parameters", ("name", "value"), _rows(found.parameters)),
        Table("parameters of models", ("name", "value"), _rows(found.estimator_parameters)),
        _metrics(found),
        Table(
            "steps",
            ("step", "status", "seconds", "from the cache", *(["run"] if chained else [])),
            [
                [
                    name,
                    step.get("status"),
                    step.get("seconds"),
                    bool(step.get("cached")),
                    *([step.get("run")] if chained else []),
                ]
                for name, step in found.steps.items()
            ],
        ),
        Table(
            "cells",
            ("order", "cell", "seconds", "outcome", "first line", "remarks"),
            [
                [
                    c["order"],
                    c.get("position"),
                    c["seconds"],
                    c["outcome"],
                    _first(c["source"]),
                    ", ".join(_remarks(c)),
                ]
                for c in found.cells
            ],
        ),
        _data(found),
        Table(
            "seeds",
            ("what", "value", "execution"),
            [[seed["what"], seed["value"], seed["cell"]] for seed in found.seeds],
        ),
    ]
    return View(list(_lines(found)), [table for table in tables if table.rows], found.to_dict())


def _lines(found: RunDetail) -> Iterator[str]:
    lasted = "" if found.seconds is None else f", {found.seconds:.3g} s"
    started = found.started[:16].replace("T", " ")
    yield f"run {found.run} of {found.notebook}: {found.status} ({found.kind}, {started}{lasted})"
    if found.git:
        changed = " with uncommitted changes" if found.git.get("dirty") else ""
        commit = str(found.git.get("commit") or "none")[:12]
        git = f"git commit {commit}{changed}"
    else:
        git = "no git repository"
    python = f"Python {found.python}, " if found.python else ""
    yield f"{git}; {python}{len(found.environment)} distributions recorded"
    if found.tags:
        yield f"tags: {tag_words(found.tags)}"
    if found.models:
        kind = f" ({found.model})" if found.model else ""
        yield f"models: {', '.join(found.models)}{kind}"
    if again := [c for c in found.cells if (c.get("again") or 1) > 1 or c.get("out_of_order")]:
        yield (
            f"{len(again)} executions were repeated or out of order; "
            "`jupyter mlops why NAME` tells which ones count for a result."
        )
    if reused := [c for c in found.cells if c.get("reused")]:
        saved = sum(c.get("saved", 0.0) for c in reused)
        yield f"{len(reused)} of {len(found.cells)} cells reused, {saved:.1f} s saved"
    pictures = [name for name in found.artifacts if name.startswith(_PICTURES)]
    if pictures:
        more = len(pictures) - _MOST_FILES
        named = ", ".join(pictures[:_MOST_FILES]) + (f" and {more} more" if more > 0 else "")
        yield f"displayed: {named}"
    for problem in found.problems:
        yield f"! {problem}"
    if found.notes:
        yield ""
        yield from (f"    {line}" for line in found.notes.splitlines() if line)


def _metrics(found: RunDetail) -> Table:
    if not found.calls:
        return Table("metrics", ("name", "value"), _rows(found.metrics))
    rows = [[name, value, found.calls.get(name)] for name, value in found.metrics.items()]
    return Table("metrics", ("name", "value", "computed as"), rows)


def _data(found: RunDetail) -> Table:
    if not found.datasets:
        rows = [[f["name"], *f["shape"], f["fingerprint"][:12]] for f in found.frames]
        return Table("data", ("name", "rows", "columns", "fingerprint"), rows)
    columns = ("execution", "name", "kind", "source", "rows", "columns", "size", "fingerprint")
    rows = [
        [
            each["cell"],
            each["name"],
            each["kind"],
            each["source"] if each["kind"] != "memory" else "",
            each["rows"],
            each["columns"],
            size(each["bytes"]),
            (each["fingerprint"] or "")[:12],
        ]
        for each in found.datasets
    ]
    return Table("data", columns, rows)


def _rows(values: Mapping[str, Any]) -> list[list[Any]]:
    return [[name, _cut(value)] for name, value in values.items()]


def _cut(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _first(source: str) -> str:
    return str(_cut(next((line for line in source.splitlines() if line.strip()), "")))


def _remarks(cell: Mapping[str, Any]) -> Iterator[str]:
    if cell.get("reused"):
        yield f"reused from {cell['reused']}, {cell.get('saved', 0.0):.2g} s saved"
    if (cell.get("again") or 1) > 1:
        yield f"execution {cell['again']} of this cell"
    if cell.get("out_of_order"):
        yield "out of order"
    if cell.get("error"):
        line = f", line {cell['line']}" if cell.get("line") else ""
        yield f"{_cut(cell['error'])}{line}"
