"""The live kernel's state, on its way from a magic to the command that needs it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from ..errors import MlopsError
from ..notebook.kernel_state import KernelState

kernel_option = click.option(
    "--kernel",
    "kernel_file",
    type=click.Path(path_type=Path),
    hidden=True,
    help="A file with the state of the kernel that the verb was called from.",
)


def read_kernel(file: Path | None) -> KernelState | None:
    """Return the state that `kernel_file` wrote; raises ``mlops.kernel``."""
    if file is None:
        return None
    try:
        return KernelState.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, msgspec.ValidationError):
        raise MlopsError(
            "mlops.kernel",
            f"{file} does not hold the state of a kernel.",
            hint="`%mlops` gives this option by itself; leave it out elsewhere.",
        ) from None


@contextmanager
def kernel_file(state: KernelState) -> Iterator[Path]:
    """Keep a kernel's state, readable by the user alone, in a file for as long as a verb runs."""
    handle, name = tempfile.mkstemp(prefix="jupyter-mlops-kernel-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(state.to_dict(), file)
        yield Path(name)
    finally:
        os.unlink(name)
