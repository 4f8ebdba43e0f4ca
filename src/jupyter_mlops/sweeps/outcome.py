"""What a sweep's runner tells: a point has started, told a metric, ended; and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ..errors import MlopsError, Place
from .points import Point

Status = Literal["waiting", "running", "ok", "failed", "pruned"]


class Outcome(msgspec.Struct, frozen=True):
    """How a point ended: the metrics of its run, and the error where it failed.

    ``executed`` is the executed notebook, ``seconds`` what the point's own cells took.
    """

    status: Status
    run: str
    metrics: dict[str, float] = {}
    seconds: float = 0.0
    error: MlopsError | None = None
    executed: str = ""


def read_error(content: Mapping[str, Any] | None) -> MlopsError | None:
    """Return the error that `MlopsError.to_dict` made data of."""
    if content is None:
        return None
    place = Place(**content["place"]) if content.get("place") else None
    return MlopsError(
        content["code"], content["message"], hint=content.get("hint", ""), place=place
    )


class Started(msgspec.Struct, frozen=True):
    """A point runs, as the run of that name."""

    point: Point
    run: str


class Metric(msgspec.Struct, frozen=True):
    """A point has told a value of a metric; where it ``asks``, it waits to be answered."""

    point: Point
    name: str
    value: float
    step: int
    asks: bool = False


class Ended(msgspec.Struct, frozen=True):
    """A point has ended."""

    point: Point
    outcome: Outcome


class Shared(msgspec.Struct, frozen=True):
    """The cells that all points share have run."""

    cells: int
    seconds: float


class Notice(msgspec.Struct, frozen=True):
    """Words for the user; ``apart`` tells that points share no cells any more."""

    words: str
    apart: bool = False


Message = Started | Metric | Ended | Shared | Notice
