"""What units did before: taken from the cache, or from a run that failed, and kept for the next."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...capture.cells import INJECTED
from ...errors import MlopsError
from ...notebook import secret_references
from ...notebook.document import Notebook
from ...notebook.ipython_syntax import parse_cell
from ...notebook.parameters import Parameter, read_parameters
from ...notebook.surroundings import surroundings
from ..cache import StepCache, link_folder
from ..clock import clock_reads
from ..model import Pipeline, Step
from ..step_key import has_outputs, step_key
from ..targets import StepResult
from ..targets.memory import KEY, may_keep, same
from ..work import OUTPUTS, RESULT, step_folder

_FORM = "captured 1"
_DAY = re.compile(r"(?:^|\.)(?:now|today|utcnow|ctime|localtime|gmtime|strftime)$")
_TALKS = re.compile(r"^\s*%{1,2}mlops\b", re.MULTILINE)


class Recall:
    """Where the results of one run's units are taken from, and kept.

    Parameters
    ----------
    earlier
        The work folder of a run that failed: what its finished units left is taken too, also
        where the cache may not keep it.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        notebook: Notebook,
        parameters: Mapping[str, Any],
        work: Path,
        cwd: Path,
        cache: StepCache,
        earlier: Path | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._parameters = parameters
        self._work = work
        self._cwd = cwd
        self._names = surroundings(notebook).names
        self._cache = cache
        self._earlier = _by_key(earlier) if earlier is not None else {}
        self._secret = {each.name for each in _declared(notebook) if each.secret}

    def key(self, step: Step) -> str | None:
        """Return the key of a unit whose inputs are there; None where one of them was not kept."""
        form = f"{_FORM} {self._secrets(step)}"
        return step_key(self._pipeline, step, self._parameters, self._work, self._cwd, form)

    def take(self, step: Step, key: str) -> dict[str, Any] | None:
        """Put what the unit left before where it would leave it now; return its ``result.json``."""
        target = step_folder(self._work, step.name)
        before = self._earlier.get(key)
        if before is not None and same(before, key):
            link_folder(before, target)
        elif not self._cache.take(key, target):
            return None
        left = _read(target)
        if left is not None and has_outputs(target / OUTPUTS, step.outputs):
            return left
        shutil.rmtree(target, ignore_errors=True)
        return None

    def keep(self, step: Step, key: str | None, left: dict[str, Any]) -> str:
        """Keep what a unit has left; return why the cache may not, where it may not.

        ``left`` is its ``result.json``.
        """
        if left.get("unkept"):
            return "it makes what cannot be stored"
        if key is None:
            return "it uses what cannot be stored"
        folder = step_folder(self._work, step.name)
        result = StepResult.from_dict(left, folder)
        (folder / KEY).write_text(json.dumps({"key": key}), encoding="utf-8")
        reason = self._passing(step) or str(result.touched.get("reason") or "")
        if not reason and not may_keep(step, result):
            reason = "it reads files that could not be seen"
        if not reason:
            # A full disk must not fail a unit that has run well.
            with contextlib.suppress(MlopsError):
                self._cache.keep(key, folder, result.touched["read"])
        return reason

    def _passing(self, step: Step) -> str:
        """Say why what a unit does may be another thing the next time."""
        injected = any(INJECTED in cell.tags for cell in step.cells)
        if self._secret.intersection(self._parameters if injected else step.parameters):
            return "it reads a secret"
        for cell in (*step.prelude, *step.cells):
            if _TALKS.search(cell.source):
                return "it talks to jupyter-mlops"
            try:
                reads = clock_reads(parse_cell(cell.source), self._names)
            except (SyntaxError, ValueError):
                continue
            if any(_DAY.search(each.name) for each in reads):
                return "it asks what day it is"
        return ""

    def _secrets(self, step: Step) -> str:
        """Return a digest of the secrets that a unit reads: another value is another key."""
        found: list[str] = []
        for name in sorted(self._secret.intersection(step.parameters)):
            reference = self._parameters.get(name)
            if secret_references.is_reference(reference):
                with contextlib.suppress(ValueError):
                    found.append(f"{name}={secret_references.resolve(str(reference))}")
        return hashlib.sha256("\0".join(found).encode()).hexdigest() if found else ""


def _declared(notebook: Notebook) -> tuple[Parameter, ...]:
    try:
        return read_parameters(notebook)
    except MlopsError:
        return ()


def _by_key(work: Path) -> dict[str, Path]:
    """Return the folders of the units that ended well; cells may have moved since."""
    found: dict[str, Path] = {}
    for path in (work / "steps").glob(f"*/{KEY}"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            found[json.loads(path.read_text(encoding="utf-8"))["key"]] = path.parent
    return found


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if content.get("status") == "ok" else None
