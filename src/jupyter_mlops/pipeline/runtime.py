"""Runs one step of a generated pipeline folder: ``python -m jupyter_mlops.pipeline.runtime``.

It loads the step's inputs, runs its cells verbatim, and leaves in ``WORK/steps/<step>/``:
what `jupyter_mlops.pipeline.work` lists. The executed notebook and ``result.json`` are also left by
a step that fails. The exit code is 0, or 1 for a failed step.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .. import values
from ..errors import MlopsError, Place
from ..notebook import moments, secret_references
from ..notebook.document import Cell
from ..notebook.tags import RAISES
from . import lifeline, manifest, whereabouts
from .execution import Execution, Session
from .model import Pipeline, Step
from .touched import Touched
from .work import (
    EXECUTED,
    RESULT,
    metrics_observation,
    outputs_folder,
    serving_observation,
    step_folder,
)

STEP_VARIABLE = "JUPYTER_MLOPS_STEP"
_SAVE_EVERY = 5.0
"""Seconds; a step that is killed leaves an executed notebook that is at most so old."""


def run_step(folder: Path, name: str, work: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Run one step in this process and return the content of its ``result.json``."""
    start = time.perf_counter()
    pipeline = manifest.read_folder(folder)
    try:
        step = pipeline.step(name)
    except KeyError:
        raise MlopsError(
            "step.unknown",
            f"The pipeline has no step `{name}`.",
            hint=f"it has: {', '.join(each.name for each in pipeline.steps)}.",
            place=Place(str(folder)),
        ) from None
    os.environ[STEP_VARIABLE] = name
    run = StepRun(pipeline, step, work.resolve())
    run.touched.start()
    error = run.execute(manifest.convert_parameters(pipeline, given))
    return run.finish(error, time.perf_counter() - start)


