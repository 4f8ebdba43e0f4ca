"""The REST handlers of sweeps, under ``jupyter-mlops/api/sweeps``."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from pathlib import Path

from jupyter_server.services.contents.fileio import FileManagerMixin

from ..errors import MlopsError, Place
from ..models import SweepOpenedView, SweepOpenRequest, SweepRequest, SweepsView, SweepView
from ..os_errors import explain_os_errors
from ..project import Project
from ..sweeps.record import Sweep
from .rest import MlopsHandler, guarded
from .sweep_jobs import SweepJobs
from .sweeps_view import find_sweep, form_view, plan_view, summaries, sweep_view

_PATIENCE = 100
"""Looks, a tenth of a second apart, at a sweep that was asked to stop."""


class SweepHandler(MlopsHandler):
    """What the handlers of sweeps share."""

    @property
    def jobs(self) -> SweepJobs:
        found: SweepJobs = self.settings["jupyter_mlops_sweeps"]
        return found

    def saved(self, path: str) -> tuple[Path, str]:
        """Return the file of a saved notebook and its path; raises ``notebook.missing``."""
        file = self.notebook_file(path)
        if not file.is_file():
            raise MlopsError(
                "notebook.missing",
                "There is no such notebook.",
                hint="save it first.",
                place=Place(path),
            )
        return file, path.strip("/")

    def find(self, name: str, path: str) -> tuple[Project, Sweep, str]:
        """Return a sweep of a notebook; raises ``sweep.unknown``."""
        file, path = self.saved(path)
        project = Project.find(file)
        return project, find_sweep(project, name, project.relative(file)), path

    def view(self, name: str, path: str) -> SweepView:
        project, found, path = self.find(name, path)
        return sweep_view(found, path, project, self.jobs.find(name))


class SweepsHandler(SweepHandler):
    @guarded("read")
    async def get(self) -> None:
        """List the sweeps of the notebook ``?path=``, also those started elsewhere."""
        file, path = self.saved(self.get_query_argument("path", ""))
        project = Project.find(file)
        found = await asyncio.to_thread(summaries, project, project.relative(file), path)
        self.answer(SweepsView(sweeps=found))

    @guarded("execute")
    async def post(self) -> None:
        """Start a sweep and answer 202 with how it stands once it has a name."""
        request = self.ask(SweepRequest)
        file, path = self.saved(request.path)
        # The words of the form are told field by field; here they are checked once more.
        job = await self.jobs.start(file, path, Project.find(file).root, request)
        self.answer(await asyncio.to_thread(self.view, job.standing.name, path), 202)


class SweepFormHandler(SweepHandler):
    @guarded("read")
    async def get(self) -> None:
        """Tell what can be swept in the notebook ``?path=``."""
        file, path = self.saved(self.get_query_argument("path", ""))
        self.answer(await asyncio.to_thread(form_view, file, path))


class SweepPlanHandler(SweepHandler):
    @guarded("read")
    async def post(self) -> None:
        """Tell what a sweep would be; nothing is run or written."""
        request = self.ask(SweepRequest)
        file, path = self.saved(request.path)
        self.answer(await asyncio.to_thread(plan_view, file, path, request))


class OneSweepHandler(SweepHandler):
    @guarded("read")
    async def get(self, name: str) -> None:
        """Tell how a sweep of the notebook ``?path=`` stands."""
        path = self.get_query_argument("path", "")
        self.answer(await asyncio.to_thread(self.view, name, path))

    @guarded("execute")
    async def delete(self, name: str) -> None:
        """Stop a sweep, wherever on this machine it was started, and answer with how it stands."""
        path = self.get_query_argument("path", "")
        _, found, _ = self.find(name, path)
        job = self.jobs.find(name)
        if job is not None and job.status == "running":
            await job.cancel()
        elif found.status == "running":
            await self._stop(found, path)
        self.answer(await asyncio.to_thread(self.view, name, path))

    async def _stop(self, found: Sweep, path: str) -> None:
        head = found.head
        if head.host != socket.gethostname():
            raise MlopsError(
                "sweep.elsewhere",
                f"The sweep runs on {head.host}.",
                hint="stop it there, with Ctrl-C.",
            )
        try:
            os.kill(head.pid, signal.SIGINT)
        except ProcessLookupError:
            return
        except PermissionError:
            raise MlopsError(
                "sweep.elsewhere",
                "The sweep was started by somebody else.",
                hint="ask whoever started it.",
            ) from None
        for _ in range(_PATIENCE):
            if self.find(found.name, path)[1].status != "running":
                return
            await asyncio.sleep(0.1)


class SweepOpenHandler(SweepHandler):
    @guarded("execute")
    async def post(self, name: str) -> None:
        """Put a sweep's summary, or a point's executed notebook, where it can be opened."""
        request = self.ask(SweepOpenRequest)
        project, found, path = self.find(name, request.path)
        if request.point is None:
            source, target = Path(found.head.summary), f"{name}-summary.ipynb"
        else:
            row = next((row for row in found.rows if row.number == request.point), None)
            run = row.run if row is not None else ""
            source, target = project.state / "executed" / f"{run}.ipynb", f"{run}.ipynb"
        if not source.is_file():
            raise MlopsError(
                "sweep.no-notebook",
                "There is no such notebook yet.",
                hint="wait until the sweep, or the point, has ended.",
            )
        self.answer(
            SweepOpenedView(path=await asyncio.to_thread(self._shown, source, path, target))
        )

    def _shown(self, source: Path, path: str, name: str) -> str:
        """Return where the contents API finds a file; it shows none in hidden folders.

        A copy lies beside the notebook. One that was made before is taken as it is, unless the
        file has changed since.
        """
        contents = self.contents_manager
        assert isinstance(contents, FileManagerMixin)
        root = Path(os.path.abspath(contents.root_dir))
        if getattr(contents, "allow_hidden", False) and source.is_relative_to(root):
            return source.relative_to(root).as_posix()
        folder = self.notebook_file(path).parent
        target = folder / name
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            with explain_os_errors(target):
                shutil.copyfile(source, target)
        return target.relative_to(root).as_posix()


ROUTES: list[tuple[str, type[MlopsHandler]]] = [
    (r"/jupyter-mlops/api/sweeps", SweepsHandler),
    (r"/jupyter-mlops/api/sweeps/form", SweepFormHandler),
    (r"/jupyter-mlops/api/sweeps/plan", SweepPlanHandler),
    (r"/jupyter-mlops/api/sweeps/run/([\w.-]+)", OneSweepHandler),
    (r"/jupyter-mlops/api/sweeps/run/([\w.-]+)/open", SweepOpenHandler),
]
