"""Choosing among runs: by notebook, status, tags, time and expression; sorted and cut."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import MlopsError
from .reading import Wanted, read_runs
from .run_filter import RunFilter, number
from .run_values import Name, Names
from .runs import RunSummary

if TYPE_CHECKING:
    from .store import Store

STATUSES = ("RUNNING", "FINISHED", "FAILED", "KILLED")
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([mhdw])\Z")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runs are wanted.

    ``filter`` is an expression as `RunFilter` reads it; ``since`` is a time such as ``2d`` or
    ``2026-11-01``; ``sort`` a name, the highest value first unless ``ascending``. A ``-`` before
    the name says highest first too, as elsewhere. ``folded`` leaves out the parts of other runs,
    such as a sweep's points, unless something else is said of what is wanted; ``parent`` wants
    those of one.
    """

    notebook: str | None = None
    filter: str | None = None
    tags: Sequence[str] = ()
    status: str | None = None
    since: str | None = None
    sort: str | None = None
    ascending: bool = False
    limit: int | None = None
    folded: bool = False
    parent: str | None = None

    @property
    def narrows(self) -> bool:
        """Whether some runs may be left out, beside those beyond the limit."""
        given = (self.notebook, self.filter, self.tags, self.status, self.since, self.parent)
        return any(given)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The runs that were chosen; ``total`` counts also those beyond the limit.

    It is None where there are more than the limit, and a server did not count them. ``asked`` are
    the metrics, parameters, tags and facts that the choice named.
    """

    runs: list[RunSummary]
    total: int | None
    asked: tuple[Name, ...] = ()


def choose(store: Store, choice: Choice) -> Chosen:
    """Return the runs that are wanted, the newest first unless they are sorted.

    Raises `MlopsError` ``runs.filter``, ``runs.name`` or ``runs.since``.
    """
    condition = RunFilter(choice.filter) if choice.filter else None
    since = _since(choice.since) if choice.since else None
    experiments = store.experiments(choice.notebook)
    least = condition.least() if condition is not None and store.is_remote else []
    plain = condition is None and not (choice.tags or choice.sort)
    wanted = Wanted(
        experiments,
        since,
        choice.status,
        _metrics(store, experiments, least),
        choice.limit if plain else None,
        choice.folded and plain and choice.parent is None,
        choice.parent,
    )
    runs, total = read_runs(store, wanted) if experiments else ([], 0)
    if plain:
        return Chosen(runs, total)
    names = Names.of(runs)
    asked: dict[Name, None] = {}
    if condition is not None and runs:
        holds = condition.bind(names)
        asked |= dict.fromkeys(condition.names(names))
        runs = [run for run in runs if holds(run)]
    if choice.tags:
        runs = [run for run in runs if all(_tagged(run, tag) for tag in choice.tags)]
    if choice.sort and runs:
        name = names.get(choice.sort.removeprefix("-"))
        asked[name] = None
        runs = sort(runs, name, ascending=choice.ascending)
    return Chosen(runs[: choice.limit], len(runs), tuple(asked))


def sort(runs: Iterable[RunSummary], name: Name, *, ascending: bool) -> list[RunSummary]:
    """Return runs by a value: numbers before words, and at the end those without a value."""
    numbers, words, rest = [], [], []
    for run in runs:
        value = name.value(run)
        found = number(value)
        if found is not None and not math.isnan(found):
            numbers.append((found, run))
        elif value is None or found is not None:
            rest.append(run)
        else:
            words.append((str(value), run))
    numbers.sort(key=lambda pair: pair[0], reverse=not ascending)
    words.sort(key=lambda pair: pair[0], reverse=not ascending)
    return [run for _, run in numbers] + [run for _, run in words] + rest


def _metrics(
    store: Store, experiments: Sequence[str], least: list[tuple[str, str, float]]
) -> list[tuple[str, str, float]]:
    """Return the comparisons that are of metrics, as far as the newest runs tell."""
    if not least:
        return []
    known = Names.of(store.newest(experiments, 200))
    found = []
    for word, compare, value in least:
        name = known.find(word)
        if name is not None and name.kind == "metrics":
            found.append((name.name, compare, value))
    return found


def _tagged(run: RunSummary, tag: str) -> bool:
    key, equals, value = tag.partition("=")
    return run.tags.get(key) == value if equals else key in run.tags


def _since(text: str) -> int:
    """Return a time in milliseconds since the epoch."""
    from datetime import datetime

    if found := _AGO.match(text.strip()):
        return int((time.time() - float(found[1]) * _UNITS[found[2]]) * 1000)
    try:
        return int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1000)
    except ValueError:
        raise MlopsError(
            "runs.since",
            f"`{text}` is no time.",
            hint="write for example `2d`, `12h`, `3w` or `2026-11-01`.",
        ) from None
