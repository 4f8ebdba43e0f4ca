"""The cursor: how much of a run's journal stands in the store, kept beside the journal."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ..capture.waiting import CURSOR
from ..os_errors import explain_os_errors

NAME = CURSOR


class Cursor(msgspec.Struct):
    """How many of each the store has; a lost cursor is found again by feeding from the start.

    ``keys`` are the parameters that came from estimators. ``models`` maps a variable to the digest
    of its logged model, ``model_ids`` to MLflow's id.
    """

    run_id: str = ""
    parameters: int = 0
    metrics: int = 0
    frames: int = 0
    datasets: int = 0
    seeds: int = 0
    shown: int = 0
    notes: int = 0
    tags: int = 0
    environment: bool = False
    git: bool = False
    cells: int = 0
    """What `History.told` was when the cells were written last."""
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    models: dict[str, str] = msgspec.field(default_factory=dict)
    model_ids: dict[str, str] = msgspec.field(default_factory=dict)
    main: str = ""
    records: int = 0
    """Of the journal, that were in the store when it was fed last."""
    finished: bool = False


def load(folder: Path) -> Cursor:
    """Return the folder's cursor; a fresh one where it is missing or damaged."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Cursor)
    except (OSError, msgspec.MsgspecError):
        return Cursor()


def save(folder: Path, cursor: Cursor) -> None:
    """Replace the folder's cursor at once; raises `MlopsError` ``project.disk-full``."""
    part = folder / f".{NAME}.part"
    with explain_os_errors(folder):
        part.write_bytes(msgspec.json.encode(cursor))
        os.replace(part, folder / NAME)


def reopen(folder: Path) -> None:
    """Let a run be fed once more that was complete in the store; its lock must be held."""
    state = load(folder)
    if state.finished:
        state.finished = False
        save(folder, state)
        os.utime(folder.parent)  # a writer that knows the run to be complete looks again


def forget(cursor: Cursor) -> None:
    """Make the cursor as it was before anything was fed."""
    fresh = Cursor()
    for name in cursor.__struct_fields__:
        setattr(cursor, name, getattr(fresh, name))
