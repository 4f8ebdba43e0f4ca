"""The reference run: the notebook from a clean kernel, with what the proof needs kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..notebook.document import Notebook
from ..progress import Progress, Stage
from ..project import Project
from ..rerun.rerun import Rerun, rerun
from ..values import Observation
from .model import Pipeline
from .prove import reference_plan

Plan = Callable[[Pipeline, Path], Sequence[Observation]]
"""What else to keep of the run, in which folder."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A notebook that has run; ``folder`` holds what each step left, as a work folder does.

    ``pipeline`` is what the notebook compiles to with all that is known after the run.
    """

    pipeline: Pipeline
    run: Rerun
    folder: Path


def run_reference(
    project: Project,
    notebook: Notebook,
    pipeline: Pipeline,
    parameters: Mapping[str, Any],
    folder: Path,
    *,
    kind: str,
    plan: Plan | None = None,
) -> Progress[Reference]:
    """Run the notebook from a clean kernel and keep what each step leaves in ``folder``.

    Raises `MlopsError` as `jupyter_mlops.rerun.rerun` does.
    """
    stage = Stage("notebook")
    yield stage.started(f"running {notebook.name} from a clean kernel")
    observations = [*reference_plan(pipeline, folder)]
    if plan is not None:
        observations += plan(pipeline, folder)
    run = yield from rerun(
        notebook.path, parameters, project=project, observe=observations, kind=kind
    )
    yield stage.done(f"the notebook ran: run {run.run}", run=run.run)
    return Reference(pipeline, run, folder)
