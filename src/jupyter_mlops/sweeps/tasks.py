"""What the processes of a tree are told to do: which cells, with which parameters, as which run."""

from __future__ import annotations

from ..capture.location import Order
from ..notebook import moments
from ..rerun.injection import source
from .plan import Plan
from .points import Point
from .record import row_of
from .setting import Setting
from .wire import Job, Task


def make_job(setting: Setting, workers: int) -> Job:
    """Return what is the same for all processes of a sweep, of which so many run at a time."""
    notebook = setting.notebook.path.resolve()
    return Job(
        notebook=str(notebook),
        name=setting.notebook.name,
        project=str(setting.project.root),
        cwd=str(notebook.parent),
        folder=str(setting.folder),
        assign=source(setting.fixed, setting.declared),
        secrets=setting.secrets,
        workers=workers,
    )


def trunk_task(plan: Plan) -> Task:
    """Return the task to run what all points share."""
    return Task(until=plan.shared)


def shared_task(setting: Setting, plan: Plan, point: Point, passed: int) -> Task:
    """Return the task to go one level on from ``passed``, with a point's values of that level."""
    level, *beyond = plan.levels[passed:]
    until = beyond[0].cell if beyond else plan.size
    return Task(until=until, assign=_assign(setting, point, level.names))


def point_task(
    setting: Setting, plan: Plan, point: Point, run: str, passed: int | None, prunes: str
) -> Task:
    """Return the task to run a point to its end, as the run of that name.

    ``passed`` counts the levels that are behind it; None where it begins with the first cell, and
    runs the cell that gives its parameters itself.
    """
    names = [name for level in plan.levels[passed or 0 :] for name in level.names]
    together = {**setting.fixed, **point.parameters}
    given = {each.name: together[each.name] for each in setting.declared if each.name in together}
    injected = source(given, setting.declared)
    order = Order(
        run=run,
        kind="rerun",
        notebook=str(setting.notebook.path.resolve()),
        parameters=moments.plain(given),
        secrets=setting.secrets,
        parent=setting.name,
        injected=injected,
    )
    return Task(
        until=plan.size,
        assign=_assign(setting, point, names) if passed is not None else "",
        order=order,
        injected=injected,
        row=row_of(point),
        prunes=prunes,
        tags={"mlops.point": str(point.number)},
    )


def _assign(setting: Setting, point: Point, names: list[str] | tuple[str, ...]) -> str:
    values = {name: value for name, value in point.parameters.items() if name in names}
    return source(values, setting.declared) if values else ""
