"""Reading many runs at once: page by page from a server, or at once from a local store."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from .feeder import PARENT, RUN
from .runs import RunSummary, summary
from .tables import read_summaries

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from .store import Store

_PAGE = 1000
_IS_OURS = f"tags.`{RUN}` LIKE '%'"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the store itself sorts out; ``least`` is as `RunFilter.least` gives it.

    ``since`` is in milliseconds since the epoch; ``experiments`` are MLflow's ids. Of more runs
    than ``limit`` the newest are wanted. ``folded`` leaves out what is a part of another run,
    ``parent`` all but the parts of one.
    """

    experiments: Sequence[str]
    since: int | None = None
    status: str | None = None
    least: Sequence[tuple[str, str, float]] = ()
    limit: int | None = None
    folded: bool = False
    parent: str | None = None


def read_runs(store: Store, wanted: Wanted) -> tuple[list[RunSummary], int | None]:
    """Return the captured runs that are wanted, the newest first, and how many there are.

    Their number is None where a server has more than the limit, as it does not count them.
    """
    if not wanted.experiments:
        return [], 0
    if (file := store.tables) is not None:
        return read_summaries(file, wanted)
    size = _PAGE if wanted.limit is None else wanted.limit + 1
    runs = map(summary, pages(store.client, wanted.experiments, _condition(wanted), size))
    # A server cannot be asked for runs without a tag.
    kept = (run for run in runs if not (wanted.folded and run.parent))
    found = list(islice(kept, None if wanted.limit is None else size))
    if wanted.limit is not None and len(found) > wanted.limit:
        return found[: wanted.limit], None
    return found, len(found)


def pages(
    client: MlflowClient, experiments: Sequence[str], condition: str = "", size: int = _PAGE
) -> Iterator[Run]:
    """Yield MLflow's runs of all pages that have our name, the newest first."""
    token = None
    condition = " AND ".join(part for part in (_IS_OURS, condition) if part)
    while True:
        page = client.search_runs(
            list(experiments),
            condition,
            max_results=min(size, _PAGE),
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


def _condition(wanted: Wanted) -> str:
    parts = []
    if wanted.since is not None:
        parts.append(f"attributes.start_time >= {wanted.since}")
    if wanted.status is not None:
        parts.append(f"attributes.status = '{wanted.status}'")
    if wanted.parent is not None:
        parts.append(f"tags.`{PARENT}` = '{wanted.parent}'")
    for name, compare, number in wanted.least:
        if "`" not in name and math.isfinite(number):
            parts.append(f"metrics.`{name}` {compare} {number!r}")
    return " AND ".join(parts)
