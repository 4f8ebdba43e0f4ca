"""The data of a run, and the other runs that used the same data or the same source."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..capture.sources import file_digest
from .compare import datasets
from .datasets import frame_of, inputs_of, is_frame
from .feeder import RUN
from .reading import pages
from .runs import RunDetail

if TYPE_CHECKING:
    from mlflow.entities import Run

    from .store import Store

MOST_RUNS = 1000
"""No more runs are looked at for one dataset; there are more where so many are told of."""


@dataclass(frozen=True, slots=True)
class DataUse:
    """One dataset of a run, and who else used it.

    ``same`` are runs with the same content, whatever it was called; ``other`` maps runs that read
    the same source to the fingerprint that they found. ``now`` is ``same``, ``changed`` or
    ``missing`` for a file of this machine, else empty. ``cut`` says that there may be more runs.
    """

    name: str
    kind: str
    source: str
    rows: int | None
    columns: int | None
    bytes: int | None
    fingerprint: str
    cell: int | None
    same: list[str]
    other: dict[str, str]
    now: str
    cut: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def data_use(store: Store, run: RunDetail) -> list[DataUse]:
    """Return the data of a run, in the order of its cells."""
    experiments = store.experiments()
    found = []
    for each in datasets(store, run).values():
        digest = each["fingerprint"] or ""
        outside = each["kind"] != "memory"
        same = _runs(store, experiments, "digest", digest) if digest else []
        named = _runs(store, experiments, "name", each["name"]) if outside else []
        other = {}
        for candidate in named:
            for fingerprint in _fingerprints(candidate, each):
                if fingerprint != digest:
                    other[candidate.data.tags[RUN]] = fingerprint
        other.pop(run.run, None)
        found.append(
            DataUse(
                name=each["name"],
                kind=each["kind"],
                source=each["source"] or "",
                rows=each["rows"],
                columns=each["columns"],
                bytes=each["bytes"],
                fingerprint=digest,
                cell=each["cell"],
                same=[r.data.tags[RUN] for r in same if r.info.run_id != run.mlflow_id],
                other=other,
                now=_now(store, each),
                cut=MOST_RUNS in (len(same), len(named)),
            )
        )
    return sorted(found, key=lambda use: (use.cell or 0, use.kind == "memory"))


def _runs(store: Store, experiments: list[str], what: str, value: str) -> list[Run]:
    quote = '"' if "'" in value else "'"
    if quote in value:
        return []  # a name with both kinds of quotes cannot be asked for
    condition = f"datasets.{what} = {quote}{value}{quote}"
    return list(islice(pages(store.client, experiments, condition), MOST_RUNS))


def _fingerprints(run: Run, each: dict[str, Any]) -> list[str]:
    """Return what a run found at the same source."""
    read = [frame_of(found) for found in inputs_of(run) if not is_frame(found)]
    return [
        found["fingerprint"]
        for found in read
        if found["name"] == each["name"] and found["source"] == each["source"]
    ]


def _now(store: Store, each: dict[str, Any]) -> str:
    if each["kind"] != "file" or not each["fingerprint"] or "://" in each["source"]:
        return ""
    try:
        digest = file_digest(str(store.project.root / each["source"]))
    except OSError:
        return "missing"
    return "same" if digest == each["fingerprint"] else "changed"
