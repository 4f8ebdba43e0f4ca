"""Deployment: a release put to work on an endpoint, switched without a gap, and taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from ..errors import MlopsError
from ..governance.audit import AuditLog
from ..progress import Progress, Stage
from ..project import Project
from . import container as containers
from . import process as processes
from . import records
from .asking import ask
from .records import Deployment, Kind, Server
from .releases import Release, Releases

__all__ = ["Deployment", "ask", "deploy", "deployments", "find", "rollback", "stop", "wait"]

READY_SECONDS = 120.0
_Started = tuple[Server, str]
_Launch = Callable[[int], _Started]


def deploy(
    release_ref: str,
    *,
    project: Project | None = None,
    endpoint: str | None = None,
    port: int = 0,
    container: bool | None = None,
    timeout: float = READY_SECONDS,
) -> Progress[Deployment]:
    """Serve a release on an endpoint, in place of what the endpoint serves now.

    The new server answers the release's own examples before it gets the port. A server process
    takes the listening socket over from its predecessor, so no request is refused meanwhile; a
    container is first tried on another port, and the endpoint is silent while it starts on its
    own. Where the new server fails, the former one goes on.

    Parameters
    ----------
    endpoint
        Default: the release's name.
    port
        A port on the loopback address; 0 keeps the endpoint's port, or takes a free one.
    container
        Serve from the release's image, or as a process; None takes the image where the release
        has one and an engine answers.
    timeout
        Seconds to get ready in.

    Raises
    ------
    MlopsError
        ``release.unknown``, ``deploy.not-ready``, ``serving.self-test``, ``serving.altered`` and
        others of the new server, ``project.busy`` where the endpoint is being deployed to.
    """
    project = project or Project.find()
    release = Releases(project).get(release_ref)
    endpoint = endpoint or release.name
    if not records.NAME.fullmatch(endpoint):
        raise MlopsError(
            "deploy.endpoint",
            f"`{endpoint}` is no name for an endpoint.",
            hint="use letters, digits, `-`, `_` and `.`, at most 63.",
        )
    with project.lock(f"endpoint-{endpoint}", what=f"the endpoint {endpoint}"):
        old = records.read(project, endpoint)
        former = old.former if old else ()
        if old and old.release != release.ref:
            former = (*former, old.release)
        switch = _Switch(project, release, endpoint, former, timeout)
        return (yield from switch.run("deploy", old, port, container))


def rollback(
    endpoint: str, *, project: Project | None = None, timeout: float = READY_SECONDS
) -> Progress[Deployment]:
    """Serve the former release of an endpoint again; nothing is built.

    Raises
    ------
    MlopsError
        ``deploy.unknown``, ``deploy.no-former``, and what `deploy` raises.
    """
    project = project or Project.find()
    with project.lock(f"endpoint-{endpoint}", what=f"the endpoint {endpoint}"):
        old = find(endpoint, project)
        if not old.former:
            error = MlopsError(
                "deploy.no-former",
                f"The endpoint {endpoint} has served no release before {old.release}.",
                hint=f"deploy another one: `jupyter mlops serve RELEASE --endpoint {endpoint}`.",
            )
            _audit_failure(project, "rollback", endpoint, old.release, error)
            raise error
        release = Releases(project).get(old.former[-1])
        switch = _Switch(project, release, endpoint, old.former[:-1], timeout)
        container = None if old.kind == "container" else False
        return (yield from switch.run("rollback", old, 0, container))


def stop(endpoint: str, *, project: Project | None = None) -> Progress[Deployment]:
    """End the server of an endpoint; the endpoint keeps its port and its former releases.

    Raises `MlopsError` ``deploy.unknown``.
    """
    project = project or Project.find()
    stage = Stage("stop")
    with project.lock(f"endpoint-{endpoint}", what=f"the endpoint {endpoint}"):
        old = find(endpoint, project)
        yield stage.started(f"stopping {endpoint}")
        for server in (old.leaving, old.server):
            if server is not None:
                server.stop()
        stopped = replace(old, server=None, leaving=None)
        records.write(project, stopped)
        AuditLog(project).append("stop", endpoint, "ok", release=old.release)
        yield stage.done(f"{endpoint} is stopped")
    return stopped


def deployments(project: Project | None = None) -> list[Deployment]:
    """Return what each endpoint serves, by name; `Deployment.alive` asks it."""
    project = project or Project.find()
    found = (records.read(project, name) for name in records.names(project))
    return [each for each in found if each is not None]


def find(endpoint: str, project: Project | None = None) -> Deployment:
    """Return what an endpoint serves; raises `MlopsError` ``deploy.unknown``."""
    return records.find(project or Project.find(), endpoint)


def wait(deployment: Deployment) -> None:
    """Return when the deployment's server has ended."""
    while deployment.running():
        time.sleep(0.2)


