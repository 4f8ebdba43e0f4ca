"""Numbers that the notebook's own code logs: ``jupyter_mlops.log(loss=0.3)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import MlopsError
from . import session
from .scalars import number

_LONGEST_NAME = 250


def log(values: Mapping[str, Any] | None = None, *, step: int | None = None, **more: Any) -> None:
    """Log numbers as metrics of the notebook's run; nothing where nothing is captured.

    Parameters
    ----------
    values
        Metrics by name, for names that are no Python names: ``log({"val/loss": 0.3})``.
    step
        The step of all of them; default: each metric counts its own values from 0.
    more
        Metrics by name: ``log(loss=0.3, accuracy=0.9)``.

    Raises
    ------
    MlopsError
        ``log.value`` for what is no number, ``log.step`` for a step that is no whole number.
    """
    current = session.current()
    if current is None:
        return
    if step is not None and type(step) is not int:
        step = _step(step)
    given = more if values is None else {**values, **more}
    for name, value in given.items():
        point = value if type(value) is float else _number(name, value)
        current.metric(name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME], point, step)


def _number(name: str, value: Any) -> float:
    found = number(value)
    if found is None:
        # What else holds one number: a tensor, an array of one element.
        item = getattr(value, "item", None)
        try:
            found = number(item()) if item is not None else None
        except (TypeError, ValueError, RuntimeError):
            found = None
    if found is None:
        raise MlopsError(
            "log.value",
            f"`{name}` is a {type(value).__name__}, and a metric is one number.",
            hint=f"log one number, such as `log({name}=float(value))`.",
        )
    return found


def _step(step: Any) -> int:
    try:
        found = number(step)
        if found is not None and found == int(found):
            return int(found)
    except (OverflowError, ValueError):
        pass
    raise MlopsError(
        "log.step",
        f"The step {step!r} is no whole number.",
        hint="count steps as 0, 1, 2, …",
    )
