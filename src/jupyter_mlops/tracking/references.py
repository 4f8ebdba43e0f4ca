"""Which run the words of a user name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import MlopsError, Place
from .feeder import RUN
from .reading import pages
from .run_tables import find_runs

if TYPE_CHECKING:
    from .store import Store

LATEST = "latest"
# What a run's name, or the beginning of one, may be made of.
_NAME = re.compile(r"[\w.\- ]+\Z")
_ID = re.compile(r"[0-9a-f]{4,32}\Z")
_MOST_TOLD = 10

Found = list[tuple[str, str]]


def find_run(store: Store, ref: str) -> str:
    """Return MLflow's id of the run named by name, id, the unique beginning of either, or latest.

    Raises `MlopsError` ``run.unknown`` or ``run.ambiguous``.
    """
    if ref == LATEST:
        found = _search(store, "", "TRUE", [], 1)
        if not found:
            raise MlopsError(
                "run.unknown",
                "There are no runs in this project yet.",
                hint="run a notebook with `%load_ext jupyter_mlops` in its first cell.",
                place=Place(str(store.project.root)),
            )
    else:
        found = _named(store, ref) if _NAME.match(ref) else []
    if not found:
        raise MlopsError(
            "run.unknown",
            f"There is no run `{ref}`.",
            hint="`jupyter mlops runs` lists them.",
            place=Place(str(store.project.root)),
        )
    if len(found) > 1:
        names = ", ".join(sorted(name for _, name in found))
        raise MlopsError(
            "run.ambiguous",
            f"`{ref}` is the beginning of several runs: {names}.",
            hint="give more of the name.",
        )
    return found[0][0]


def _named(store: Store, ref: str) -> Found:
    exact = _search(store, f"tags.`{RUN}` = '{ref}'", "name = ?", [ref], 1)
    if exact:
        return exact
    condition, given = "substr({}, 1, ?) = ?", [len(ref), ref]
    similar = _search(
        store, f"tags.`{RUN}` LIKE '{ref}%'", condition.format("name"), given, _MOST_TOLD
    )
    # `_` stands for any character in MLflow's condition; what it lets in too is sorted out here.
    similar = [(run_id, name) for run_id, name in similar if name.startswith(ref)]
    if similar or not _ID.match(ref):
        return similar
    return _search(
        store,
        f"attributes.run_id LIKE '{ref}%'",
        condition.format("run_id"),
        given,
        _MOST_TOLD,
    )


def _search(store: Store, condition: str, sql: str, given: Sequence[object], limit: int) -> Found:
    """Return the newest runs that meet a condition: MLflow's, and the same of the tables."""
    experiments = store.experiments()
    if not experiments:
        return []
    if (file := store.tables) is not None:
        return find_runs(file, experiments, sql, given, limit)
    runs = islice(pages(store.client, experiments, condition, limit), limit)
    return [(run.info.run_id, run.data.tags[RUN]) for run in runs]
