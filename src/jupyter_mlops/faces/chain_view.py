"""Chains as tables: what there is to run, how it ran, and the runs there were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .views import Table, View

if TYPE_CHECKING:
    from ..chains.plan import Plan, Planned
    from ..chains.record import ChainRun, NodeRun

_LONGEST = 60


def chain(found: Plan) -> View:
    """Return what a newcomer wants to know of a chain."""
    count = len(found.nodes)
    lines = [
        f"pipeline {found.chain.name} of mlops.toml: {count} notebook{'s' * (count > 1)}, "
        "each a run of its own"
    ]
    rows = [
        [
            each.name,
            each.notebook.name,
            ", ".join(each.node.needs) or "nothing",
            ", ".join(wanted.key for wanted in each.wanted),
        ]
        for each in found.nodes
    ]
    columns = ("notebook", "file", "waits for", "gives")
    tables = [Table("notebooks, in the order in which they run", columns, list(rows))]
    given = [row for each in found.nodes for row in _parameters(each)]
    if given:
        tables.append(Table("parameters", ("notebook", "parameter", "value"), given))
    data = {
        "name": found.chain.name,
        "notebooks": [
            {
                "name": each.name,
                "notebook": each.notebook.name,
                "needs": list(each.node.needs),
                "parameters": _written(each),
                "gives": [wanted.key for wanted in each.wanted],
            }
            for each in found.nodes
        ],
    }
    return View(lines, tables, data)


def chain_run(found: ChainRun) -> View:
    """Return how a chain ran."""
    rows: list[list[Any]] = [
        [name, _status(each), each.seconds, each.run] for name, each in found.nodes.items()
    ]
    tables = [Table("", ("notebook", "", "seconds", "run"), rows)]
    metrics = [
        [name, metric, value]
        for name, each in found.nodes.items()
        for metric, value in each.metrics.items()
    ]
    if metrics:
        tables.append(Table("", ("notebook", "metric", "value"), metrics))
    lines = [f"run {found.name}: {found.seconds:.1f} s; `jupyter mlops show RUN` tells of each"]
    return View(lines, tables, found.to_dict())


def chain_runs(found: Sequence[ChainRun]) -> View:
    """Return the runs of a chain."""
    rows: list[list[Any]] = [
        [
            each.name,
            each.status,
            each.started,
            each.seconds or None,
            ", ".join(name for name, node in each.nodes.items() if node.status != "ok"),
        ]
        for each in found
    ]
    table = Table("", ("run", "status", "started", "seconds", "not done"), rows)
    lines = [] if rows else ["it has not run yet"]
    return View(lines, [table] if rows else [], [each.to_dict() for each in found])


def _status(each: NodeRun) -> str:
    return "had run" if each.reused else each.status


def _parameters(each: Planned) -> list[list[Any]]:
    return [
        [each.name, name, text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"]
        for name, text in _written(each).items()
    ]


def _written(each: Planned) -> dict[str, str]:
    """Return a node's parameters as they are written: with references, of which some are known."""
    from ..notebook.moments import plain

    return {name: str(plain(value)) for name, value in each.node.parameters.items()}
