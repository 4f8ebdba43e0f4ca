"""The Dockerfiles of a release: readable, without a root user, for any builder."""

from __future__ import annotations

import re
from typing import Protocol

from .._hashes import HASHES
from ..errors import MlopsError

USER = 10001
PORT = 8080
PIPELINE = "/app/pipeline"
RELEASE = "/app/release"
PREDICTIONS = "/var/log/mlops"

BUILD_ARGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")
"""Arguments that a build may set, beside Docker's own proxy arguments."""

_REFERENCE = re.compile(
    r"(?:[a-z0-9][a-z0-9.-]*(?::\d+)?/)?[a-z0-9][a-z0-9._/-]*"
    r"(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


class Source(Protocol):
    """What an image's labels tell; a `pipeline.model.Pipeline` has it."""

    @property
    def name(self) -> str: ...
    @property
    def notebook(self) -> str: ...
    @property
    def notebook_digest(self) -> str: ...


def training(pipeline: Source, base: str) -> str:
    """Return the Dockerfile of the image that runs the pipeline's steps.

    It has no entry point: a target gives the whole command. Raises `MlopsError`
    ``images.base`` where ``base`` is no image reference.
    """
    return "\n".join(
        [
            *_start(pipeline, base, "runs the steps"),
            *_requirements("requirements.txt"),
            *_runtime(),
            f"COPY pipeline {PIPELINE}",
            "",
            *_labels(pipeline, "training"),
            f"USER {USER}:{USER}",
            "WORKDIR /tmp",
            'CMD ["python", "-m", "jupyter_mlops.pipeline.runtime", "--help"]',
            "",
        ]
    )


def serving(pipeline: Source, base: str) -> str:
    """Return the Dockerfile of the image that answers requests; raises as `training` does."""
    health = (
        "import urllib.request as r; "
        f"r.urlopen('http://127.0.0.1:{PORT}/v2/health/ready', timeout=3)"
    )
    command = ["python", "-m", "jupyter_mlops.serving", "--release", RELEASE]
    command += ["--host", "0.0.0.0", "--port", str(PORT), "--log", PREDICTIONS]
    return "\n".join(
        [
            *_start(pipeline, base, "answers requests"),
            *_requirements("requirements-serving.txt"),
            f"RUN install -d -o {USER} -g {USER} {PREDICTIONS}",
            "",
            *_runtime(),
            f"COPY release {RELEASE}",
            "",
            *_labels(pipeline, "serving"),
            f"USER {USER}:{USER}",
            "WORKDIR /tmp",
            f"EXPOSE {PORT}",
            "HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \\",
            f'  CMD ["python", "-c", "{health}"]',
            f"CMD [{', '.join(_quoted(part) for part in command)}]",
            "",
        ]
    )


def check_base(base: str) -> str:
    """Return ``base`` if it is an image reference; raises `MlopsError` ``images.base``."""
    if not _REFERENCE.fullmatch(base):
        raise MlopsError(
            "images.base",
            f"{base!r} is no image reference.",
            hint='set images.base in mlops.toml to something like "python:3.11-slim".',
        )
    return base


def _start(pipeline: Source, base: str, does: str) -> list[str]:
    return [
        f"# Written by jupyter-mlops: the image that {does}. Promote the notebook to change it.",
        f"FROM {check_base(base)}",
        "",
        "# Where a build finds packages; not set by default.",
        *(f"ARG {name}" for name in BUILD_ARGS),
        "",
        "ENV PATH=/opt/env/bin:$PATH \\",
        "    PYTHONPATH=/app/runtime \\",
        "    PYTHONDONTWRITEBYTECODE=1 \\",
        "    PYTHONUNBUFFERED=1 \\",
        *(f"    {name}={value} \\" for name, value in HASHES.items()),
        "    HOME=/tmp \\",
        "    USER=mlops",
        "",
    ]


def _requirements(name: str) -> list[str]:
    # --no-deps: the file is complete, and what ran in the notebook need not satisfy a resolver.
    return [
        "# Hashes in the file make pip refuse any other content.",
        f"COPY {name} /app/{name}",
        "RUN python -m venv --without-pip /opt/env \\",
        "    && pip --python /opt/env/bin/python install \\",
        f"      --quiet --no-cache-dir --no-compile --no-deps -r /app/{name} \\",
        "    && find /opt/env -depth -type d -name tests -exec rm -rf {} + \\",
        "    && python -m compileall -q -j 0 /opt/env/lib",
        "",
    ]


def _runtime() -> list[str]:
    return [
        "# The code that runs in the container, and the notebook's own modules.",
        "COPY runtime /app/runtime",
        "RUN python -m compileall -q /app/runtime",
        "",
    ]


def _labels(pipeline: Source, role: str) -> list[str]:
    title = f"{pipeline.name} {role}"
    return [
        f"LABEL org.opencontainers.image.title={_quoted(title)} \\",
        f"      org.opencontainers.image.revision={_quoted(pipeline.notebook_digest)} \\",
        f"      mlops.notebook={_quoted(pipeline.notebook)} \\",
        f"      mlops.role={_quoted(role)}",
        "",
    ]


def _quoted(text: str) -> str:
    """Quote text for a Dockerfile: nothing is expanded, no line ends."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return '"' + re.sub(r'([\\"$])', r"\\\1", line) + '"'
