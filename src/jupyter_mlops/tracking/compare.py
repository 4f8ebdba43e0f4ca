"""Two runs side by side: everything in which they differ, and what can explain their metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import xxhash

from .cell_changes import CellChange, cell_changes, latest
from .run_filter import number
from .runs import RunDetail

if TYPE_CHECKING:
    from .store import Store

Pair = tuple[Any, Any]
_PICTURES = ("figures/", "tables/")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs; each dict maps a name to the value of the first and that of the second.

    What one of them does not have is None there. ``parameters``, ``estimator_parameters``,
    ``environment``, ``git`` and ``seeds`` hold only what differs, ``metrics`` all. ``data`` are
    dicts of name, kind, change (same, changed, only in the first, only in the second), and for
    both source, rows, columns, bytes, fingerprint and cell. ``outputs`` are dicts of cell,
    number, kind and change. ``reasons`` are sentences on what can explain the difference, the
    likeliest first.
    """

    runs: tuple[RunDetail, RunDetail]
    parameters: dict[str, Pair]
    estimator_parameters: dict[str, Pair]
    metrics: dict[str, Pair]
    cells: list[CellChange]
    data: list[dict[str, Any]]
    seeds: dict[str, Pair]
    environment: dict[str, Pair]
    git: dict[str, Pair]
    outputs: list[dict[str, Any]]
    reasons: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return {
            "runs": [run.run for run in self.runs],
            "reasons": self.reasons,
            "parameters": self.parameters,
            "estimator_parameters": self.estimator_parameters,
            "metrics": self.metrics,
            "cells": [{**each.to_dict(), "place": each.place} for each in self.cells],
            "data": self.data,
            "seeds": self.seeds,
            "environment": self.environment,
            "git": self.git,
            "outputs": self.outputs,
        }


def compare(store: Store, first: str, second: str) -> Comparison:
    """Compare two runs, each named as `Store.run` takes it.

    Raises `MlopsError` ``run.unknown`` or ``run.ambiguous``.
    """
    return compare_runs(store, store.run(first), store.run(second))


def compare_runs(store: Store, one: RunDetail, other: RunDetail) -> Comparison:
    """Compare two runs."""
    cells = cell_changes(one.cells, other.cells)
    found = Comparison(
        (one, other),
        parameters=differences(one.parameters, other.parameters),
        estimator_parameters=differences(one.estimator_parameters, other.estimator_parameters),
        metrics=_both(one.metrics, other.metrics),
        cells=cells,
        data=_data(datasets(store, one), datasets(store, other)),
        seeds=differences(seeds(store, one), seeds(store, other)),
        environment=differences(
            {"python": one.python, **one.environment}, {"python": other.python, **other.environment}
        ),
        git=differences(git(one), git(other)),
        outputs=_outputs(store, one, other, cells),
    )
    from .causes import reasons

    found.reasons.extend(reasons(store, found))
    return found


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Pair]:
    """Return the names whose values differ, with both; numbers are compared as numbers."""
    return {name: pair for name, pair in _both(one, other).items() if not equal(*pair)}


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Pair]:
    return {name: (one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other])}


def equal(one: Any, other: Any) -> bool:
    """Tell whether two values are the same, numbers as numbers; no number is one, too."""
    if one == other:
        return True
    numbers = number(one), number(other)
    if None in numbers:
        return False
    return numbers[0] == numbers[1] or all(math.isnan(each) for each in numbers if each is not None)


def datasets(store: Store, run: RunDetail) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the run's data by kind and name, each as it was last."""
    found = run.datasets
    if not found:
        found = [
            {**frame, "kind": "memory", "rows": frame["shape"][0], "columns": frame["shape"][1]}
            for frame in run.frames
        ]
    return {(each["kind"], each["name"]): each for each in found}


def _data(one: Mapping[Any, dict[str, Any]], other: Mapping[Any, dict[str, Any]]) -> list[Any]:
    found = []
    for key, (left, right) in _both(one, other).items():
        if left is None or right is None:
            change = "only in the second" if left is None else "only in the first"
        elif left["fingerprint"] and right["fingerprint"]:
            change = "same" if left["fingerprint"] == right["fingerprint"] else "changed"
        else:
            change = "not known"
        entry: dict[str, Any] = {"name": key[1], "kind": key[0], "change": change}
        for what in ("source", "rows", "columns", "bytes", "fingerprint", "cell"):
            entry[what] = [(side or {}).get(what) for side in (left, right)]
        found.append(entry)
    # What was read from outside first: what follows from it differs as well.
    return sorted(found, key=lambda each: (each["kind"] == "memory", each["cell"][0] or 0))


def seeds(store: Store, run: RunDetail) -> dict[str, str]:
    return {each["what"]: each["value"] for each in run.seeds}


def git(run: RunDetail) -> dict[str, Any]:
    return {key: run.git.get(key) for key in ("commit", "branch", "dirty") if run.git}


def _outputs(
    store: Store, one: RunDetail, other: RunDetail, cells: list[CellChange]
) -> list[dict[str, Any]]:
    """Compare what cells displayed, by the bytes that were kept of it."""
    left, right = ({c["order"]: c for c in latest(run.cells)} for run in (one, other))
    found = []
    for change in cells:
        shown = [
            side.get(order, {}).get("shown", []) if order is not None else []
            for side, order in zip((left, right), change.orders, strict=True)
        ]
        for count in range(max(map(len, shown))):
            names = [files[count] if count < len(files) else None for files in shown]
            kind = "figure" if any((n or "").startswith(_PICTURES[0]) for n in names) else "table"
            digests = [
                _digest(store, run, name) for run, name in zip((one, other), names, strict=True)
            ]
            entry = {"cell": change.place, "number": count + 1, "kind": kind}
            found.append({**entry, "files": names, "change": _of_output(names, digests)})
    return found


def _of_output(names: list[Any], digests: list[str | None]) -> str:
    if names[0] is None or names[1] is None:
        return "only in the second" if names[0] is None else "only in the first"
    if None in digests:
        return "not known"
    return "same" if digests[0] == digests[1] else "changed"


def _digest(store: Store, run: RunDetail, name: str | None) -> str | None:
    if name is None or name not in run.artifacts:
        return None
    content = store.artifacts(run.mlflow_id).content(name)
    return xxhash.xxh3_128_hexdigest(content) if content is not None else None
