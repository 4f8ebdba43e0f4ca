"""The parts of a promotion that make files and images: locks, Dockerfiles, contexts, builds."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import values
from ..errors import MlopsError
from ..images import context, dockerfile, requirements
from ..notebook.document import Notebook
from ..pipeline import generate as generation
from ..pipeline.model import Pipeline
from ..pipeline.targets import Target
from ..pipeline.targets.local import LocalTarget
from ..progress import Progress, Stage
from ..project import Project
from ..values import Observation
from .releases import Release

if TYPE_CHECKING:
    from ..images.engine import Engine

Images = Literal["auto", "require", "none"]

_LOADED = "sorted({name.partition('.')[0] for name in __import__('sys').modules})"
# What a kernel and capture load by themselves.
_KERNEL = ("cloudpickle", "filelock", "ipykernel", "msgspec", "orjson", "pydantic", "xxhash")


def plan_modules(pipeline: Pipeline, reference: Path) -> tuple[Observation, ...]:
    """Return what to observe of the notebook's run to learn which modules it really loaded."""
    last = max((cell for step in pipeline.steps for cell in step.cells), key=lambda c: c.position)
    return (Observation(last.id, str(reference / "modules"), (), {"modules": _LOADED}),)


def loaded_modules(reference: Path) -> frozenset[str]:
    """Return the top-level modules that the notebook's run loaded beyond the kernel's own.

    A package may import what it does not declare; only the run itself shows that.
    """
    found: dict[str, Any] = {}
    values.load(reference / "modules", found)
    # Setuptools hooks itself into every start of Python by a module that begins with `_`.
    modules = [name for name in found["modules"] if not name.startswith("_")]
    return requirements.provided(modules, without=_KERNEL)


class Builder:
    """Makes the generated folder and, where there is an engine, the images of one release."""

    def __init__(
        self,
        project: Project,
        notebook: Notebook,
        pipeline: Pipeline,
        version: int,
        engine: Engine | None,
        scratch: Path,
        loaded: frozenset[str],
    ) -> None:
        self.project = project
        self.notebook = notebook
        self.pipeline = pipeline
        self.version = version
        self.engine = engine
        self.scratch = scratch
        self._loaded = loaded
        self._serving: requirements.Needs | None = None
        self._cells = notebook.path.resolve().parent

    def tag(self, kind: str) -> str:
        """Return the name of the ``training`` or ``serving`` image."""
        prefix = self.project.settings.images.prefix
        return f"{prefix}/{self.pipeline.name}-{kind}:{self.version}"

    def generate(self, folder: Path) -> None:
        """Write the pipeline folder with the lock and Dockerfile of its training image."""
        needs = self._training_needs
        files = {
            "Dockerfile": dockerfile.training(self.pipeline, base_image(self.project)),
            "requirements.txt": requirements.lock(needs.pins),
        }
        generation.generate(self.pipeline, self.notebook, folder, files=files)

    def add_serving(self, release: Path) -> None:
        """Add the lock and Dockerfile of the serving image to the release's pipeline folder."""
        folder = release / "pipeline"
        needs = self._serving_needs(release)
        texts = {
            name: (folder / name).read_text(encoding="utf-8")
            for name in ("Dockerfile", "requirements.txt")
        }
        texts["Dockerfile.serving"] = dockerfile.serving(self.pipeline, base_image(self.project))
        texts["requirements-serving.txt"] = requirements.lock(needs.pins)
        generation.generate(self.pipeline, self.notebook, folder, files=texts)

    def target(self, folder: Path, timeout: float | None = None) -> Progress[Target]:
        """Return where the pipeline runs: the training image, built here, or this Python.

        No step may take longer than ``timeout`` seconds.
        """
        if self.engine is None:
            return LocalTarget(timeout=timeout)
        from ..pipeline.targets.docker import DockerTarget

        local = self._training_needs.local
        where = context.training(self.scratch / "training", pipeline=folder, local=local)
        image = yield from self.engine.build(where, context.DOCKERFILE, self.tag("training"))
        return DockerTarget(self.engine, image.tags[0], timeout=timeout)

    def serving_image(self, release: Path) -> Progress[None]:
        """Build the image that serves the staged release."""
        assert self.engine is not None
        local = self._serving_needs(release).local
        where = context.serving(self.scratch / "serving", release=release, local=local)
        yield from self.engine.build(where, context.DOCKERFILE, self.tag("serving"))

    @cached_property
    def _training_needs(self) -> requirements.Needs:
        steps = self.pipeline.steps
        cells = [cell for step in steps for cell in (*step.prelude, *step.cells)]
        modules = set(requirements.RUNTIME_STEP) | self._loaded
        for cell in cells:
            modules |= requirements.imported_modules(cell.source)
        return requirements.needs(modules, folder=self._cells, step=True)

    def _serving_needs(self, release: Path) -> requirements.Needs:
        if self._serving is None:
            self._serving = self._find_serving_needs(release)
        return self._serving

    def _find_serving_needs(self, release: Path) -> requirements.Needs:
        source = (release / "serving" / "serve.py").read_text(encoding="utf-8")
        modules = requirements.imported_modules(source)
        modules |= values.modules(release / "serving" / "state")
        modules |= set(requirements.RUNTIME_SERVING)
        return requirements.needs(modules, folder=self._cells)


def base_image(project: Project) -> str:
    """Return the base of all images: the setting, or the slim image of this Python."""
    default = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    return project.settings.images.base or default


def connect(images: Images, project: Project) -> Progress[Engine | None]:
    """Return the Docker engine to build with, or None after saying why there is none."""
    if images == "none":
        return None
    from ..images.engine import Engine

    try:
        engine = Engine.connect(project.settings.images)
        engine.require_base(base_image(project))
    except MlopsError as error:
        if images == "require":
            raise
        yield Stage("engine").notice(
            f"{error.message} So this is a local release: steps and server run as processes."
        )
        return None
    return engine


def publish_folder(project: Project, release: Release) -> tuple[str, tuple[str, ...]]:
    """Bring ``pipelines/<name>/`` to the release's pipeline folder.

    Returns its name, and the names in it under which files that the user had edited are kept.
    """
    name = f"pipelines/{release.name}"
    return name, generation.publish(release.folder / "pipeline", project.root / name)
