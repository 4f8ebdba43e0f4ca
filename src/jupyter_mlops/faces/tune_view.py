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
    lines = list(view.lines)
    if len(found.head.importances) > 1:
        shares = (f"{name} {share:.0%}" for name, share in found.head.importances.items())
        words = f"Of what differs in {found.head.metric}, as far as the trials tell: "
        # Before what there is to do next.
        at = next((n for n, line in enumerate(lines) if line.startswith("To ")), len(lines))
        lines.insert(at, f"{words}{', '.join(shares)}.")
    return replace(view, lines=lines, exit_code=0 if found.best is not None else 1)
