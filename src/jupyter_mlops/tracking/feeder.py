"""Feeding one run's journal to MLflow: in batches, from where it stopped, each thing once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..capture import journal
from ..capture.processes import alive
from ..capture.records import Start
from ..project import Project
from . import batches, cursor, offline
from .client import is_remote
from .contents import Contents
from .cursor import Cursor
from .history import History

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN = "mlops.run"
PARENT = "mlops.parent"
"""The run that a run is a part of, by its own name; MLflow's tag has its id."""


class Feeder:
    """Knows one run's journal and brings it into the store.

    Several processes may feed the same run: what counts is the cursor, read under a lock.
    """

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.history = History(folder / journal.NAME)
        self._contents = Contents(self.history, folder)
        self._behind = True
        """Whether something that was read is not in the store yet."""

    @property
    def finished(self) -> bool:
        return cursor.load(self.folder).finished

    def feed(self, client: MlflowClient, *, hurry: bool = False, wait: bool = True) -> bool:
        """Bring what is new into the store, and return whether the run is complete there.

        Parameters
        ----------
        hurry
            Log models and cells now, even if more of them may follow soon.
        wait
            Wait while another process feeds this run; else leave it to that one.
        """
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "lock", timeout=-1 if wait else 0):
                return self._feed(client, hurry)
        except Timeout:
            return False

    def _feed(self, client: MlflowClient, hurry: bool) -> bool:
        state = cursor.load(self.folder)
        if state.finished:
            return True
        if state.metrics < self.history.points.forgotten:
            self._begin_anew()  # the cursor was lost
        self._read_on(client, state)
        start, status = self.history.start, self._status()
        if start is None:
            return False
        if status is None and not alive(start):
            self._read_on(client, state)  # what it wrote between our reading and its end
            status = self._status() or "KILLED"
        over = status is not None
        if not (over or self._behind):
            return False
        self._behind = True
        run = self._run(client, state, start)
        if run.info.lifecycle_stage == "deleted":
            state.finished = True  # by somebody who does not want it
            cursor.save(self.folder, state)
            return True
        try:
            self._contents.write(client, state, run, start, now=hurry or over)
        finally:
            cursor.save(self.folder, state)
        if status is not None:
            if status == "KILLED":
                self._contents.kill_cells(client, run, start)
            offline.attach(client, run.info.run_id, self.folder)
            client.set_terminated(run.info.run_id, status, _ms(self._ended()))
            state.finished = True
        self._behind = not self._contents.settled(state)
        if not self._behind:
            state.records = self.history.count
        cursor.save(self.folder, state)
        if over:
            self._contents.clean_up()
        return over

    def _read_on(self, client: MlflowClient, state: Cursor) -> None:
        """Read all there is; points go to the store meanwhile, as they may be many."""
        while self.history.read_on():
            self._behind = True
            start, points = self.history.start, self.history.points
            points.forget(state.metrics)
            if start is not None and len(points) > batches.MOST_METRICS:
                run = self._run(client, state, start)
                if run.info.lifecycle_stage != "deleted":
                    self._contents.points(client, state, run)

    def _begin_anew(self) -> None:
        self.history = History(self.folder / journal.NAME)
        self._contents = Contents(self.history, self.folder)
        self._behind = True

    def _status(self) -> str | None:
        return self.history.end.status if self.history.end is not None else None

    def _run(self, client: MlflowClient, state: Cursor, start: Start) -> Run:
        from mlflow.exceptions import MlflowException

        if state.run_id:
            try:
                return client.get_run(state.run_id)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
            # Another store than before: it gets the run from its beginning.
            cursor.forget(state)
            self._begin_anew()
            while self.history.read_on():
                pass
        experiment = _experiment(client, self.project, start.notebook)
        run = _first(client, experiment, start.run)
        if run is None:
            tags = {
                RUN: start.run,
                "mlops.kind": start.kind,
                "mlops.notebook": start.notebook,
                "mlops.python": start.python,
                "mlops.platform": start.platform,
                "mlops.host": start.host,
                "mlflow.source.name": start.path or start.notebook,
                "mlflow.source.type": "NOTEBOOK",
                "mlflow.user": start.user,
            }
            if start.parent:
                tags |= {PARENT: start.parent, **self._parent(client, start.parent)}
            run = client.create_run(experiment, _ms(start.time), tags, run_name=start.run)
            if is_remote(self.project.tracking_uri):
                # Over a network the request may have been repeated, and have made two.
                run = _first(client, experiment, start.run) or run
        state.run_id = run.info.run_id
        cursor.save(self.folder, state)
        return run

    def _parent(self, client: MlflowClient, name: str) -> dict[str, str]:
        """Return the tag by which MLflow knows a run's parent, which is brought in first."""
        folder = self.project.journals / name
        if not (folder / journal.NAME).exists():
            return {}
        if not cursor.load(folder).run_id:
            Feeder(self.project, folder).feed(client)
        found = cursor.load(folder).run_id
        return {"mlflow.parentRunId": found} if found else {}

    def _ended(self) -> float:
        end = self.history.end
        return end.time if end is not None else self.history.last


def _first(client: MlflowClient, experiment: str, name: str) -> Run | None:
    """Return the run of this name; where there are several, delete all but one."""
    found = client.search_runs(
        [experiment], f"tags.`{RUN}` = '{name}'", order_by=["attributes.run_id ASC"], max_results=9
    )
    for surplus in found[1:]:
        client.delete_run(surplus.info.run_id)
    return found[0] if found else None


def pending(project: Project, known: set[str] | None = None) -> list[Path]:
    """Return the folders of runs that are not complete in the store, oldest first.

    Parameters
    ----------
    known
        Names of runs known to be complete; added to.
    """
    known = known if known is not None else set()
    try:
        entries = [entry for entry in os.scandir(project.journals) if entry.name not in known]
    except FileNotFoundError:
        return []
    found = []
    for entry in entries:
        folder = Path(entry.path)
        if not (folder / journal.NAME).exists():
            continue
        if cursor.load(folder).finished:
            known.add(entry.name)
        else:
            found.append(folder)
    return sorted(found, key=lambda folder: (folder / journal.NAME).stat().st_ctime)


def _experiment(client: MlflowClient, project: Project, notebook: str) -> str:
    """Return the id of the notebook's experiment, made or brought back where it is missing."""
    from mlflow.exceptions import MlflowException

    for _ in range(2):
        found = client.get_experiment_by_name(notebook)
        if found is not None:
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
            return str(found.experiment_id)
        place = None
        if not is_remote(project.tracking_uri):
            place = f"file://{quote(str(project.folder('artifacts')))}"
        try:
            return str(client.create_experiment(notebook, artifact_location=place))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
    raise AssertionError("an experiment exists and does not")


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
