"""The Jupyter server extension: what ``jupyter server`` loads for the sidebar."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import List, Unicode

from .promotions import Promotions
from .rest import ROUTES
from .rest_sweeps import ROUTES as SWEEP_ROUTES
from .sweep_jobs import SweepJobs


class MlopsExtension(ExtensionApp):
    """Serves ``jupyter-mlops/api/``; it imports no machine-learning library."""

    name = "jupyter_mlops"
    description = "From a notebook cell to a monitored production endpoint."
    load_other_extensions = True

    promote_command = List(
        Unicode(),
        default_value=[
            sys.executable,
            "-m",
            "jupyter_mlops.faces.cli",
            "promote",
            "{notebook}",
            "--json",
        ],
        config=True,
        help="The command of a promotion; the word {notebook} becomes the notebook's file.",
    )

    def initialize_settings(self) -> None:
        self._promotions = Promotions(self.promote_command, self.log)
        self._sweeps = SweepJobs(self.log)
        self.settings["jupyter_mlops_promotions"] = self._promotions
        self.settings["jupyter_mlops_sweeps"] = self._sweeps

    def initialize_handlers(self) -> None:
        self.handlers.extend([*SWEEP_ROUTES, *ROUTES])

    async def stop_extension(self) -> None:
        """End what still runs: nobody could follow it."""
        await asyncio.gather(self._promotions.close(), self._sweeps.close())


def extension_points() -> list[dict[str, Any]]:
    """Return what `jupyter_mlops._jupyter_server_extension_points` hands to the server."""
    return [{"module": "jupyter_mlops.faces.server", "app": MlopsExtension}]
