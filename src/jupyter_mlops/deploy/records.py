"""What serves on each endpoint: one record under ``.mlops/deployments/`` for each."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..project import Project
from .container import ServerContainer, answers
from .process import ServerProcess

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""What an endpoint may be called."""
Kind = Literal["process", "container"]
Server = ServerProcess | ServerContainer


@dataclass(frozen=True, slots=True)
class Deployment:
    """A release on an endpoint.

    ``former`` are the releases that a rollback goes back to, the newest last. ``server`` is None
    after `stop`. ``leaving`` is the former server between the moment its successor is ready and
    its own end.
    """

    endpoint: str
    release: str
    former: tuple[str, ...]
    url: str
    port: int
    started: str
    kind: Kind
    server: Server | None
    leaving: Server | None = None

    def running(self) -> bool:
        return self.server is not None and self.server.running()

    def alive(self) -> bool:
        """Tell whether the server runs and answers, within 2 s, that it is ready."""
        return self.running() and answers(self.url)

    def to_dict(self) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint,
            "release": self.release,
            "former": list(self.former),
            "url": self.url,
            "port": self.port,
            "started": self.started,
            "kind": self.kind,
            "server": self.server.to_dict() if self.server else None,
            "leaving": self.leaving.to_dict() if self.leaving else None,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Deployment:
        return cls(
            **{
                **content,
                "former": tuple(content["former"]),
                "server": _server(content["server"]),
                "leaving": _server(content["leaving"]),
            }
        )


def read(project: Project, endpoint: str) -> Deployment | None:
    """Return the record of an endpoint; None where there is none.

    Raises `MlopsError` ``deploy.record`` where the record is damaged.
    """
    path = _path(project, endpoint)
    try:
        return Deployment.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise MlopsError(
            "deploy.record",
            f"The record of the endpoint {endpoint} is damaged.",
            hint="end its server, remove the file, and deploy again.",
            place=Place(str(path)),
        ) from None


def find(project: Project, endpoint: str) -> Deployment:
    """Return the record of an endpoint; raises as `read` does, and ``deploy.unknown``."""
    found = read(project, endpoint) if NAME.fullmatch(endpoint) else None
    if found is None:
        known = names(project)
        raise MlopsError(
            "deploy.unknown",
            f"There is no endpoint `{endpoint}`.",
            hint=f"there are: {', '.join(known)}."
            if known
            else "make one: `jupyter mlops serve RELEASE`.",
            place=Place(str(project.root)),
        )
    return found


def write(project: Project, deployment: Deployment) -> None:
    """Write the record of an endpoint, all at once."""
    project.folder("deployments")
    path = _path(project, deployment.endpoint)
    draft = path.with_suffix(".new")
    with explain_os_errors(project.root):
        draft.write_text(json.dumps(deployment.to_dict(), indent=2) + "\n", encoding="utf-8")
        os.replace(draft, path)


def names(project: Project) -> list[str]:
    """Return the names of all endpoints that were ever deployed to, sorted."""
    return sorted(path.stem for path in project.deployments.glob("*.json"))


def _path(project: Project, endpoint: str) -> Path:
    return project.deployments / f"{endpoint}.json"


def _server(content: dict[str, Any] | None) -> Server | None:
    if content is None:
        return None
    return ServerProcess(**content) if "pid" in content else ServerContainer(**content)
