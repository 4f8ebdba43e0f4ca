"""Parallel coordinates: a line for each run across its parameters and metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .axes import Axis, Told, axes_of
from .chart import COLOURS, GREY, Chart, spec
from .sparkline import text_line


def parallel_coordinates(runs: Sequence[Told], metrics: Sequence[str]) -> Chart | None:
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
    drawn = spec(title, layer=_layers(axes, lines, metrics), width={"step": 120}, height=240)
    return Chart(title, drawn, _text(axes, runs))


def _colour(run: Told, metrics: Sequence[str]) -> float | None:
    value = run.metrics.get(metrics[0]) if metrics else None
    return value if value is not None and math.isfinite(value) else None


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
        colour = {"field": "colour", "type": "quantitative", "title": metrics[0], "scale": COLOURS}
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
                "color": GREY,
            },
            "encoding": {"x": x, "y": y, "text": {"field": "label"}},
        },
    ]


def _text(axes: Sequence[Axis], runs: Sequence[Told]) -> str:
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