class _Switch:
    """One change of what an endpoint serves."""

    def __init__(
        self,
        project: Project,
        release: Release,
        endpoint: str,
        former: tuple[str, ...],
        timeout: float,
    ) -> None:
        self.project = project
        self.release = release
        self.endpoint = endpoint
        self.former = former
        self.timeout = timeout
        self.predictions = project.folder("predictions", endpoint)
        self.log = project.folder("deployments") / f"{endpoint}.log"

    def run(
        self, action: str, old: Deployment | None, port: int, container: bool | None
    ) -> Progress[Deployment]:
        stage = Stage(action)
        kind = self._kind(container)
        yield stage.started(f"starting {self.release.ref} as a {kind} for {self.endpoint}")
        try:
            server, url = self._start(kind, old, port)
        except MlopsError as error:
            _audit_failure(self.project, action, self.endpoint, self.release.ref, error)
            raise
        deployment = Deployment(
            endpoint=self.endpoint,
            release=self.release.ref,
            former=self.former,
            url=url,
            port=int(url.rpartition(":")[2]),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            kind=kind,
            server=server,
            leaving=old.server if old else None,
        )
        try:
            records.write(self.project, deployment)
        except BaseException:
            server.stop()
            raise
        if deployment.leaving is not None:
            deployment.leaving.stop()
            deployment = replace(deployment, leaving=None)
            records.write(self.project, deployment)
        AuditLog(self.project).append(
            action,
            self.endpoint,
            "ok",
            release=self.release.ref,
            before=old.release if old else None,
            kind=kind,
            url=url,
        )
        yield stage.done(
            f"{self.endpoint} serves {self.release.ref} at {url} ({kind})", **deployment.to_dict()
        )
        return deployment

    def _kind(self, container: bool | None) -> Kind:
        if not (self.release.folder / "serving" / "serve.py").is_file():
            raise MlopsError(
                "deploy.not-served",
                f"The release {self.release.ref} serves no function.",
                hint="tag the cell that predicts `serve` and promote the notebook again.",
            )
        image = self.release.image("serving")
        if container and image is None:
            raise MlopsError(
                "deploy.no-image",
                f"The release {self.release.ref} has no serving image.",
                hint="deploy it as a process, or promote again where a Docker engine answers.",
            )
        if container is None:
            container = image is not None and containers.engine_answers()
        return "container" if container else "process"

    def _start(self, kind: Kind, old: Deployment | None, port: int) -> _Started:
        """Return the new server, ready on the endpoint's port."""
        if old is not None and old.leaving is not None:
            old.leaving.stop()  # of a deployment that was killed
        launch = self._launch(self.release, kind)
        wanted = port or (old.port if old else 0)
        if old is None or not old.running():
            return self._fresh(launch, wanted, keep=bool(port))
        if wanted != old.port:
            return launch(wanted)
        if kind == "process" and isinstance(old.server, processes.ServerProcess):
            try:
                return self._process(self.release, wanted, old.server)
            except MlopsError as error:
                if error.code != "serving.take-over":
                    raise
        return self._replace(launch, old)

    def _fresh(self, launch: _Launch, port: int, *, keep: bool) -> _Started:
        """Start where nothing serves; a port that was only remembered may be another's now."""
        try:
            return launch(port)
        except MlopsError as error:
            if keep or not port or error.code not in ("serving.port", "deploy.port"):
                raise
        return launch(0)

    def _replace(self, launch: _Launch, old: Deployment) -> _Started:
        """Switch where a port cannot be shared: try elsewhere, end the old, start on the port."""
        assert old.server is not None
        trial, _ = launch(0)
        trial.stop()
        old.server.stop()
        try:
            return launch(old.port)
        except BaseException:
            former = self._launch(Releases(self.project).get(old.release), old.kind)
            server, _ = former(old.port)
            records.write(self.project, replace(old, server=server, leaving=None))
            raise

    def _launch(self, release: Release, kind: Kind) -> _Launch:
        if kind == "process":
            return lambda port: self._process(release, port, None)
        image = release.image("serving")
        assert image is not None
        return lambda port: containers.start(
            image,
            self.endpoint,
            release.ref,
            port=port,
            predictions=self.predictions,
            timeout=self.timeout,
        )

    def _process(
        self, release: Release, port: int, take_over: processes.ServerProcess | None
    ) -> _Started:
        return processes.start(
            release.folder,
            self.endpoint,
            port=port,
            predictions=self.predictions,
            log=self.log,
            take_over=take_over,
            timeout=self.timeout,
        )


def _audit_failure(
    project: Project, action: str, endpoint: str, release: str, error: MlopsError
) -> None:
    AuditLog(project).append(
        action, endpoint, "failed", release=release, code=error.code, reason=error.message
    )
