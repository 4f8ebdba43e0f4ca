"""Clean-up: what is no longer needed is shown, and removed when that was asked for."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..os_errors import explain_os_errors
from ..progress import Progress, Stage
from ..project import Project
from ..tracking.old_runs import OldRun, find_old_runs, remove_runs
from ..tracking.store import Store
from .unneeded import DAY, TRASH, Named, Unneeded, find_unneeded


@dataclass(frozen=True, slots=True)
class Cleanup:
    """What may go, or has gone where ``removed`` is true."""

    found: tuple[Unneeded, ...]
    removed: bool

    def to_dict(self) -> dict[str, Any]:
        things = [{**asdict(each), "path": str(each.path or "")} for each in self.found]
        return {"found": things, "removed": self.removed}


def clean_up(
    project: Project, *, older_than: float = 30.0, runs: bool = False, remove: bool = False
) -> Progress[Cleanup]:
    """Find what a project no longer needs, and remove it where ``remove`` is true.

    A clean-up that is killed leaves nothing half removed that anything would read: what goes is
    first moved aside, and what stands aside goes with the next clean-up.

    Parameters
    ----------
    older_than
        Days since something was last used.
    runs
        Whether runs in the store may go too.

    Raises
    ------
    MlopsError
        ``project.busy`` where another clean-up goes on; ``project.read-only``.
    """
    stage = Stage("look")
    yield stage.started("looking for what is no longer needed")
    found = find_unneeded(project, older_than)
    old: list[OldRun] = []
    store = Store(project)
    if runs:
        store.sync()
        old = find_old_runs(store, older_than * DAY, Named(project))
        found += [Unneeded("run", r.run, r.age, r.size, run_id=r.run_id) for r in old]
    yield stage.done(f"{len(found)} found")
    if remove and found:
        stage = Stage("remove")
        with project.lock("gc", what="a clean-up"), explain_os_errors(project.root):
            _remove(project, [each.path for each in found if each.path is not None])
        remove_runs(store, old)
        yield stage.done("removed")
    return Cleanup(tuple(found), remove)


def _remove(project: Project, paths: Sequence[Path]) -> None:
    trash = project.folder(TRASH)
    for path in paths:
        aside = path
        if path.parent != trash:
            aside = trash / uuid.uuid4().hex
            try:
                os.rename(path, aside)
            except FileNotFoundError:
                continue  # another process has removed it
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)
