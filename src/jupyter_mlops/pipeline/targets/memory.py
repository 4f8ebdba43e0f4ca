"""Steps that need not run: what an earlier run left is taken over where nothing has changed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ...errors import MlopsError, Place
from ..cache import StepCache, link_folder
from ..model import Pipeline, Step
from ..step_key import reads_unseen, step_key
from ..touched import unchanged
from ..work import RESULT, step_folder
from . import StepResult
from .schedule import Job

Start = Callable[[Step], Job]
KEY = "key.json"


class Recall(Protocol):
    """Starts a step, or takes it over."""

    def __call__(self, step: Step, start: Start) -> Job: ...


class Memory:
    """Where a run looks for the results of its steps before it runs them.

    Parameters
    ----------
    cache
        The step cache; default: nothing is looked up or kept.
    earlier
        The work folder of a run that failed: what its finished steps left is taken over where
        their keys are the same, also where a step could not be kept in the cache.
    """

    def __init__(self, cache: StepCache | None = None, earlier: Path | None = None) -> None:
        self._cache = cache
        self._earlier = earlier

    def opened(
        self, pipeline: Pipeline, work: Path, parameters: Mapping[str, Any], cwd: Path
    ) -> Recall:
        """Return what starts a step of one run, or takes it over."""

        def recall(step: Step, start: Start) -> Job:
            began = time.perf_counter()
            key = step_key(pipeline, step, parameters, work, cwd)
            if key is not None and self._take(key, step, work):
                result = _read(step_folder(work, step.name), time.perf_counter() - began)
                if result is not None:
                    return _Taken(result)
            return _Kept(start(step), key, step, work, self._cache)

        return recall

    def _take(self, key: str, step: Step, work: Path) -> bool:
        target = step_folder(work, step.name)
        if self._earlier is not None and same(step_folder(self._earlier, step.name), key):
            link_folder(step_folder(self._earlier, step.name), target)
            return True
        return self._cache is not None and self._cache.take(key, target)


class _Taken:
    """A step that did not run."""

    def __init__(self, result: StepResult) -> None:
        self._result = result

    def wait(self) -> StepResult:
        return self._result

    def place(self) -> Place:
        return Place()

    def stop(self) -> None:
        return


class _Kept:
    """A step that runs, and whose result is kept where that is safe."""

    def __init__(
        self, job: Job, key: str | None, step: Step, work: Path, cache: StepCache | None
    ) -> None:
        self._job = job
        self._key = key
        self._step = step
        self._folder = step_folder(work, step.name)
        self._cache = cache

    def wait(self) -> StepResult:
        result = self._job.wait()
        if result.error is not None or self._key is None:
            return result
        (self._folder / KEY).write_text(json.dumps({"key": self._key}), encoding="utf-8")
        if self._cache is None or not may_keep(self._step, result):
            return result
        # A full disk must not fail a step that has run well.
        with contextlib.suppress(MlopsError):
            self._cache.keep(self._key, self._folder, result.touched["read"])
        return result

    def place(self) -> Place:
        return self._job.place()

    def stop(self) -> None:
        self._job.stop()


def may_keep(step: Step, result: StepResult) -> bool:
    """Tell whether a step's result stands for any other run of it with the same key."""
    touched = result.touched
    return bool(touched) and not touched["reason"] and not reads_unseen(step, touched["read"])


def same(folder: Path, key: str) -> bool:
    """Tell whether a finished step of an earlier run had this key, and its files are unchanged."""
    try:
        known = json.loads((folder / KEY).read_text(encoding="utf-8"))["key"]
        content = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        read = (content.get("touched") or {}).get("read", {})
    except (OSError, ValueError, KeyError):
        return False
    return bool(known == key and content.get("status") == "ok" and unchanged(read))


def _read(folder: Path, seconds: float) -> StepResult | None:
    try:
        content = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        found = StepResult.from_dict({**content, "seconds": round(seconds, 3)}, folder)
    except (OSError, ValueError, KeyError):
        return None
    return dataclasses.replace(found, cached=True)
