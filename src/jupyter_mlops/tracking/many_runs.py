"""More than two runs side by side: one line for everything in which they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .cell_changes import latest
from .compare import datasets, equal, git, seeds
from .runs import RunDetail

if TYPE_CHECKING:
    from .store import Store


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in which runs differ: its kind, its name, and the value of each run.

    Code and data are told by letters: runs with the same letter have the same.
    """

    kind: str
    name: str
    values: list[Any]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare_many(store: Store, runs: Sequence[RunDetail]) -> list[Difference]:
    """Return everything in which the runs differ: metrics, parameters, data, code and the rest."""
    found: list[Difference] = []
    for kind, content in _contents(store, runs):
        for name in dict.fromkeys(name for each in content for name in each):
            values = [each.get(name) for each in content]
            if any(not equal(values[0], value) for value in values[1:]):
                told = _letters(values) if kind in ("data", "code") else values
                found.append(Difference(kind, name, told))
    return found


def _contents(
    store: Store, runs: Sequence[RunDetail]
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    def each(read: Callable[[RunDetail], Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [read(run) for run in runs]

    yield "metric", each(lambda run: run.metrics)
    yield "parameter", each(lambda run: run.parameters)
    yield "data", each(lambda run: _fingerprints(store, run))
    places: dict[str, str] = {}
    yield "code", each(lambda run: _sources(run, places))
    yield "seed", each(lambda run: seeds(store, run))
    yield "parameter of the model", each(lambda run: run.estimator_parameters)
    yield "environment", each(lambda run: {"python": run.python, **run.environment})
    yield "git", each(git)


def _fingerprints(store: Store, run: RunDetail) -> dict[str, str]:
    return {
        f"{name} ({kind})": each["fingerprint"]
        for (kind, name), each in datasets(store, run).items()
        if each["fingerprint"]
    }


def _sources(run: RunDetail, places: dict[str, str]) -> dict[str, str]:
    """Return each cell's code. ``places`` names a cell by where it stood first, as cells move."""
    found = {}
    for cell in latest(run.cells):
        key = str(cell["id"] or cell["order"])
        known = f"cell {cell['position'] or cell['order']}"
        place = known if known not in places.values() else f"{known} ({key})"
        found[places.setdefault(key, place)] = cell["source"].rstrip()
    return found


def _letters(values: Sequence[Any]) -> list[str | None]:
    """Return the same letter for the same value."""
    known: dict[Any, str] = {}
    found = []
    for value in values:
        if value is not None and value not in known:
            count = len(known)
            known[value] = chr(65 + count % 26) * (count // 26 + 1)
        found.append(None if value is None else known[value])
    return found
