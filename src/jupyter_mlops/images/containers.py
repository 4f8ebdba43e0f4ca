"""Containers that run one command to its end, without privileges."""

from __future__ import annotations

import contextlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from .dockerfile import USER

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

PROJECT_LABEL = "mlops.project"
_PROCESSES = 1024
_KEPT_LINES = 200


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of the host that a container sees as ``target``."""

    source: Path
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Finished:
    """How a container ended; ``logs`` are its last lines, standard output and error together."""

    exit_code: int
    logs: str
    out_of_memory: bool = False


class Running:
    """A container that was started; `wait` must be called, which removes it."""

    def __init__(self, container: Container, image: str) -> None:
        self._container = container
        self._image = image

    def wait(self, on_line: Callable[[str], object] | None = None) -> Finished:
        """Follow the container to its end and remove it; ``on_line`` gets each line it prints.

        Raises `MlopsError` ``docker.run-failed`` where the container is lost.
        """
        kept: deque[str] = deque(maxlen=_KEPT_LINES)
        try:
            with _explained(self._image):
                for line in _lines(self._container.logs(stream=True, follow=True)):
                    kept.append(line)
                    if on_line is not None:
                        on_line(line)
                status = self._container.wait()
                self._container.reload()
                state = self._container.attrs["State"]
        finally:
            _remove(self._container)
        return Finished(int(status["StatusCode"]), "\n".join(kept), bool(state.get("OOMKilled")))

    def signal(self, name: str) -> None:
        """Send a signal to what runs in the container."""
        from docker.errors import DockerException

        with contextlib.suppress(DockerException):
            self._container.kill(name)

    def stop(self) -> None:
        """Kill the container; `wait` in another thread then returns."""
        from docker.errors import DockerException

        with contextlib.suppress(DockerException):
            self._container.kill()


def run(
    client: docker.DockerClient,
    image: str,
    command: Sequence[str],
    *,
    on_line: Callable[[str], object] | None = None,
    **options: Any,
) -> Finished:
    """Run a command in a fresh container to its end; takes and raises what `start` does."""
    return start(client, image, command, **options).wait(on_line)


def start(
    client: docker.DockerClient,
    image: str,
    command: Sequence[str],
    *,
    mounts: Iterable[Mount] = (),
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    read_only: bool = True,
    network: str | None = None,
    working_dir: str | None = None,
    project: str = "",
) -> Running:
    """Start a command in a fresh, hardened container.

    Parameters
    ----------
    user
        ``uid:gid``; default: the image's.
    read_only
        Whether the container's root is; ``/tmp`` can be written to in any case.
    network
        Default: the engine's bridge; ``none`` cuts the container off.
    project
        Value of the label ``mlops.project``.

    Raises
    ------
    MlopsError
        ``docker.run-failed`` where the container cannot be started.
    """
    options: dict[str, Any] = {
        "user": user,
        "network": network,
        "working_dir": working_dir,
        "environment": dict(environment or {}),
        "labels": {PROJECT_LABEL: project},
        "mounts": [_bind(mount) for mount in mounts],
        **hardening(read_only=read_only),
    }
    given = {name: value for name, value in options.items() if value is not None}
    with _explained(image):
        container = client.containers.create(image, list(command), **given)
        try:
            container.start()
        except BaseException:
            _remove(container)
            raise
    return Running(container, image)


def hardening(*, read_only: bool = True) -> dict[str, Any]:
    """Return the options of docker's ``containers.create`` that every container here gets.

    An init process, no capabilities, no way to new privileges, a bounded number of processes,
    and a read-only root with a writable ``/tmp``.
    """
    return {
        "init": True,
        "read_only": read_only,
        "tmpfs": {"/tmp": "rw,nosuid,nodev,mode=1777"},
        "shm_size": "1g",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": _PROCESSES,
    }


def user_of(folder: Path, *, reads: Path | None = None) -> str:
    """Return the ``uid:gid`` of a container that writes to ``folder`` and reads ``reads``.

    It is the host's own user. Where that is root, it is the images' user, who is made the owner
    of ``folder``; only where others may not read ``reads`` it stays root, without capabilities.
    """
    if os.getuid() != 0:
        return f"{os.getuid()}:{os.getgid()}"
    if reads is not None and not _open_to_others(reads):
        return "0:0"
    os.chown(folder, USER, USER)
    for path in folder.rglob("*"):
        os.chown(path, USER, USER, follow_symlinks=False)
    return f"{USER}:{USER}"


def _open_to_others(folder: Path) -> bool:
    needed = stat.S_IROTH | stat.S_IXOTH
    return folder.stat().st_mode & needed == needed


@contextmanager
def _explained(image: str) -> Iterator[None]:
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except (DockerException, RequestException) as error:
        from .engine import reason

        raise MlopsError(
            "docker.run-failed",
            f"A container of {image} could not be run ({reason(error)}).",
            hint="see that the Docker engine still has the image, and memory and disk for it.",
        ) from None


def _bind(mount: Mount) -> Any:
    from docker.types import Mount as Bind

    return Bind(mount.target, str(mount.source.resolve()), "bind", read_only=mount.read_only)


def _remove(container: Container) -> None:
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    # It may be gone, or the engine may be; neither is news to the caller.
    with contextlib.suppress(DockerException, RequestException):
        container.remove(force=True, v=True)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
