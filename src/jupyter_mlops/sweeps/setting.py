"""What a sweep is about: the notebook, what is the same for all points, and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..notebook.document import Notebook
from ..notebook.parameters import Parameter, read_parameters
from ..project import Project

FOLDER = "sweeps"


@dataclass(frozen=True, slots=True)
class Setting:
    """``name`` is the sweep's own run, ``fixed`` are the parameters that all points share."""

    project: Project
    notebook: Notebook
    name: str
    fixed: Mapping[str, Any]

    @property
    def declared(self) -> tuple[Parameter, ...]:
        """The notebook's own parameters."""
        return read_parameters(self.notebook)

    @property
    def secrets(self) -> list[str]:
        """References to secrets among the parameters that all points share."""
        secret = {each.name for each in self.declared if each.secret}
        return [v for name, v in self.fixed.items() if name in secret and v is not None]

    @property
    def folder(self) -> Path:
        """The sweep's folder, which `make_folder` makes."""
        return self.project.state / FOLDER / self.name

    def make_folder(self) -> Path:
        """Make the sweep's folder; raises `MlopsError` ``project.read-only`` or such."""
        self.project.folder(FOLDER, self.name, "logs")
        return self.project.folder(FOLDER, self.name, "points")
