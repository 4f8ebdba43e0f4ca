"""Which notebook a kernel runs, and what a rerun was ordered to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..errors import MlopsError

INTERACTIVE = "<interactive>"
ORDER = "JUPYTER_MLOPS_RUN"


class Order(msgspec.Struct, frozen=True):
    """What ``JUPYTER_MLOPS_RUN`` says: the run that whoever started the kernel wants.

    ``flow`` is the file for the observed flow, where all of it is wanted at any cost.
    """

    run: str
    kind: str = "rerun"
    notebook: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    observe: list[dict[str, Any]] = msgspec.field(default_factory=list)
    flow: str = ""


def order() -> Order | None:
    """Return the order in the environment; raises `MlopsError` ``capture.order`` for nonsense."""
    text = os.environ.get(ORDER)
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Order)
    except msgspec.MsgspecError as error:
        raise MlopsError(
            "capture.order",
            f"{ORDER} is not an order for a run: {error}.",
            hint="start reruns with `jupyter mlops rerun`, or unset the variable.",
        ) from None


def notebook_path(namespace: Mapping[str, Any], ordered: Order | None) -> Path | None:
    """Return the absolute path of the running notebook, None where there is none.

    An order names it; VS Code puts it into the namespace; the Jupyter server into the
    environment (an absolute path, or one relative to a parent of the kernel's folder).
    """
    if ordered is not None and ordered.notebook:
        return Path(ordered.notebook).absolute()
    if isinstance(named := namespace.get("__vsc_ipynb_file__"), str):
        return Path(named).absolute()
    if session := os.environ.get("JPY_SESSION_NAME"):
        given = Path(session)
        here = Path.cwd()
        for candidate in (given, *(parent / given for parent in (here, *here.parents))):
            if candidate.suffix == ".ipynb" and candidate.is_file():
                return candidate.absolute()
    return None
