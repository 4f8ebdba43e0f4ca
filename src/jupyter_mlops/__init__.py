"""From a notebook cell to a monitored production endpoint, without leaving JupyterLab."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"

# Each verb's module is imported when the verb is first used: `import jupyter_mlops` stays light.
# `rerun` and `deploy` are packages of that name; their verbs are
# `jupyter_mlops.pipeline.rerunning.rerun` and `jupyter_mlops.deploy.deployments.deploy`.
_API = {
    "MlopsError": ".errors",
    "Project": ".project",
    "compile_notebook": ".pipeline.compile",
    "drain": ".progress",
    "log": ".capture.logging",
    "monitor": ".monitoring.monitor",
    "promote": ".deploy.promote",
    "prove": ".pipeline.proving",
    "read": ".notebook.document",
    "retrain": ".monitoring.retrain",
    "rollback": ".deploy.deployments",
    "run_chain": ".chains.run",
}
__all__ = ["__version__", *sorted(_API)]


def __getattr__(name: str) -> Any:
    if name not in _API:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_API[name], __name__), name)


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Start capture and make ``%mlops`` known; what ``%load_ext jupyter_mlops`` does."""
    if os.environ.get("JUPYTER_MLOPS_STEP"):
        return  # a step runs the notebook's own `%load_ext`; its process captures by itself
    from .capture import session
    from .faces import magics

    session.start(shell)
    magics.register(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-mlops"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .faces.server import extension_points

    return extension_points()
