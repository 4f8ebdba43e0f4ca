"""The verb that tells what led to a result."""

from __future__ import annotations

import click

from ...project import Project
from ..command import verb
from ..views import View


@verb
@click.argument("name")
@click.argument("run", default="latest")
def why(name: str, run: str) -> View:
    """Tell what led to a metric, a model or a variable: cells, parameters, data, seeds.

    The cells stand in the order in which they were executed, with the source that ran. Warned is
    of what makes the result hard to repeat.
    """
    from ...tracking.store import Store
    from ...tracking.why import why as find
    from ..why_view import why as view

    store = Store(Project.find())
    store.sync()
    return view(find(store, name, run))
