"""Charts for comparing runs, as Vega-Lite 5, which JupyterLab, Notebook and VS Code draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...tracking.curves import Curve
from ...tracking.runs import RunSummary
from ..views import Chart
from .axes import Axis, axes_of
from .sparkline import text_line, thin

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_MOST_POINTS = 500
_PLOT_HEIGHT = 240


def parallel_coordinates(runs: Sequence[RunSummary], metrics: Sequence[str]) -> Chart | None:
    """Return a line for each run across its parameters and metrics, coloured by the first metric.

    None for fewer than two runs, or where fewer than two axes have something to tell.
    """
    axes = axes_of(runs, metrics)
    if len(axes) < 2 or len(runs) < 2:
        return None
    title = "Parameters and metrics"
    lines = [
        {
            "run": run.run,
            "axis": axis.name,
            "height": axis.heights[run.run],
            "value": axis.values[run.run],
            "colour": _colour(run, metrics),
        }
        for run in runs
        for axis in axes
        if run.run in axis.heights
    ]
    spec = _spec(title, layer=_layers(axes, lines, metrics), width={"step": 120}, height=240)
    return Chart(title, spec, _text(axes, runs))


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
            "y": {"field": "value", "type": "quantitative", "title": None, "scale": _LOOSE},
            "color": {"field": "run", "type": "nominal", "title": "run"},
            "opacity": {"condition": {"param": "chosen", "value": 1}, "value": 0.15},
            "tooltip": [{"field": each} for each in ("run", "metric", "step", "value")],
        },
    }
    spec = _spec(
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
    return Chart(title, spec, text)


def _colour(run: RunSummary, metrics: Sequence[str]) -> float | None:
    value = run.metrics.get(metrics[0]) if metrics else None
    return value if value is not None and math.isfinite(value) else None


_LOOSE = {"zero": False, "nice": True}
# Both are easily seen on white and on black.
_RANGE = {"range": ["#3b82c4", "#f0883e"], "interpolate": "hcl-long"}
_GREY = "#808080"


def _spec(title: str, **content: Any) -> dict[str, Any]:
    # The front end's theme colours the text; a background of our own would not follow it.
    config = {"background": "transparent", "view": {"stroke": None}}
    return {"$schema": _SCHEMA, "title": title, "config": config, **content}


def _layers(
    axes: Sequence[Axis], lines: list[dict[str, Any]], metrics: Sequence[str]
) -> list[dict[str, Any]]:
    x = {
        "field": "axis",
        "type": "nominal",
        "sort": [axis.name for axis in axes],
        "title": None,
        "axis": {"labelAngle": 0, "domain": False, "ticks": False, "grid": True, "labelLimit": 115},
        "scale": {"type": "point"},
    }
    y = {"field": "height", "type": "quantitative", "axis": None, "scale": {"domain": [0, 1]}}
    colour: dict[str, Any] = {"value": "steelblue"}
    if metrics:
        colour = {"field": "colour", "type": "quantitative", "title": metrics[0], "scale": _RANGE}
    near = {"name": "near", "select": {"type": "point", "on": "pointerover", "fields": ["run"]}}
    labels = [
        {"axis": axis.name, "height": height, "label": label}
        for axis in axes
        for height, label in axis.labels
    ]
    faded = {"condition": {"param": "near", "value": 1}, "value": 0.12}
    tooltip = [{"field": each} for each in ("run", "axis", "value")]
    return [
        {
            "data": {"values": lines},
            "params": [near],
            "mark": {"type": "line", "strokeWidth": 2, "tooltip": True},
            "encoding": {
                "x": x,
                "y": y,
                "color": colour,
                "detail": {"field": "run"},
                "opacity": faded,
                "tooltip": [{"field": "run"}],
            },
        },
        {
            "data": {"values": lines},
            "mark": {"type": "point", "filled": True, "size": 45},
            "encoding": {"x": x, "y": y, "color": colour, "opacity": faded, "tooltip": tooltip},
        },
        {
            "data": {"values": labels},
            "mark": {
                "type": "text",
                "align": "left",
                "dx": 7,
                "dy": -8,
                "fontSize": 11,
                "color": _GREY,
            },
            "encoding": {"x": x, "y": y, "text": {"field": "label"}},
        },
    ]


def _text(axes: Sequence[Axis], runs: Sequence[RunSummary]) -> str:
    """Return a row of blocks for each run: how high it lies on each axis."""
    names = "  ".join(axis.name for axis in axes)
    rows = [
        "  ".join(
            (
                text_line([0.0, axis.heights[run.run], 1.0])[1] if run.run in axis.heights else " "
            ).ljust(len(axis.name))
            for axis in axes
        )
        + f"  {run.run}"
        for run in runs
    ]
    return "\n".join([names, *rows])
