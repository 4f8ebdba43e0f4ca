"""Runs a rebuilt notebook on a kernel of the clean place; a process of its own.

It reads an order as JSON from standard input and writes one JSON object a line: ``cell`` as each
begins, ``error`` where the notebook could not be run at all, ``done`` at the end.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..notebook.document import read
from ..notebook.parameters import check_parameters, read_parameters
from ..project import Project
from ..rerun.order import Order


def main() -> None:
    """Load what runs notebooks, wait for the order, and follow it."""
    import papermill.execute  # noqa: F401

    asked = json.load(sys.stdin)
    out = sys.stdout
    # Whatever libraries print must not come between our lines.
    sys.stdout = sys.stderr

    def tell(**words: Any) -> None:
        out.write(json.dumps(words) + "\n")
        out.flush()

    try:
        _run(asked, lambda cell: tell(cell=cell.position))
    except MlopsError as error:
        tell(error=error.to_dict())
    else:
        tell(done=True)


def _run(asked: dict[str, Any], on_cell: Any) -> None:
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

    path = Path(asked["notebook"])
    project = Project(Path(asked["root"]))
    notebook = read(path, name=asked["name"])
    given = asked["parameters"]
    parameters = check_parameters(notebook, read_parameters(notebook), given) if given else {}
    order = Order(
        project,
        notebook,
        asked["run"],
        kind="reproduction",
        parameters=parameters,
        cwd=path.parent,
        on_cell=on_cell,
    )
    with contextlib.suppress(PapermillExecutionError):  # the executed notebook tells of it
        execute_notebook(
            _no_template(str(path)),
            _no_template(asked["executed"]),
            {},  # the injected cell is among the cells already
            engine_name="mlops",
            kernel_name=asked["kernel"],
            progress_bar=False,
            order=order,
        )
    if not order.captured:
        raise MlopsError(
            "rerun.no-capture", "The notebook did not start.", place=Place(asked["name"])
        )


def _no_template(path: str) -> str:
    # papermill formats paths with the parameters.
    return path.replace("{", "{{").replace("}", "}}")


if __name__ == "__main__":
    main()
