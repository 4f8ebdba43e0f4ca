"""Two ways to build an image: BuildKit through the Docker client, or the engine's own builder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError, Place
from ..progress import Progress, Stage

if TYPE_CHECKING:
    from docker import APIClient

# BuildKit's plain output: `#7 [3/9] RUN …`, `#7 1.234 text`, `#7 DONE 4.5s`, `#7 ERROR: …`.
_BUILDKIT_STEP = re.compile(r"#(\d+) (\[(?:\S+ )?\s*\d+/\d+\] .*)")
_BUILDKIT_TEXT = re.compile(r"#(\d+) \d+\.\d+ (.*)")
_BUILDKIT_ERROR = re.compile(r"#(\d+) ERROR: (.*)")
_ENGINE_STEP = re.compile(r"Step (\d+/\d+) : (.*)", re.DOTALL)
_BUILDKIT_NETWORKS = (None, "default", "host", "none")
_KEPT_LINES = 12


@dataclass(frozen=True, slots=True)
class Request:
    """What to build; ``dockerfile`` is a path within ``context``."""

    context: Path
    dockerfile: str
    tag: str
    labels: Mapping[str, str]
    build_args: Mapping[str, str]
    network: str | None


def buildkit_client(network: str | None = None) -> str | None:
    """Return a Docker client that can use BuildKit, or None.

    ``JUPYTER_MLOPS_DOCKER``, then ``docker`` on the ``PATH``, then ``/usr/bin/docker`` are asked.
    BuildKit knows no other networks than the engine's standard ones.
    """
    if network not in _BUILDKIT_NETWORKS:
        return None
    candidates = (os.environ.get("JUPYTER_MLOPS_DOCKER"), "docker", "/usr/bin/docker")
    paths = (shutil.which(candidate) for candidate in candidates if candidate)
    return next((path for path in paths if path and _has_buildkit(path)), None)


def with_buildkit(client: str, address: str, request: Request, stage: Stage) -> Progress[None]:
    """Build through the Docker client; raises `MlopsError` ``docker.build-failed``."""
    command = [client, "build", "--progress=plain", "--tag", request.tag]
    command += ["--file", str(request.context / request.dockerfile)]
    for name, value in request.labels.items():
        command += ["--label", f"{name}={value}"]
    for name in request.build_args:
        command += ["--build-arg", name]  # its value is read from the environment: it may be secret
    if request.network is not None:
        command += ["--network", request.network]
    environment = {
        **os.environ,
        **request.build_args,
        "DOCKER_BUILDKIT": "1",
        "BUILDKIT_COLORS": "",
        "DOCKER_HOST": address,
    }
    process = subprocess.Popen(
        [*command, str(request.context)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    steps: dict[str, str] = {}
    output: dict[str, deque[str]] = {}
    loose: deque[str] = deque(maxlen=_KEPT_LINES)
    failed: str | None = None
    assert process.stdout is not None
    try:
        for line in process.stdout:
            line = line.rstrip()
            if found := _BUILDKIT_STEP.fullmatch(line):
                if found[1] not in steps:
                    steps[found[1]] = found[2]
                    yield stage.notice(" ".join(found[2].split()))
            elif found := _BUILDKIT_TEXT.fullmatch(line):
                output.setdefault(found[1], deque(maxlen=_KEPT_LINES)).append(found[2])
            elif found := _BUILDKIT_ERROR.fullmatch(line):
                failed = found[1]
                output.setdefault(failed, deque(maxlen=_KEPT_LINES)).append(found[2])
            elif line and not line.startswith("#"):
                loose.append(line)
        code = process.wait()
    finally:
        # The caller may stop listening; then the build has no one to report to.
        if process.poll() is None:
            process.terminate()
            process.wait()
        process.stdout.close()
    if code != 0:
        lines = output.get(failed or "") or loose
        raise _failure(request, steps.get(failed or ""), lines)


def with_engine(api: APIClient, request: Request, stage: Stage) -> Progress[None]:
    """Build with the engine's own builder; raises `MlopsError` ``docker.build-failed``."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    step: str | None = None
    lines: deque[str] = deque(maxlen=_KEPT_LINES)
    options: dict[str, Any] = {
        "path": str(request.context),
        "dockerfile": request.dockerfile,
        "tag": request.tag,
        "labels": dict(request.labels),
        "buildargs": dict(request.build_args),
        "network_mode": request.network,
    }
    try:
        for message in api.build(**options, decode=True, rm=True, forcerm=True):
            if "error" in message:
                lines.append(str(message["error"]))
                raise _failure(request, step, lines)
            text = str(message.get("stream", "")).rstrip("\n")
            if found := _ENGINE_STEP.fullmatch(text):
                step = f"[{found[1]}] {' '.join(found[2].split())}"
                lines.clear()
                yield stage.notice(step)
            elif text.strip():
                lines.extend(text.splitlines())
    except (DockerException, RequestException) as error:
        raise _failure(request, step, [str(error)]) from None


def _failure(request: Request, step: str | None, lines: Any) -> MlopsError:
    where = f" at `{step}`" if step else ""
    last = "\n".join(f"    {line}" for line in list(lines)[-_KEPT_LINES:])
    return MlopsError(
        "docker.build-failed",
        f"The image {request.tag} could not be built{where}:\n{last}",
        hint="mend what the last lines name; a package index that builds cannot reach is set by "
        "images.network and images.build_args in mlops.toml.",
        place=Place(str(request.context / request.dockerfile)),
    )


@cache
def _has_buildkit(client: str) -> bool:
    """Ask for the help text: a client whose BuildKit is missing refuses even that."""
    try:
        done = subprocess.run(
            [client, "build", "--help"],
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
