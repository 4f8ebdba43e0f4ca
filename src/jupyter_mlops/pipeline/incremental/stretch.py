"""The process of a stretch: ``python -m jupyter_mlops.pipeline.incremental.stretch``.

A stretch are units that run one after another, with none between them that is taken from the
cache. They share one process and one namespace, as the cells of a kernel do: what one unit leaves
is there for the next one, also where it could not be kept. What comes from a unit outside of the
stretch is loaded.

The parent sends lines of JSON, ``{"step": name}``, and hears ``{"cell": id}`` when a cell begins
and ``{"done": name}`` when the step has left its ``result.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from ... import values
from ...capture import session as capture
from ...capture.location import ORDER
from ...errors import MlopsError
from ...notebook.document import Cell
from ...notebook.secret_references import Redactor, resolve
from .. import lifeline
from ..execution import Session
from ..model import Step
from ..runtime import StepRun
from ..touched import Touched
from ..work import outputs_folder
from .assignment import CAPTURED, Assignment

_MAGIC = "mlops"
_REPEATED = "-imports"
"""What the id of a cell ends with that repeats parts of another one."""


@dataclass(slots=True)
class Stretch:
    """What the units of one process share."""

    assignment: Assignment
    session: Session
    tell: Callable[..., None] = lambda **_: None
    done: set[tuple[str, str]] = field(default_factory=set)
    """Cells that ran in this process, by id and source."""
    live: dict[str, tuple[str, int]] = field(default_factory=dict)
    """The provider of each variable that is here, and when it came: what came together is one."""
    unkept: dict[str, str] = field(default_factory=dict)
    """Variables that are nowhere but here, with their provider."""
    begun: bool = False
    _moments: int = 0

    def moment(self) -> int:
        self._moments += 1
        return self._moments


class LiveStep(StepRun):
    """A unit that goes on in the namespace of the units before it."""

    def __init__(self, stretch: Stretch, step: Step) -> None:
        given = stretch.assignment
        super().__init__(given.pipeline, step, given.work, stretch.session)
        self.stretch = stretch
        self.unkept: dict[str, str] = {}
        """Outputs that cannot be kept, with the reason."""
        self.touched = Touched(given.work, _not_read(given.path, step))
        self._modules = self.touched.modules()
        self._capture: Any = None

    def prepare(self, namespace: dict[str, Any]) -> None:
        stretch = self.stretch
        if not stretch.begun:
            stretch.begun = True
            namespace.update({**self.parameters, **self.read_secrets(self.parameters)})
        self._run_prelude()
        self._load(namespace)
        self._pass_over_modules()
        self._begin_capture()

    def run(self, cell: Cell) -> None:
        self.stretch.tell(cell=cell.id)
        super().run(cell)
        self.stretch.done.add((cell.id, cell.source))

    def keep_outputs(self, namespace: dict[str, Any]) -> None:
        """Write what later units read, but for what cannot be written."""
        name, moment = self.step.name, self.stretch.moment()
        folder = outputs_folder(self.work, name)
        wanted = list(self.step.outputs)
        try:
            if wanted:
                self.outputs = values.dump(namespace, wanted, folder, optional=True)
        except MlopsError as error:
            if error.code != "values.unserialisable":
                raise
            for each in wanted:
                if reason := _unkeepable(namespace, each):
                    self.unkept[each] = reason
            kept = [each for each in wanted if each not in self.unkept]
            self.outputs = values.dump(namespace, kept, folder, optional=True)
        for each in wanted:
            self.stretch.live[each] = name, moment
            self.stretch.unkept.pop(each, None)
        self.stretch.unkept |= dict.fromkeys(self.unkept, name)

    def more(self) -> dict[str, Any]:
        self._end_capture()
        return {
            "run": self.stretch.assignment.run,
            "cells": [cell.id for cell in self.step.cells],
            "unkept": self.unkept,
        }

    def waiting(self) -> list[Cell]:
        known = {execution.cell.id for execution in self.executions}
        return [cell for cell in self.step.cells if cell.id not in known]

    def _run_prelude(self) -> None:
        """Run what the step needs and this process has not run: silently, as no cell of the run."""
        done = self.stretch.done
        whole = [cell for cell in self.step.prelude if not cell.id.endswith(_REPEATED)]
        parts = [cell for cell in self.step.prelude if cell.id.endswith(_REPEATED)]
        ran = {name for name, _ in done}
        new = [cell for cell in whole if (cell.id, cell.source) not in done]
        if not all(c.id.removesuffix(_REPEATED) in ran or (c.id, c.source) in done for c in parts):
            # Settings count in their order: all of them again, where one is missing.
            new += parts
        for cell in sorted(new, key=lambda each: each.position):
            super().run(cell)
            done.add((cell.id, cell.source))
            if cell.id in self.stretch.assignment.definers:
                # What came before knows another class of that name: it is loaded anew.
                self.stretch.live.clear()

    def _load(self, namespace: dict[str, Any]) -> None:
        live = self.stretch.live
        providers: dict[str, list[str]] = {}
        for name, provider in self.step.inputs.items():
            if self.stretch.unkept.get(name) != provider:
                providers.setdefault(provider, []).append(name)
        for provider, names in providers.items():
            moments = {live.get(name, ("", 0)) for name in names}
            if len(moments) == 1 and moments.pop()[0] == provider:
                continue
            values.load(outputs_folder(self.work, provider), namespace, names)
            moment = self.stretch.moment()
            live.update(dict.fromkeys(names, (provider, moment)))

    def _pass_over_modules(self) -> None:
        """Let modules of units before not count, where nothing of this unit can come from them."""
        before = self._modules
        if not before or self.stretch.unkept:
            return
        texts = [cell.source for cell in (*self.step.prelude, *self.step.cells)]
        words = set(re.findall(r"\w+", "\n".join(texts)))
        for provider in set(self.step.inputs.values()):
            words |= values.modules(outputs_folder(self.work, provider))
        own = {
            name.partition(".")[0]
            for name, module in list(sys.modules.items())
            if getattr(module, "__file__", None) in before
        }
        if not own & words:
            self.touched.passed_over = before

    def _begin_capture(self) -> None:
        given = self.stretch.assignment
        order = {
            "run": given.run,
            "kind": "rerun",
            "notebook": str(given.path),
            "secrets": list(given.secrets),
            "journal": str(self.folder / CAPTURED),
            "part": True,
        }
        os.environ[ORDER] = json.dumps(order)
        shell = self.session.shell
        self._capture = capture.start(shell)
        first = min(cell.position for cell in self.step.cells)
        if self._capture is not None:
            self._capture.know(given.sources_before(first))
        if any(_MAGIC in cell.source for cell in self.step.cells):
            # The magics are a face, which this layer does not know.
            import_module(__name__.partition(".")[0]).load_ipython_extension(shell)

    def _end_capture(self) -> None:
        if self._capture is not None:
            self._capture.close()
            self._capture = None


def _not_read(path: Path, step: Step) -> tuple[Path, ...]:
    """Return the notebook itself, which capture reads, unless a cell speaks of it."""
    spoken = any(path.name in cell.source for cell in step.cells)
    return () if spoken else (path,)


def _unkeepable(namespace: Mapping[str, Any], name: str) -> str:
    if name not in namespace:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            values.dump(
                {name: namespace[name]}, [name], Path(folder) / "one", globals_of=dict(namespace)
            )
        except MlopsError as error:
            return error.message
    return ""


def serve(assignment: Assignment, commands: int, answers: int) -> None:
    """Run the steps that are asked for until nobody asks any more."""

    def tell(**content: str) -> None:
        os.write(answers, json.dumps(content).encode() + b"\n")

    with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
        session = Session(assignment.pipeline.notebook, Path(scratch))
        redactor = Redactor(resolve(each) for each in assignment.secrets)
        session.keep_out(redactor)
        stretch = Stretch(assignment, session, tell)
        with os.fdopen(commands, encoding="utf-8") as asked:
            for line in asked:
                name = json.loads(line)["step"]
                run_live(stretch, assignment.pipeline.step(name))
                tell(done=name)


def run_live(stretch: Stretch, step: Step) -> dict[str, Any]:
    """Run one unit and return the content of its ``result.json``."""
    start = time.perf_counter()
    run = LiveStep(stretch, step)
    run.touched.start()
    error = run.execute(stretch.assignment.parameters)
    return run.finish(error, time.perf_counter() - start)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlops.pipeline.incremental.stretch")
    parser.add_argument("--assignment", type=Path, required=True)
    parser.add_argument("--commands", type=int, required=True, help="descriptor to read from")
    parser.add_argument("--answers", type=int, required=True, help="descriptor to write to")
    parser.add_argument("--lifeline", type=int, help="descriptor that keeps the process alive")
    options = parser.parse_args(arguments)
    if options.lifeline is not None:
        lifeline.hold(options.lifeline)
    for descriptor in (options.commands, options.answers):
        os.set_inheritable(descriptor, False)
    # A shell that starts programs in the background lets them ignore interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assignment = pickle.loads(options.assignment.read_bytes())
    os.chdir(assignment.cwd)
    if "" not in sys.path:
        sys.path.insert(0, "")  # as in a kernel: modules beside the notebook
    serve(assignment, options.commands, options.answers)
    return 0


if __name__ == "__main__":
    # The cells get a `__main__` of their own; this module goes on under its real name.
    from jupyter_mlops.pipeline.incremental.stretch import main as run

    sys.exit(run())
