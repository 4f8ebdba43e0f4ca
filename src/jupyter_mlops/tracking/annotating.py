"""Notes and tags for runs of the past, and for runs of other kernels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from ..capture import journal
from ..capture.records import AnyRecord, Note, Tag
from ..capture.redaction import redact
from ..os_errors import explain_os_errors
from . import cursor, notes
from .runs import summary
from .store import Store


def note(store: Store, run: str, words: str) -> str:
    """Add a note to a run, whether it has ended or not, and return the run's name.

    Raises `MlopsError` ``run.unknown`` or ``run.ambiguous``.
    """
    now = time.time()
    words = redact(words)

    def write(run_id: str) -> None:
        before = store.client.get_run(run_id).data.tags.get(notes.TAG, "")
        store.client.set_tag(run_id, notes.TAG, notes.added(before, [(now, words)]))

    return _annotate(store, run, [Note(time=now, kind="note", text=words)], write)


def tag(store: Store, run: str, tags: Mapping[str, str]) -> str:
    """Give a run tags, whether it has ended or not, and return the run's name.

    Raises `MlopsError` ``run.unknown`` or ``run.ambiguous``.
    """
    now = time.time()

    def write(run_id: str) -> None:
        for key, value in tags.items():
            store.client.set_tag(run_id, key, value)

    records = [Tag(time=now, key=key, value=value) for key, value in tags.items()]
    return _annotate(store, run, records, write)


def _annotate(
    store: Store, ref: str, records: Iterable[AnyRecord], write: Callable[[str], None]
) -> str:
    """Append to the journal of a run that goes on, as its feeder knows best; else to the store."""
    from filelock import FileLock

    store.sync()
    run_id = store.run_id(ref)
    run = summary(store.client.get_run(run_id)).run
    folder = store.project.journals / run
    if (folder / journal.NAME).exists():
        with explain_os_errors(folder), FileLock(folder / "lock"):
            if not cursor.load(folder).finished:
                own = journal.Journal(folder)
                for record in records:
                    own.append(record)
                own.close()
                return run
    write(run_id)
    return run
