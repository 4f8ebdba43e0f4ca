"""The key of a step's result: everything that decides it, as one digest.

Code of the step's cells and prelude, the inputs' content and how they share memory, the values of
the parameters and of the environment variables it reads, and the environment. The files that it
reads are known only after it ran: they stand in the cache's entry.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .. import values
from ..errors import MlopsError
from ..notebook.dataflow import cell_code
from ..notebook.operations import Outside
from .model import Pipeline, Step
from .variables import variables_read
from .work import outputs_folder

_FORMAT = 2


def step_key(
    pipeline: Pipeline,
    step: Step,
    parameters: Mapping[str, Any],
    work: Path,
    cwd: Path,
    form: str = "",
) -> str | None:
    """Return the key of a step whose inputs lie in ``work``; None where an input is not there.

    ``form`` tells apart what is kept with a result, such as what was captured. With it the key is
    one for all sets of outputs: whoever takes a result sees whether it has those that it needs.
    """
    inputs: list[str] = []
    for provider in sorted(set(step.inputs.values())):
        names = sorted(name for name, given in step.inputs.items() if given == provider)
        found = _prints(outputs_folder(work, provider), names)
        if found is None:
            return None
        inputs.append(json.dumps(found, sort_keys=True))
    known = {each.name: each.default for each in pipeline.parameters}
    serving = pipeline.serving
    content = {
        "format": [_FORMAT, form],
        "cells": [[cell.source, sorted(cell.tags)] for cell in (*step.prelude, *step.cells)],
        "outputs": [] if form else sorted(step.outputs),
        "metrics": sorted(step.metrics),
        "serving": [serving.example, sorted(serving.state)]
        if serving is not None and serving.step == step.name
        else None,
        "inputs": sorted(inputs),
        "parameters": {n: repr(parameters.get(n, known.get(n))) for n in sorted(step.parameters)},
        "variables": variables_read(c.source for c in (*step.prelude, *step.cells)),
        "environment": environment(),
        "folder": str(cwd),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def has_outputs(folder: Path, names: Iterable[str]) -> bool:
    """Tell whether a values folder has these variables, or knows that they were not assigned."""
    wanted = list(names)
    return not wanted or _prints(folder, wanted) is not None


def _prints(folder: Path, names: list[str]) -> list[Any] | None:
    """Return what decides that variables of a values folder are what they were."""
    try:
        index = values.read_index(folder)
    except MlopsError:
        return None
    missing = {n for n, why in index.get("missing", {}).items() if why == values.UNASSIGNED}
    if not set(names) <= missing | index["names"].keys():
        return None
    prints = {n: index["names"].get(n, {}).get("fingerprint", values.UNASSIGNED) for n in names}
    if all(prints.values()) and len(names) == 1:
        return [prints]
    # What two inputs share is in the pickle, and in no fingerprint of one of them. What has no
    # fingerprint is the same where it was written the same.
    stored = [index["pickle"], index["buffers"] if not all(prints.values()) else ""]
    return [prints, stored]


def reads_unseen(step: Step, read: Mapping[str, str]) -> bool:
    """Tell whether code that reads files ran, and no file that it read was seen."""
    if any(not path.endswith(".py") for path in read):
        return False
    for cell in (*step.prelude, *step.cells):
        operations = cell_code(cell).operations
        if any(isinstance(each, Outside) and each.kind == "reads" for each in operations):
            return True
    return False


@cache
def environment() -> str:
    """Return a digest of Python's version and of the exact distributions on the path."""
    found = {
        entry
        for folder in sys.path
        if folder.endswith(("site-packages", "dist-packages")) and os.path.isdir(folder)
        for entry in os.listdir(folder)
        if entry.endswith((".dist-info", ".egg-info"))
    }
    words = [platform.python_version(), platform.machine(), *sorted(found)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
