"""A model server as a container: unprivileged, read-only, reachable from this machine only."""

from __future__ import annotations

import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from .process import STOP_SECONDS, not_ready

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_PORT = 8080
_PREDICTIONS = "/predictions"
_SHOWN_LINES = 15
_MEMORY_FOR_TMP = "size=256m"
_PROCESSES = 512


@dataclass(frozen=True, slots=True)
class ServerContainer:
    """A container, known by its id."""

    id: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def running(self) -> bool:
        from docker.errors import DockerException

        with suppress(DockerException, MlopsError), _engine() as client:
            return bool(client.containers.get(self.id).status == "running")
        return False

    def stop(self) -> None:
        """End the server, as a process's end is, and remove the container."""
        from docker.errors import NotFound

        with _engine() as client, suppress(NotFound):
            container = client.containers.get(self.id)
            container.stop(timeout=int(STOP_SECONDS))
            container.remove(force=True)


def start(
    image: str, endpoint: str, release: str, *, port: int, predictions: Path, timeout: float
) -> tuple[ServerContainer, str]:
    """Start a serving image and return its container with its URL once it is ready.

    The image's own command is run, with the endpoint's name and the log's folder added to it.

    Parameters
    ----------
    port
        The port on the loopback address; 0 takes a free one.
    predictions
        The folder of the prediction log, mounted for writing; nothing else is.

    Raises
    ------
    MlopsError
        ``deploy.no-image``, ``deploy.port`` or ``deploy.not-ready`` with the last lines of the
        container's log. No container is left then.
    """
    from docker.errors import APIError, ImageNotFound

    port = port or _free_port()
    with _engine() as client:
        try:
            config = client.images.get(image).attrs["Config"]
        except ImageNotFound:
            raise MlopsError(
                "deploy.no-image",
                f"The engine has no image {image}.",
                hint="deploy the release as a process, or promote the notebook again.",
            ) from None
        options = _options(config, endpoint, release, port, predictions)
        container = client.containers.create(image, **options)
        try:
            container.start()
            _wait(container, endpoint, port, timeout)
            # Only a server that came up once is worth starting again after a reboot.
            again: Any = {"Name": "unless-stopped"}
            container.update(restart_policy=again)
        except APIError as error:
            container.remove(force=True)
            if "port is already allocated" in str(error) or "address already in use" in str(error):
                raise MlopsError(
                    "deploy.port",
                    f"Port {port} is taken.",
                    hint="give another port, or none for a free one.",
                ) from None
            raise
        except BaseException:
            container.remove(force=True)
            raise
    return ServerContainer(str(container.id)), f"http://127.0.0.1:{port}"


def engine_answers() -> bool:
    """Tell whether there is a Docker engine."""
    from docker.errors import DockerException

    try:
        with _engine() as client:
            return bool(client.ping())
    except (DockerException, MlopsError):
        return False


def _options(
    config: dict[str, Any], endpoint: str, release: str, port: int, predictions: Path
) -> dict[str, Any]:
    added = ["--endpoint", endpoint, "--log", _PREDICTIONS]
    added += ["--host", "0.0.0.0", "--port", str(_PORT)]
    # What follows an entry point is added to it, but replaces the command of an image without.
    command = added if config.get("Entrypoint") else [*(config.get("Cmd") or []), *added]
    environment = {"HOME": "/tmp"}
    if key := os.environ.get("MLOPS_API_KEY"):
        environment["MLOPS_API_KEY"] = key
    return {
        "command": command,
        "name": f"mlops-{endpoint}-{os.urandom(4).hex()}",
        "labels": {"mlops.endpoint": endpoint, "mlops.release": release},
        "environment": environment,
        "ports": {f"{_PORT}/tcp": ("127.0.0.1", port)},
        "volumes": {str(predictions): {"bind": _PREDICTIONS, "mode": "rw"}},
        "user": _user(config, predictions),
        "init": True,
        "read_only": True,
        "tmpfs": {"/tmp": _MEMORY_FOR_TMP},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": _PROCESSES,
    }


def _user(config: dict[str, Any], predictions: Path) -> str:
    """Return the user the server runs as, who may write the log: us, or the image's for root."""
    if os.getuid() != 0:
        return f"{os.getuid()}:{os.getgid()}"
    user = str(config.get("User") or "10001")
    number = user.partition(":")[0]
    if number.isdigit():
        for path in (predictions, *predictions.iterdir()):
            os.chown(path, int(number), -1)
    return user


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
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _engine() -> Iterator[DockerClient]:
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=60)
    except DockerException as error:
        raise MlopsError(
            "docker.no-engine",
            f"No Docker engine answers: {error}",
            hint="start it, or deploy the release as a process.",
        ) from None
    try:
        yield client
    finally:
        client.close()
