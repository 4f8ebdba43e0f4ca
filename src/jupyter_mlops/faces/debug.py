"""``%mlops debug``: a step's exact inputs in the live kernel, to try its cells there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .. import values
from .._random_state import STATES, restore
from ..errors import MlopsError, Place
from ..pipeline import manifest
from ..pipeline.model import Pipeline, Step
from ..pipeline.run import LocalRun, find
from ..pipeline.work import RESULT, outputs_folder, step_folder
from ..project import Project
from .views import Table, View

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def debug(shell: InteractiveShell, words: list[str]) -> View:
    """Put a step's parameters, prelude and inputs into the kernel's variables, and say what failed.

    ``words``: the run (name, unique prefix, default: the newest) and the step (default: the one
    that failed). Variables that stand in the way are kept as ``<name>_before_debug``.

    Raises
    ------
    MlopsError
        ``run.unknown``, ``debug.step`` where no step has failed or there is none of that name,
        ``values.missing`` where a step before it left nothing.
    """
    run = find(Project.find(), words[0] if words else "latest")
    pipeline = manifest.read_folder(run.pipeline_folder)
    step = _step(run, pipeline, words[1] if len(words) > 1 else None)
    given: dict[str, Any] = {
        name: value for name, value in _parameters(run, pipeline).items() if name in step.parameters
    }
    for provider in dict.fromkeys(step.inputs.values()):
        names = [name for name, giver in step.inputs.items() if giver == provider]
        values.load(outputs_folder(run.work, provider), given, names)
    kept = _set_aside(shell.user_ns, given)
    run_cell: Any = shell.run_cell
    for cell in step.prelude:
        run_cell(cell.source, store_history=False, silent=True).raise_error()
    for name in STATES & set(given):
        restore(name, given.pop(name))
    shell.user_ns.update(given)
    return _view(run, step, given, kept)


def _step(run: LocalRun, pipeline: Pipeline, name: str | None) -> Step:
    failed = next((n for n, each in run.steps.items() if each["status"] == "failed"), None)
    wanted = name or failed
    known = [step.name for step in pipeline.steps]
    if wanted is None:
        raise MlopsError(
            "debug.step",
            f"No step of the run {run.name} has failed.",
            hint=f"name the step: `%mlops debug {run.name} STEP`; it has {', '.join(known)}.",
        )
    if wanted not in known:
        raise MlopsError(
            "debug.step",
            f"The run {run.name} has no step `{wanted}`.",
            hint=f"it has {', '.join(known)}.",
        )
    return pipeline.step(wanted)


def _parameters(run: LocalRun, pipeline: Pipeline) -> dict[str, Any]:
    return manifest.convert_parameters(pipeline, run.parameters)


def _set_aside(namespace: dict[str, Any], given: dict[str, Any]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name in given:
        if name in namespace and namespace[name] is not given[name]:
            kept[name] = f"{name}_before_debug"
            namespace[kept[name]] = namespace[name]
    return kept


def _view(run: LocalRun, step: Step, given: dict[str, Any], kept: dict[str, str]) -> View:
    lines = [f"The kernel has what the step `{step.name}` of the run {run.name} started with."]
    error = _error(run, step)
    if error is not None:
        lines.append(str(error))
    cells = ", ".join(str(cell.position) for cell in step.cells)
    lines.append(f"Its cells are {cells} of {run.notebook}: run them here.")
    rows = [
        [name, type(value).__name__, _origin(step, name), kept.get(name, "")]
        for name, value in given.items()
    ]
    table = Table("", ("variable", "type", "from", "what was there is kept as"), rows)
    return View(lines, [table] if rows else [], {"run": run.name, "step": step.name})


def _origin(step: Step, name: str) -> str:
    return f"step {step.inputs[name]}" if name in step.inputs else "parameters"


def _error(run: LocalRun, step: Step) -> MlopsError | None:
    try:
        content = json.loads((step_folder(run.work, step.name) / RESULT).read_text())["error"]
    except (OSError, ValueError, KeyError):
        return None
    if not content:
        return None
    place = Place(**content["place"]) if content.get("place") else None
    return MlopsError(content["code"], content["message"], place=place)
