"""papermill with ``--engine mlops``, where only what has changed is run."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
from papermill.log import logger

from ...errors import MlopsError
from ...notebook.document import Cell
from ...notebook.tags import RAISES
from ...progress import drain
from ...rerun.order import Order
from ...rerun.saving import SparingManager
from .assembled import CellResult
from .own_kernel import is_own_kernel
from .rerun import rerun_cached

CACHED, RESUME = "MLOPS_CACHED", "MLOPS_RESUME"
_NO = frozenset({"", "0", "false", "no", "off"})


def is_wanted(order: Order) -> bool:
    """Tell whether only what has changed is to run, and whether that can be told of the notebook.

    ``MLOPS_CACHED`` and ``MLOPS_RESUME`` in the environment come before ``mlops.toml``.
    """
    said = os.environ.get(CACHED)
    settings = order.project.settings.rerun.cached
    wanted = settings if said is None else said.strip().lower() not in _NO
    if not (wanted or os.environ.get(RESUME)):
        return False
    if not order.notebook.path.is_file():
        logger.info("The notebook is no file here, so all cells run.")
        return False
    if not is_own_kernel(order.notebook):
        logger.info(f"The kernel {order.notebook.kernel} is another Python, so all cells run.")
        return False
    return True


def execute(manager: SparingManager, order: Order, timeout: float | None) -> None:
    """Run the notebook of ``manager`` again as far as needed, and give its cells their outputs.

    A failing cell is papermill's to report; raises `MlopsError` for all else that goes wrong.
    """
    places = {cell["id"]: number for number, cell in enumerate(manager.nb.cells)}

    def take(cell: Cell | None, name: str, result: CellResult, count: int) -> None:
        number = places[name]
        node = manager.nb.cells[number]
        manager.cell_start(node, number)
        node["outputs"] = nbformat.from_dict(result.outputs)  # type: ignore[no-untyped-call]
        node["execution_count"] = count
        node["metadata"]["jupyter_mlops"] = result.metadata()
        tags = cell.tags if cell is not None else ()
        failed = any(output["output_type"] == "error" for output in result.outputs)
        if failed and RAISES not in tags:
            manager.cell_exception(node, number)
        else:
            manager.cell_complete(node, number)

    running = rerun_cached(
        order.notebook.path,
        order.parameters,
        project=order.project,
        run=order.run,
        resume=os.environ.get(RESUME) or None,
        timeout=timeout,
        cwd=Path.cwd(),
        on_result=take,
    )
    try:
        drain(running, lambda event: logger.info(event.message))
    except MlopsError as error:
        if error.code != "rerun.cell-failed":
            raise