class StepRun:
    """One step while it runs; ``session`` is a new one, where none is given."""

    def __init__(
        self, pipeline: Pipeline, step: Step, work: Path, session: Session | None = None
    ) -> None:
        self.pipeline = pipeline
        self.step = step
        self.work = work
        self.folder = step_folder(work, step.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        for stale in (RESULT, EXECUTED):
            (self.folder / stale).unlink(missing_ok=True)
        self.scratch = self.folder / ".scratch"
        whereabouts.tell_on_signal(self.folder)
        if not os.access(Path.home(), os.W_OK):
            # matplotlib looks for fonts only once, where it may keep what it found
            os.environ.setdefault("MPLCONFIGDIR", str(work / ".matplotlib"))
        self.session = session or Session(pipeline.notebook, self.scratch)
        self.touched = Touched(work)
        self.executions: list[Execution] = []
        self.outputs: dict[str, str] = {}
        self.parameters: dict[str, Any] = {}
        self._redactor = secret_references.Redactor(())
        self._saved = time.monotonic()

    def execute(self, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """Run the step; return the error as a dict, or None."""
        self.parameters = parameters
        namespace = self.session.namespace
        try:
            self.prepare(namespace)
            for cell in self.step.cells:
                self.run(cell)
            self.keep_outputs(namespace)
            if self.step.metrics:
                values.observe(metrics_observation(self.step, self.work), namespace, None)
        except _CellFailed as failed:
            return failed.error
        except MlopsError as error:
            return {**error.to_dict(), "traceback": traceback.format_exc().splitlines()}
        return None

    def prepare(self, namespace: dict[str, Any]) -> None:
        """Bring ``namespace`` to where the step's own cells begin."""
        namespace.update({**self.parameters, **self.read_secrets(self.parameters)})
        for cell in self.step.prelude:
            self.run(cell)
        # After the prelude, so that a class which it defines stays that class in the inputs.
        self._load_inputs(namespace)

    def keep_outputs(self, namespace: dict[str, Any]) -> None:
        """Write what later steps read."""
        folder = outputs_folder(self.work, self.step.name)
        dump = partial(values.dump, optional=True)
        self.outputs = self._keep(dump, namespace, self.step.outputs, folder)

    def finish(self, error: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
        """Write the executed notebook and ``result.json``."""
        self._save_notebook()
        shutil.rmtree(self.scratch, ignore_errors=True)
        (self.folder / whereabouts.FILE).unlink(missing_ok=True)
        touched = self.touched.end()
        namespace = self.session.namespace
        metrics = {
            name: float(namespace[name])
            for name in self.step.metrics
            if values.is_number(namespace.get(name))
        }
        result = {
            "step": self.step.name,
            "status": "failed" if error else "ok",
            "seconds": round(seconds, 3),
            "outputs": self.outputs,
            "metrics": metrics,
            "error": error,
            "touched": touched,
            **self.more(),
        }
        result = self._without_secrets(result)
        _write(self.folder / RESULT, json.dumps(result, indent=1))
        return result

    def more(self) -> dict[str, Any]:
        """Return what ``result.json`` tells beside what every step's does."""
        return {}

    def waiting(self) -> list[Cell]:
        """Return the cells that have not been run yet."""
        return [*self.step.prelude, *self.step.cells][len(self.executions) :]

    def read_secrets(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        """Return the values of those parameters that are references to secrets."""
        found: dict[str, str] = {}
        for each in self.pipeline.parameters:
            reference = parameters.get(each.name)
            if not each.secret or not secret_references.is_reference(reference):
                continue
            try:
                found[each.name] = secret_references.resolve(str(reference))
            except ValueError as error:
                raise MlopsError(
                    "parameters.secret",
                    f"The secret `{each.name}` cannot be read: {error}.",
                    hint="give the step that environment variable or file where it runs.",
                    place=Place(self.pipeline.notebook),
                ) from None
        self._redactor = secret_references.Redactor(found.values())
        self.session.keep_out(self._redactor)
        return found

    def _without_secrets(self, content: dict[str, Any]) -> dict[str, Any]:
        return self._redactor.all(content) if self._redactor else content  # type: ignore[return-value]

    def _load_inputs(self, namespace: dict[str, Any]) -> None:
        providers: dict[str, list[str]] = {}
        for name, provider in self.step.inputs.items():
            providers.setdefault(provider, []).append(name)
        for provider, names in providers.items():
            values.load(outputs_folder(self.work, provider), namespace, names)

    def run(self, cell: Cell) -> None:
        """Run one cell; what fails ends the step, but for what is meant to fail."""
        execution = self.session.run(cell)
        self.executions.append(execution)
        if time.monotonic() - self._saved > _SAVE_EVERY:
            self._save_notebook()
        if execution.error is not None and RAISES not in cell.tags:
            raise _CellFailed(self._describe(execution))
        serving = self.pipeline.serving
        if serving is not None and serving.step == self.step.name and serving.cell.id == cell.id:
            observation = serving_observation(serving, self.work)
            self._keep(values.observe, observation, self.session.namespace, execution.result)

    def _keep(self, keep: Any, *arguments: Any) -> dict[str, str]:
        try:
            return keep(*arguments)  # type: ignore[no-any-return]
        except MlopsError as error:
            if error.code.startswith("values.") and self.step.cells:
                cell = self.step.cells[-1]
                error.place = Place(self.pipeline.notebook, cell.position, cell.id)
            raise

    def _describe(self, execution: Execution) -> dict[str, Any]:
        error = execution.error
        text = f"{type(error).__name__}: {error}".strip().splitlines()
        failed = MlopsError(
            "step.failed",
            f"The step `{self.step.name}` failed: {text[0].rstrip('.')}.",
            hint="mend the cell in the notebook.",
            place=self.session.place(execution),
        )
        shown = (each for each in execution.outputs if each["output_type"] == "error")
        return {**failed.to_dict(), "traceback": next(shown)["traceback"]}

    def _save_notebook(self) -> None:
        self._saved = time.monotonic()
        cells = [_executed(execution) for execution in self.executions]
        cells += [_executed(Execution(cell, 0)) for cell in self.waiting()]
        notebook = {
            "cells": [*self._introduction(), *cells],
            "metadata": {
                "kernelspec": {
                    "name": "python3",
                    "display_name": "Python 3 (ipykernel)",
                    "language": "python",
                },
                "language_info": {"name": "python"},
                "jupyter_mlops": {"pipeline": self.pipeline.name, "step": self.step.name},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        notebook = self._without_secrets(notebook)
        _write(self.folder / EXECUTED, json.dumps(notebook, indent=1, default=str))

    def _introduction(self) -> list[dict[str, Any]]:
        """Return the cells that say what the step was given."""
        inputs = ", ".join(f"`{name}` from `{step}`" for name, step in self.step.inputs.items())
        text = (
            f"Step `{self.step.name}` of the pipeline `{self.pipeline.name}`, "
            f"from `{self.pipeline.notebook}`.\n\nInputs: {inputs or 'none'}."
        )
        lines = [f"{n} = {moments.source(v) or repr(v)}" for n, v in self.parameters.items()]
        about: dict[str, Any] = {
            "cell_type": "markdown",
            "id": "mlops-about",
            "metadata": {},
            "source": text,
        }
        if not lines:
            return [about]
        parameters = Cell("mlops-parameters", 0, "code", "\n".join(lines), ("injected-parameters",))
        return [about, _executed(Execution(parameters, 0))]


class _CellFailed(Exception):
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.error = error


def _executed(execution: Execution) -> dict[str, Any]:
    """Return an executed cell as nbformat 4.5 has it."""
    cell = execution.cell
    metadata: dict[str, Any] = {"tags": list(cell.tags)} if cell.tags else {}
    if execution.count:
        metadata["jupyter_mlops"] = {"seconds": round(execution.seconds, 3)}
    return {
        "cell_type": "code",
        "id": cell.id,
        "metadata": metadata,
        "execution_count": execution.count or None,
        "source": cell.source,
        "outputs": execution.outputs,
    }


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the step that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlops.pipeline.runtime")
    parser.add_argument("--pipeline", type=Path, required=True, help="the generated folder")
    parser.add_argument("--step", required=True, help="name of the step")
    parser.add_argument("--work", type=Path, required=True, help="where steps leave their outputs")
    parser.add_argument("--parameters", type=Path, help="JSON file that overrides the defaults")
    parser.add_argument("--cwd", type=Path, help="working directory of the cells")
    parser.add_argument("--lifeline", type=int, help="descriptor that keeps the step alive")
    options = parser.parse_args(arguments)
    if options.lifeline is not None:
        lifeline.hold(options.lifeline)
    folder, work = options.pipeline.resolve(), options.work.resolve()
    try:
        given = json.loads(options.parameters.read_text()) if options.parameters else {}
        if options.cwd is not None:
            os.chdir(options.cwd)
        if "" not in sys.path:
            sys.path.insert(0, "")  # as in a kernel: modules beside the notebook
        result = run_step(folder, options.step, work, given)
    except MlopsError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        _write_failure(work, options.step, error)
        return 1
    return 0 if result["status"] == "ok" else 1


def _write_failure(work: Path, step: str, error: MlopsError) -> None:
    folder = step_folder(work, step)
    if not folder.parent.parent.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "step": step,
        "status": "failed",
        "seconds": 0.0,
        "outputs": {},
        "metrics": {},
        "error": {**error.to_dict(), "traceback": []},
    }
    _write(folder / RESULT, json.dumps(content, indent=1))


if __name__ == "__main__":
    # The cells get a `__main__` of their own; this module goes on under its real name.
    from jupyter_mlops.pipeline.runtime import main as run

    sys.exit(run())
