"""The environment: every installed distribution with its exact version, found in milliseconds."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from .records import Environment

_INFO = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)(?:-.+)?\.(?:dist|egg)-info\Z")


def environment() -> Environment:
    """Return the distributions on ``sys.path``.

    Names and versions are read from the names of the folders, which the packaging standard fixes;
    opening each METADATA file would take a hundred times as long. ``local`` names those that were
    installed from a folder or a repository, which no index can give again.
    """
    found: dict[str, str] = {}
    local: list[str] = []
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            match = _INFO.match(entry)
            if match is None:
                continue
            name = re.sub(r"[-_.]+", "-", match["name"]).lower()
            if name in found:
                continue  # the first on the path is the one that is imported
            found[name] = match["version"]
            if (Path(folder) / entry / "direct_url.json").exists():
                local.append(name)
    return Environment(
        time=time.time(), distributions=dict(sorted(found.items())), local=tuple(sorted(local))
    )


def requirements(environment: Environment) -> str:
    """Return the text of a ``requirements.txt``; what no index can give stands in comments."""
    lines = [
        f"# {name}=={version} was installed from a folder or repository"
        if name in environment.local
        else f"{name}=={version}"
        for name, version in environment.distributions.items()
    ]
    return "".join(f"{line}\n" for line in lines)
