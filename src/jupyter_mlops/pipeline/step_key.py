"""The key of a step's result: everything that decides it, as one digest.

Code of the step's cells and prelude, the inputs' content and how they share memory, the values of
the parameters it reads, and the environment. The files that it reads are known only after it ran:
they stand in the cache's entry.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .. import values
from ..errors import MlopsError
from ..notebook.dataflow import cell_code
from ..notebook.operations import Outside
from .model import Pipeline, Step
from .work import outputs_folder

_FORMAT = 1


def step_key(
    pipeline: Pipeline, step: Step, parameters: Mapping[str, Any], work: Path, cwd: Path
) -> str | None:
    """Return the key of a step whose inputs lie in ``work``; None where an input has no print."""
    inputs: dict[str, Any] = {}
    for provider in sorted(set(step.inputs.values())):
        names = sorted(name for name, given in step.inputs.items() if given == provider)
        try:
            index = values.read_index(outputs_folder(work, provider))
        except MlopsError:
            return None
        prints = {name: index["names"].get(name, {}).get("fingerprint") for name in names}
        if not all(prints.values()):
            return None
        # What two inputs share is in the pickle, and in no fingerprint of one of them.
        shared = index["pickle"] if len(names) > 1 else ""
        inputs[provider] = [prints, shared]
    known = {each.name: each.default for each in pipeline.parameters}
    serving = pipeline.serving
    content = {
        "format": _FORMAT,
        "cells": [[cell.source, sorted(cell.tags)] for cell in (*step.prelude, *step.cells)],
        "outputs": sorted(step.outputs),
        "metrics": sorted(step.metrics),
        "serving": [serving.example, sorted(serving.state)]
        if serving is not None and serving.step == step.name
        else None,
        "inputs": inputs,
        "parameters": {n: repr(parameters.get(n, known.get(n))) for n in sorted(step.parameters)},
        "environment": environment(),
        "folder": str(cwd),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
