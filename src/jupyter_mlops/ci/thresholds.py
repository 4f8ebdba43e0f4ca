"""Thresholds for metrics: ``[ci.metrics] auc = ">= 0.8"`` in ``mlops.toml``."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..wording import number

_FORM = re.compile(r"\s*(>=|<=|==|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")
_COMPARE = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether one metric holds what is asked of it; ``value`` is None where there is none."""

    notebook: str
    metric: str
    value: float | None
    wanted: str
    passed: bool
    words: str


def hold(
    thresholds: Mapping[str, str | Mapping[str, str]], metrics: Mapping[str, Mapping[str, float]]
) -> list[Outcome]:
    """Hold thresholds against the metrics of each notebook.

    Parameters
    ----------
    thresholds
        Metric to threshold, for each notebook that has the metric, where at least one must; or
        notebook to a table of these, for that notebook alone.
    metrics
        Notebook to its metrics.
    """
    found: list[Outcome] = []
    for name, wanted in thresholds.items():
        if isinstance(wanted, str):
            having = [notebook for notebook in metrics if name in metrics[notebook]]
            for notebook in having:
                found.append(_hold(notebook, name, wanted, metrics[notebook]))
            if not having:
                found.append(_hold(", ".join(metrics), name, wanted, {}))
        else:
            own = metrics.get(name, {})
            found.extend(_hold(name, metric, each, own) for metric, each in wanted.items())
    return found


def _hold(notebook: str, metric: str, wanted: str, metrics: Mapping[str, float]) -> Outcome:
    value = metrics.get(metric)
    if value is None:
        known = ", ".join(sorted(metrics)) or "none"
        words = f"`{metric}` is no metric of {notebook}; its metrics: {known}"
        return Outcome(notebook, metric, None, wanted, False, words)
    parts = [found.groups() for part in wanted.split(",") if (found := _FORM.fullmatch(part))]
    passed = all(_COMPARE[sign](value, float(bound)) for sign, bound in parts)
    words = f"{metric} = {number(value)}, wanted {wanted.strip()}"
    return Outcome(notebook, metric, value, wanted, passed, words)
