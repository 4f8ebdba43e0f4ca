"""The verb that tells which data a run used."""

from __future__ import annotations

import click

from ...project import Project
from ..command import verb
from ..views import View


@verb
@click.argument("run", default="latest")
def data(run: str) -> View:
    """Show the data of a run: where it is from, its content's fingerprint, who else used it."""
    from ...tracking.data_use import data_use
    from ...tracking.store import Store
    from ..data_view import data as view

    store = Store(Project.find())
    store.sync()
    found = store.run(run)
    return view(found.run, data_use(store, found))
