"""The Docker engine: found, asked for images, told to build and to run."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from ..progress import Progress, Stage
from ..settings import ImageSettings
from . import builders, containers
from .dockerfile import check_base

if TYPE_CHECKING:
    import docker

_PING_SECONDS = 5
_LOOKUP_SECONDS = 10
_CALL_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the engine; ``size`` in bytes, all layers counted.

    ``tags`` begins with the tag that was asked for.
    """

    id: str
    tags: tuple[str, ...]
    size: int


class Engine:
    """A Docker engine that answered; get one by `Engine.connect`."""

    def __init__(self, client: docker.DockerClient, settings: ImageSettings, address: str) -> None:
        self.client = client
        self.settings = settings
        self.address = address

    @classmethod
    def connect(cls, settings: ImageSettings | None = None) -> Engine:
        """Return the engine of ``DOCKER_HOST``, or of the Docker client's present context.

        Raises `MlopsError` ``docker.no-engine`` within seconds where none answers.
        """
        import docker
        from docker.errors import DockerException
        from docker.utils import kwargs_from_env
        from requests.exceptions import RequestException

        client = None
        try:
            options: dict[str, Any] = {**kwargs_from_env()}
            address = options.setdefault("base_url", _context_address())
            _knock(address)
            client = docker.DockerClient(**options, timeout=_PING_SECONDS)
            client.ping()
        except (DockerException, RequestException, OSError, ValueError) as error:
            if client is not None:
                client.close()
            raise MlopsError(
                "docker.no-engine",
                f"No Docker engine answers ({reason(error)}).",
                hint="start Docker, or set DOCKER_HOST to an engine that you may use.",
            ) from None
        client.api.timeout = _CALL_SECONDS
        return cls(client, settings or ImageSettings(), address)

    def close(self) -> None:
        """Close the connections to the engine."""
        self.client.close()

    def has_image(self, reference: str) -> bool:
        """Return whether the engine holds this image."""
        from docker.errors import ImageNotFound

        try:
            self.client.images.get(reference)
        except ImageNotFound:
            return False
        return True

    def image(self, reference: str) -> Image:
        """Return an image; raises `MlopsError` ``docker.image-missing``."""
        from docker.errors import ImageNotFound

        try:
            found = self.client.images.get(reference)
        except ImageNotFound:
            raise MlopsError(
                "docker.image-missing",
                f"The Docker engine has no image {reference}.",
                hint="promote the notebook again, which builds its images.",
            ) from None
        tags = sorted(found.tags, key=lambda tag: (tag != reference, tag))
        return Image(str(found.id), tuple(tags), int(found.attrs["Size"]))

    def require_base(self, base: str) -> None:
        """Check that builds can start from ``base``: it is here, or its registry has it.

        Raises `MlopsError` ``docker.base-missing``, or ``images.base`` for what is no reference.
        """
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        check_base(base)
        if self.has_image(base):
            return
        self.client.api.timeout = _LOOKUP_SECONDS
        try:
            self.client.api.inspect_distribution(base)  # type: ignore[no-untyped-call]
        except (DockerException, RequestException) as error:
            raise MlopsError(
                "docker.base-missing",
                f"The base image {base} is not on the Docker engine, and it cannot be pulled "
                f"({reason(error)}).",
                hint=f"run `docker pull {base}`, or set images.base in mlops.toml to an image "
                "that the engine has.",
            ) from None
        finally:
            self.client.api.timeout = _CALL_SECONDS

    def build(
        self,
        context: Path,
        dockerfile: str,
        tag: str,
        *,
        labels: Mapping[str, str] | None = None,
    ) -> Progress[Image]:
        """Build an image from a context folder and give it a tag.

        BuildKit does it where the Docker client has it, else the engine's own builder. The
        settings' build arguments and network are used.

        Parameters
        ----------
        dockerfile
            The Dockerfile's path within ``context``.

        Raises
        ------
        MlopsError
            ``docker.build-failed`` with the step that failed and its last lines.
        """
        stage = Stage("build")
        yield stage.started(f"building {tag}", image=tag)
        request = builders.Request(
            context=context,
            dockerfile=dockerfile,
            tag=tag,
            labels=dict(labels or {}),
            build_args=self.settings.build_args,
            network=self.settings.network,
        )
        command = builders.buildkit_client(self.settings.network)
        if command is not None:
            yield from builders.with_buildkit(command, self.address, request, stage)
        else:
            yield from builders.with_engine(self.client.api, request, stage)
        image = self.image(tag)
        yield stage.done(f"{tag}, {image.size / 1e6:.0f} MB", image=tag, size=image.size)
        return image

    def run_container(
        self, image: str, command: Sequence[str], **options: Any
    ) -> containers.Finished:
        """Run a command in a fresh container to its end; see `containers.start`."""
        return containers.run(self.client, image, command, **options)


def reason(error: BaseException) -> str:
    """Return in one line what the engine or its client complained of."""
    text = getattr(error, "explanation", None) or str(error)
    return " ".join(str(text).split())[:300].rstrip(".")


def _knock(address: str) -> None:
    """Raise `OSError` where nobody listens; docker's own client would leak the socket."""
    scheme, _, path = address.partition("://")
    if scheme in ("unix", "http+unix"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PING_SECONDS)
            probe.connect(f"/{path.lstrip('/')}")


def _context_address() -> str:
    """Return the address that the Docker client's present context names."""
    from docker.context import ContextAPI

    context = ContextAPI.get_current_context()
    host = context.Host if context is not None else None
    return str(host) if host else f"unix://{os.path.sep}var/run/docker.sock"
