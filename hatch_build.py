"""Builds the sidebar into a wheel; the version of the wheel is the bundle's too."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = "src/jupyter_mlops/labextension"
TARGET = "share/jupyter/labextensions/jupyter-mlops"


class SidebarHook(BuildHookInterface):
    """Runs ``npm ci`` and ``npm run build:prod`` unless a production bundle is there already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the bundle to a standard wheel; for an editable one ``npm run build`` links it."""
        if version == "editable":
            return
        bundle = Path(self.root, BUNDLE)
        # only a development bundle has a build log, which tells of the machine it was built on
        if not (bundle / "package.json").exists() or (bundle / "build_log.json").exists():
            npm = shutil.which("npm")
            if npm is None:
                raise RuntimeError("building the sidebar needs Node.js 20 with npm on the PATH")
            for command in (["ci"], ["run", "build:prod"]):
                subprocess.run([npm, *command], cwd=Path(self.root, "labextension"), check=True)
        build_data["shared_data"][BUNDLE] = TARGET
