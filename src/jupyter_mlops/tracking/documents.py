"""The documents of a run: artifacts of text that tell what its cells did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..capture.records import Start
from ..notebook.observed import ObservedFlow
from . import cells
from .datasets import listed
from .history import History
from .notebooks import as_executed


def documents(history: History, start: Start, folder: Path, *, settled: bool) -> dict[str, str]:
    """Return the texts of a run's documents, by the names of the artifacts.

    Parameters
    ----------
    folder
        The journal's folder.
    settled
        Nothing more is expected soon: the notebook as it was is among them then.
    """
    executed = list(history.cells.values())
    found = {
        "cells.json": cells.to_json(executed),
        "cells.py": cells.to_script(start.notebook, executed),
        "lineage.json": history.lineage.to_json(),
    }
    if history.flows:
        found["flow.json"] = json.dumps(ObservedFlow(tuple(history.flows)).to_dict())
    if history.frames or history.datasets:
        found["datasets.json"] = _json(listed(history.frames, history.datasets))
    if history.seeds:
        seeds = [{"what": s.what, "value": s.value, "cell": s.order} for s in history.seeds]
        found["seeds.json"] = _json(seeds)
    if history.calls:
        found["metric_info.json"] = _json(dict(sorted(history.calls.items())))
    if settled:
        found["notebook.ipynb"] = as_executed(folder, executed, start.python)
    return found


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False)
