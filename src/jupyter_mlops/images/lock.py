"""Locks: exact versions in the form of pip's ``requirements.txt``, with hashes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

_TITLE = (
    "# The environment the notebook ran in, written by jupyter-mlops; promote again to change it.\n"
)
_PLAIN = "# Without hashes: the package index could not give one for every version.\n"
_UV_SECONDS = 120


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One distribution in one version; ``name`` is normalised (PEP 503)."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def lock(pins: Iterable[Pin], *, index: str | None = None) -> str:
    """Return the text of a ``requirements.txt``: sorted, exact, with hashes where possible.

    Without an answer of the package index the text has no hashes and says so. It names no host.

    Parameters
    ----------
    index
        URL of the package index; default: uv's and pip's own settings in the environment.
    """
    plain = "".join(f"{pin}\n" for pin in sorted(set(pins)))
    if not plain:
        return _TITLE
    hashed = _hashed(plain, index or os.environ.get("PIP_INDEX_URL"))
    return _TITLE + (hashed if hashed is not None else _PLAIN + plain)


def _hashed(plain: str, index: str | None) -> str | None:
    import uv

    command = [uv.find_uv_bin(), "pip", "compile", "-", "--no-deps", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command += ["--quiet", "--python", sys.executable]
    if index:
        command += ["--default-index", index]
    environment = {"UV_HTTP_TIMEOUT": "15", **os.environ}
    # Offline uv knows what it has asked before, so that the same notebook gives the same bytes.
    for offline in ([], ["--offline"]):
        try:
            done = subprocess.run(
                [*command, *offline],
                input=plain,
                env=environment,
                capture_output=True,
                text=True,
                timeout=_UV_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and _covers(done.stdout, plain):
            return done.stdout
    return None


def _covers(hashed: str, plain: str) -> bool:
    """Tell whether each pin has a hash: pip wants one for all of them or for none."""
    entries = [entry for entry in hashed.replace("\\\n", " ").splitlines() if entry.strip()]
    names = {entry.split()[0] for entry in entries if "--hash=" in entry}
    return names == set(plain.split())
