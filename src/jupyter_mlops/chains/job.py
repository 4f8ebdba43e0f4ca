"""One notebook of a chain at work: a rerun, of which the wanted variables are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..progress import drain
from ..project import Project
from ..rerun.rerun import Rerun, rerun
from ..rerun.running import kill, stop
from ..values import Observation
from .handing import Refused, encoded, taken
from .plan import Planned, Wanted

_HAND = '__import__("jupyter_mlops.chains.handing", fromlist=["hand"]).hand'
_ABSENT = "was not there when the notebook had ended"


class NotebookJob:
    """A rerun in a thread; ``result`` or ``error`` tells how it ended.

    Parameters
    ----------
    folder
        Where what the kernel hands on is written.
    files
        Where tables are, that are handed on as files.
    """

    def __init__(
        self,
        project: Project,
        planned: Planned,
        parameters: Mapping[str, Any],
        *,
        run: str,
        parent: str,
        folder: Path,
        files: Path,
    ) -> None:
        self._project = project
        self._planned = planned
        # They are checked once more, which is to leave them as they are.
        self._parameters = {n: planned.exactly(n, value) for n, value in parameters.items()}
        self._parent = parent
        self._folder = folder
        self._files = files
        self._told = False
        self.run = run
        self.result: Rerun | None = None
        self.error: BaseException | None = None

    def work(self) -> bool:
        """Run the notebook, and return whether it went well."""
        try:
            running = rerun(
                self._planned.notebook.path,
                self._parameters,
                project=self._project,
                observe=self._observations(),
                run=self.run,
                parent=self._parent,
            )
            self.result = drain(running)
        except BaseException as error:
            self.error = error
        return self.error is None

    def stop(self, *, at_once: bool) -> None:
        """Interrupt the notebook, or end its kernel."""
        if at_once:
            kill(self.run)
        self._told = self._told or stop(self.run)

    def outputs(self) -> dict[str, str]:
        """Return what the run gave of what is wanted, as `handing.handed` writes it, by key."""
        metrics = self.result.metrics if self.result is not None else {}
        return {each.key: self._output(each, metrics) for each in self._planned.wanted}

    def _output(self, wanted: Wanted, metrics: Mapping[str, float]) -> str:
        try:
            text = self._target(wanted).read_text(encoding="utf-8")
        except OSError:
            text = json.dumps({"refused": _ABSENT})
        if "refused" in json.loads(text) and wanted.name in metrics:
            return json.dumps({"value": encoded(metrics[wanted.name])})
        return text

    def _observations(self) -> list[Observation]:
        expressions = {
            each.key: f"{_HAND}({', '.join(self._arguments(each))})"
            for each in self._planned.wanted
            if each.name.isidentifier()
        }
        if not expressions:
            return []
        last = self._planned.notebook.code_cells[-1]
        return [Observation(last.id, str(self._folder / "observed"), (), expressions)]

    def _arguments(self, wanted: Wanted) -> Iterable[str]:
        yield wanted.name
        yield repr(str(self._target(wanted)))
        yield repr(wanted.name)
        if wanted.as_file:
            yield repr(str(self._files))

    def _target(self, wanted: Wanted) -> Path:
        number = list(self._planned.wanted).index(wanted)
        return self._folder / f"{number}.json"


def value_of(text: str) -> Any:
    """Return a value that was handed on, or the `Refused` that tells why there is none."""
    try:
        return taken(text)
    except Refused as refused:
        return refused


def is_there(text: str | None, *, as_file: bool) -> bool:
    """Tell whether what an earlier run handed on can still be taken."""
    if text is None:
        return False
    value = value_of(text)
    if isinstance(value, Refused):
        return False
    return not (as_file and isinstance(value, Path)) or value.exists()
