"""The parts of a promotion that make files and images: pipeline folder, contexts, builds."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .. import values
from ..errors import MlopsError
from ..images import context, dockerfile, requirements
from ..notebook.document import Notebook
from ..pipeline.generate import generate
from ..pipeline.model import Pipeline
from ..pipeline.targets import Target
from ..progress import Progress, Stage
from ..project import Project
from .releases import Release

if TYPE_CHECKING:
    from ..images.engine import Engine


def base_image(project: Project) -> str:
    """Return the base of all images: the setting, or the slim image of this Python."""
    default = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    return project.settings.images.base or default


def connect(images: str, project: Project) -> Progress[Engine | None]:
    """Return the Docker engine to build with, or None after saying why there is none."""
    if images == "none":
        return None
    from ..images.engine import Engine

    stage = Stage("engine")
    try:
        engine = Engine.connect(project.settings.images)
        engine.require_base(base_image(project))
    except MlopsError as error:
        if images == "require":
            raise
        yield stage.notice(
            f"{error.message} This is a local release: steps and server run as processes."
        )
        return None
    return engine
