"""What a search makes best: which metric, which way, and whether a trial has it."""

from __future__ import annotations

import contextlib
import difflib
import math

import msgspec

from ..errors import MlopsError
from ..notebook.dataflow import cell_flow
from ..notebook.document import Notebook
from ..notebook.tags import METRICS
from ..tracking.direction import direction
from .outcome import Outcome
from .record import Head, Row, write_row
from .setting import Setting


def first_metric(source: Notebook) -> str:
    """Return the first name that a cell tagged ``metrics`` assigns, if it can be: that tells."""
    cells = (cell for cell in source.code_cells if METRICS & set(cell.tags))
    names = [name for cell in cells for name in cell_flow(cell, source).writes]
    for name in names:
        with contextlib.suppress(MlopsError):
            direction(name)
            return name
    if names:
        return names[0]
    raise MlopsError(
        "tune.metric",
        "There is no word of what to make best.",
        hint="say `--maximize auc` or `--minimize loss`, or tag the cell that computes it "
        "`metrics`.",
        place=source.place(),
    )


def is_highest(metric: str, source: Notebook) -> bool:
    """Tell by its name whether a metric is the better the higher it is."""
    try:
        return direction(metric).highest
    except MlopsError as error:
        raise MlopsError(
            "tune.direction",
            error.message,
            hint=f"say `--maximize {metric}` or `--minimize {metric}`.",
            place=source.place(),
        ) from None


def judged(notebook: Notebook, head: Head, outcome: Outcome) -> Outcome:
    """Return how a trial has ended: without a number for the metric it has failed."""
    name = head.metric
    if outcome.status != "ok" or math.isfinite(outcome.metrics.get(name, math.nan)):
        return outcome
    if name in outcome.metrics:
        message = f"`{name}` is {outcome.metrics[name]} at the end, which cannot be compared."
        hint = "look at the executed notebook for where it comes from."
    else:
        known = sorted(outcome.metrics)
        message = f"The notebook has set no metric `{name}`"
        message += f"; it has set {', '.join(known)}." if known else "."
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else ""
        hint = (
            hint or f"tag the cell that assigns `{name}` `metrics`, or call `mlops.log({name}=…)`."
        )
    error = MlopsError("tune.no-metric", message, hint=hint, place=notebook.place())
    return msgspec.structs.replace(outcome, status="failed", error=error)


def judged_row(setting: Setting, head: Head, row: Row) -> Row:
    """Return a row as `judged` would have it; its point may have ended when nobody listened."""
    given = Outcome(row.status, row.run, row.metrics)
    outcome = judged(setting.notebook, head, given)
    if outcome is given:
        return row
    row = msgspec.structs.replace(row, status=outcome.status, error=str(outcome.error))
    write_row(setting.folder, row)
    return row
