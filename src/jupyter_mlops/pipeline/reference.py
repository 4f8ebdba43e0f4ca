"""The reference run: the notebook from a clean kernel, with what the proof needs kept of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import MlopsError
from ..notebook import tags
from ..notebook.document import Notebook
from ..notebook.observed import ObservedFlow
from ..progress import Progress, Stage
from ..project import Project
from ..rerun.rerun import Rerun, rerun
from ..values import Observation
from .compile import compile_notebook
from .model import Pipeline
from .prove import reference_plan
from .travel import check_travel

Plan = Callable[[Pipeline, Path], Sequence[Observation]]
"""What else to keep of the run, in which folder."""

FLOW = "flow.json"
_MOST_RUNS = 3


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
    timeout: float | None = None,
) -> Progress[Reference]:
    """Run the notebook from a clean kernel and keep what each step leaves in ``folder``.

    What the cells were seen to do to the variables is joined with what their code shows. Where
    other steps follow from that, the notebook is run again to keep what these leave; the run that
    counts is the last one. Cells tagged ``skip`` are not run: they are no part of what is proven.
    No cell may take longer than ``timeout`` seconds.

    Raises `MlopsError` as `jupyter_mlops.rerun.rerun` and `compile_notebook` do, and
    ``pipeline.unsteady`` where each run shows something else, ``pipeline.cannot-travel`` where a
    step would have to hand on what no other process can be given.
    """
    stage = Stage("notebook")
    flow = ObservedFlow()
    for _ in range(_MOST_RUNS):
        yield stage.started(f"running {notebook.name} from a clean kernel")
        observations = [*reference_plan(pipeline, folder)]
        if plan is not None:
            observations += plan(pipeline, folder)
        run = yield from rerun(
            notebook.path,
            parameters,
            project=project,
            observe=observations,
            flow=folder / FLOW,
            without=tags.SKIP,
            kind=kind,
            timeout=timeout,
        )
        flow = flow.joined(read_flow(folder))
        joined = compile_notebook(notebook, flow)
        for notice in joined.notices:
            if notice not in pipeline.notices:
                yield stage.notice(f"{notice.message} ({notice.place})")
        same = replace(joined, notices=pipeline.notices) == pipeline
        pipeline = joined
        if same:
            check_travel(notebook, pipeline, folder)
            yield stage.done(f"the notebook ran: run {run.run}", run=run.run)
            return Reference(pipeline, run, folder)
        yield stage.notice("the run showed other steps than the code; running again with these")
        shutil.rmtree(folder)
    raise MlopsError(
        "pipeline.unsteady",
        f"The cells did something else to the variables in each of {_MOST_RUNS} runs.",
        hint="seed what draws random numbers, and look at what the notices above tell.",
        place=notebook.place(),
    )


def read_flow(folder: Path) -> ObservedFlow:
    """Return what the cells of a reference run were seen to do."""
    try:
        content = json.loads((folder / FLOW).read_text(encoding="utf-8"))
        return ObservedFlow.from_dict(content)
    except FileNotFoundError:
        return ObservedFlow()  # capture told why, in the run
