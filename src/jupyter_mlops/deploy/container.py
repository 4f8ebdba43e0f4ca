"""A model server as a container: unprivileged, read-only, reachable from this machine only."""

from __future__ import annotations

import os
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from ..images.containers import hardening, user_of
from ..images.dockerfile import PORT, PREDICTIONS
from ..images.engine import Engine, reason
from .process import STOP_SECONDS, not_ready

if TYPE_CHECKING:
    from docker.models.containers import Container

_SHOWN_LINES = 15
_TAKEN = ("port is already allocated", "address already in use")


@dataclass(frozen=True, slots=True)
class ServerContainer:
    """A container, known by its id."""

    id: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def running(self) -> bool:
        from docker.errors import NotFound

        with suppress(NotFound, MlopsError), _engine() as engine:
            return bool(engine.client.containers.get(self.id).status == "running")
        return False

    def stop(self) -> None:
        """End the server, as a process's end is, and remove the container."""
        from docker.errors import NotFound

        with _engine() as engine, suppress(NotFound):
            container = engine.client.containers.get(self.id)
            container.stop(timeout=int(STOP_SECONDS))
            container.remove(force=True)


def start(
    image: str, endpoint: str, release: str, *, port: int, predictions: Path, timeout: float
) -> tuple[ServerContainer, str]:
    """Start a serving image and return its container with its URL once it is ready.

    The image's own command is run, with the endpoint's name added to it.

    Parameters
    ----------
    port
        The port on the loopback address; 0 takes a free one.
    predictions
        The folder of the prediction log, mounted for writing; nothing else is.

    Raises
    ------
    MlopsError
        ``docker.no-engine``, ``docker.image-missing``, ``deploy.port``, ``deploy.container``, or
        ``deploy.not-ready`` with the last lines of the container's log. No container is left then.
    """
    from docker.errors import APIError

    port = port or _free_port()
    with _engine() as engine:
        engine.image(image)
        command = engine.client.images.get(image).attrs["Config"]["Cmd"]
        options = _options(endpoint, release, port, predictions)
        container = engine.client.containers.create(
            image, [*command, "--endpoint", endpoint], **options
        )
        try:
            container.start()
            _wait(container, endpoint, port, timeout)
            # Only a server that came up once is worth starting again after a reboot.
            again: Any = {"Name": "unless-stopped"}
            container.update(restart_policy=again)
        except APIError as error:
            container.remove(force=True)
            raise _refused(port, error) from None
        except BaseException:
            container.remove(force=True)
            raise
    return ServerContainer(str(container.id)), f"http://127.0.0.1:{port}"


def engine_answers() -> bool:
    """Tell whether there is a Docker engine."""
    try:
        with _engine():
            return True
    except MlopsError:
        return False


def _options(endpoint: str, release: str, port: int, predictions: Path) -> dict[str, Any]:
    from docker.types import Mount

    key = os.environ.get("MLOPS_API_KEY")
    return {
        **hardening(),
        "name": f"mlops-{endpoint}-{os.urandom(4).hex()}",
        "labels": {"mlops.endpoint": endpoint, "mlops.release": release},
        "environment": {"MLOPS_API_KEY": key} if key else {},
        "ports": {f"{PORT}/tcp": ("127.0.0.1", port)},
        "mounts": [Mount(PREDICTIONS, str(predictions.resolve()), "bind")],
        "user": user_of(predictions),
    }


def _refused(port: int, error: Exception) -> MlopsError:
    if any(words in str(error) for words in _TAKEN):
        return MlopsError(
            "deploy.port",
            f"Port {port} is taken.",
            hint="give another port, or none for a free one.",
        )
    return MlopsError(
        "deploy.container",
        f"The container could not be started ({reason(error)}).",
        hint="see that the Docker engine has memory and disk for it.",
    )


def _wait(container: Container, endpoint: str, port: int, timeout: float) -> None:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        container.reload()
        if container.status not in ("created", "running"):
            break
        if answers(f"http://127.0.0.1:{port}"):
            return
        time.sleep(0.1)
    lines = container.logs(tail=_SHOWN_LINES).decode(errors="replace").splitlines()
    raise not_ready(endpoint, lines)


def answers(url: str) -> bool:
    """Tell whether a server at this address says that it is ready."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/v2/health/ready", timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _engine() -> Iterator[Engine]:
    engine = Engine.connect()
    try:
        yield engine
    finally:
        engine.close()
