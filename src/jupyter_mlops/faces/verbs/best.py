"""The verb that finds the best run."""

from __future__ import annotations

import click

from ...errors import MlopsError
from ...project import Project
from ..command import verb
from ..views import View
from .choosing import choice_of, choosing


@verb
@click.argument("metric")
@click.option("--max", "highest", is_flag=True, help="The highest value is the best.")
@click.option("--min", "lowest", is_flag=True, help="The lowest value is the best.")
@choosing
@click.option(
    "--limit", type=click.IntRange(min=1), default=5, show_default=True, help="Show so many."
)
def best(metric: str, highest: bool, lowest: bool, limit: int, **chosen: object) -> View:
    """Find the best run by a metric.

    Whether more or less is better is known of the usual metrics; for others say --max or --min.
    Of metrics with many steps the last value counts.
    """
    from ...tracking.best import best as find
    from ...tracking.store import Store
    from ..run_list import best as view

    if highest and lowest:
        raise MlopsError(
            "best.direction", "Both --max and --min were given.", hint="give one of them."
        )
    project = Project.find()
    store = Store(project)
    store.sync()
    given = highest if highest or lowest else None
    return view(find(store, metric, choice_of(project, chosen), highest=given, most=limit))
