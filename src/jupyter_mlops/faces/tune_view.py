"""How a tuning is told: as a sweep, with what its parameters matter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .sweep_view import sweep
from .views import View

if TYPE_CHECKING:
    from ..project import Project
    from ..sweeps.record import Sweep


def tuned(found: Sweep, project: Project, *, all_points: bool = False) -> View:
    """Tell of a tuning as it stands; the exit code is 1 where no point has the metric.

    A trial that has failed is no failure of the whole: its parameters may be impossible.
    """
    view = sweep(found, project, all_points=all_points)
    return replace(view, exit_code=0 if found.best is not None else 1)
