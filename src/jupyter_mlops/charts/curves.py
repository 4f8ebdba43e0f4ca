"""Metrics over their steps, a line for each run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..tracking.curves import Curve
from .chart import LOOSE, Chart, spec
from .sparkline import text_line, thin

_MOST_POINTS = 500


def metric_curves(curves: Sequence[Curve]) -> Chart | None:
    """Return each metric over its steps, a line for each run; None where no metric has steps."""
    told = [curve for curve in curves if len(curve.values) > 1]
    if not told:
        return None
    title = "Metrics by step"
    points = []
    for curve in told:
        kept = thin(range(len(curve.values)), _MOST_POINTS)
        for index in map(int, kept):
            if math.isfinite(curve.values[index]):
                point = {"run": curve.run, "metric": curve.metric}
                points.append({**point, "step": curve.steps[index], "value": curve.values[index]})
    names = list(dict.fromkeys(curve.metric for curve in told))
    # Few steps would get ticks between them.
    steps = {"tickCount": min(5, max(max(curve.steps) for curve in told)), "format": "~s"}
    chosen = {"name": "chosen", "select": {"type": "point", "fields": ["run"]}, "bind": "legend"}
    plot = {
        "width": 300,
        "height": 180,
        "params": [chosen],
        "mark": {"type": "line", "point": len(points) < 200},
        "encoding": {
            "x": {"field": "step", "type": "quantitative", "title": "step", "axis": steps},
            "y": {"field": "value", "type": "quantitative", "title": None, "scale": LOOSE},
            "color": {"field": "run", "type": "nominal", "title": "run"},
            "opacity": {"condition": {"param": "chosen", "value": 1}, "value": 0.15},
            "tooltip": [{"field": each} for each in ("run", "metric", "step", "value")],
        },
    }
    drawn = spec(
        title,
        data={"values": points},
        facet={"field": "metric", "type": "nominal", "title": None, "sort": names},
        columns=2,
        spec=plot,
        resolve={"scale": {"y": "independent", "x": "independent"}},
    )
    longest = max(len(curve.metric) for curve in told)
    text = "\n".join(
        f"{curve.metric.ljust(longest)}  {text_line(curve.values, 40)}  "
        f"{curve.values[-1]:.6g}  {curve.run}"
        for curve in sorted(told, key=lambda curve: names.index(curve.metric))
    )
    return Chart(title, drawn, text)
