"""Variables of a run that are still to be had: kept by a pipeline's run that did the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import values
from ..capture.scalars import text
from ..errors import MlopsError
from ..notebook.document import Cell, Notebook
from ..project import Project
from . import manifest
from .compile import compile_notebook
from .model import Pipeline, Step
from .run import LocalRun, find, runs
from .work import metrics_folder, outputs_folder


@dataclass(frozen=True, slots=True)
class Recalled:
    """Where variables were found: in ``run``, a run of a pipeline, as what ``steps`` left.

    ``parameters`` are those that the steps were given; ``prelude`` are the cells that imported and
    defined what they need.
    """

    run: LocalRun
    steps: tuple[Step, ...]
    parameters: dict[str, Any]
    prelude: tuple[Cell, ...]

    def load(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables by name; of several steps' values of a name, the last one.

        ``names`` is what is there already, for values that need it. Raises as `values.load` does.
        """
        found = dict(self.parameters)
        for step in self.steps:
            for folder in (outputs_folder, metrics_folder):
                place = folder(self.run.work, step.name)
                if place.is_dir():
                    given = dict(names)
                    loaded = values.load(place, given)
                    found |= {name: given[name] for name in loaded}
        return found


def recall_pipeline(project: Project, run: str) -> Recalled | None:
    """Return what a pipeline's own run has kept; raises `MlopsError` ``run.unknown``."""
    own = find(project, run)
    pipeline = manifest.read_folder(own.pipeline_folder)
    return _recalled(own, pipeline, [step for step in pipeline.steps if _is_kept(own, step)])


def recall(project: Project, notebook: Notebook, parameters: Mapping[str, str]) -> Recalled | None:
    """Return where the variables of a notebook's run are kept, None where nowhere.

    They are where a pipeline's run has executed the same cells with the same parameters, as far as
    it has.
    """
    try:
        wanted = compile_notebook(notebook)
    except MlopsError:
        return None  # a notebook without steps has left nothing
    best: Recalled | None = None
    for each in runs(project):
        try:
            pipeline = manifest.read_folder(each.pipeline_folder)
        except MlopsError:
            continue  # of another version, or removed in part
        same = _same_steps(wanted, pipeline, each, parameters)
        if same and (best is None or len(same) > len(best.steps)):
            best = _recalled(each, pipeline, same)
    return best


def _same_steps(
    wanted: Pipeline, pipeline: Pipeline, run: LocalRun, parameters: Mapping[str, str]
) -> list[Step]:
    """Return the steps that are what is wanted, with all that they take their inputs from."""
    defaults = {each.name: each.default for each in pipeline.parameters}
    there = {step.name: step for step in pipeline.steps}
    found: dict[str, Step] = {}
    for step in wanted.steps:
        other = there.get(step.name)
        if other is None or _plain(step) != _plain(other) or not _is_kept(run, other):
            continue
        given = {n: text(run.parameters.get(n, defaults.get(n))) for n in other.parameters}
        alike = all(parameters.get(name) == value for name, value in given.items())
        if alike and set(step.upstream) <= found.keys():
            found[step.name] = other
    return list(found.values())


def _plain(step: Step) -> Any:
    cells = [[(c.source, sorted(c.tags)) for c in part] for part in (step.prelude, step.cells)]
    return replace(step, prelude=(), cells=(), metrics=()), cells


def _is_kept(run: LocalRun, step: Step) -> bool:
    done = run.steps.get(step.name, {}).get("status") == "ok"
    return done and (not step.outputs or outputs_folder(run.work, step.name).is_dir())


def _recalled(run: LocalRun, pipeline: Pipeline, steps: list[Step]) -> Recalled | None:
    if not steps:
        return None
    prelude = {cell.position: cell for step in steps for cell in step.prelude}
    read = {name for step in steps for name in step.parameters}
    known = manifest.convert_parameters(pipeline, run.parameters)
    parameters = {name: value for name, value in known.items() if name in read}
    return Recalled(run, tuple(steps), parameters, tuple(prelude[n] for n in sorted(prelude)))
