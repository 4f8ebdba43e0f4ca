"""Whether the kernel that a notebook wants is this very Python."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from ...notebook.document import Notebook

_NATIVE = "python3"
_PYTHON = re.compile(r"python(?:\d(?:\.\d+)?)?(?:\.exe)?")


def is_own_kernel(notebook: Notebook) -> bool:
    """Tell whether a notebook's kernel runs this Python, without anything set for it."""
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("kernels"):
        try:
            spec = json.loads((Path(folder) / notebook.kernel / "kernel.json").read_text())
            return _is_own(spec["argv"][0]) and not spec.get("env")
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return notebook.kernel == _NATIVE


def _is_own(program: str) -> bool:
    if not os.path.dirname(program):
        # Jupyter replaces the bare word by the Python that it runs with itself.
        return _PYTHON.fullmatch(program) is not None
    here = Path(sys.executable)
    same_folder = os.path.realpath(os.path.dirname(program)) == os.path.realpath(here.parent)
    return same_folder and _PYTHON.fullmatch(os.path.basename(program)) is not None
