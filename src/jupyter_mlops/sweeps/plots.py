"""What a sweep has found, as charts: a metric against parameters, and by the order of points.

The summary notebook calls these; so may anybody who has read a sweep with `read_sweep`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from ..charts.chart import COLOURS, GREY, LOOSE, Chart, spec
from ..charts.parallel import parallel_coordinates
from ..charts.sparkline import text_line, thin
from ..errors import MlopsError
from .points import shown
from .record import Row, Sweep, is_number

MOST_TILES = 60
"""Values on one side of a heat map; with more of them, each point is a dot."""
_MOST_DOTS = 2000
_MOST_LINES = 200
_MOST_DRAWN_WORDS = 40
_LONGEST_WORD = 30
_FOR_A_BOX = 4
"""Points of one value from which on a box tells more than the points alone."""
_ORDERS = 100.0
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?\Z")
_METRIC = "metric"
_BLUE, _ORANGE = "#3b82c4", "#f0883e"

Kind = Literal["number", "moment", "word"]


def by_parameter(sweep: Sweep, name: str, metric: str = "") -> Chart:
    """Draw a metric against one parameter, a dot for each point; the best one stands out.

    Numbers that were spread by their logarithm lie on a logarithmic axis. Words have a box each,
    where there are several points to it.

    Raises
    ------
    MlopsError
        ``sweep.nothing-to-draw`` where no point has the metric and the parameter.
    """
    metric = metric_of(sweep, metric)
    points = _points(sweep, metric, name)
    x, words = _axis(sweep, name, points)
    y = {"field": _METRIC, "type": "quantitative", "title": metric, "scale": LOOSE}
    encoding = {"x": x, "y": y}
    dots = {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 0.7, "color": _BLUE}}
    layers: list[dict[str, Any]] = []
    if words is not None and len(points) >= _FOR_A_BOX * len(words):
        box = {"type": "boxplot", "extent": "min-max", "color": _BLUE, "opacity": 0.5, "size": 30}
        layers.append({"mark": box, "encoding": encoding})
        dots["mark"]["size"] = 20
    elif words is None and len({point["x"] for point in points}) < len(points):
        middle = {**y, "aggregate": "mean"}
        line = {"type": "line", "color": GREY, "opacity": 0.6}
        layers.append({"mark": line, "encoding": {"x": x, "y": middle}})
    tooltip = _tooltip(sweep, metric)
    layers.append({**dots, "encoding": {**encoding, "tooltip": tooltip}})
    star = {"type": "point", "shape": "diamond", "filled": True, "size": 160, "color": _ORANGE}
    layers.append(
        {
            "transform": [{"filter": "datum.best"}],
            "mark": star,
            "encoding": {**encoding, "tooltip": tooltip},
        }
    )
    title = f"{metric} by {name}"
    width: Any = 420 if words is None or len(words) > 12 else {"step": max(40, 240 // len(words))}
    size = {"width": width, "height": 240}
    drawn = spec(title, data={"values": thinned(points)}, layer=layers, **size)
    return Chart(title, drawn, _means(points, words))


def heat_map(sweep: Sweep, x: str, y: str, metric: str = "") -> Chart:
    """Draw a metric as colour over two parameters: tiles of a grid, dots where there is none.

    A tile of several points has their mean. Raises as `by_parameter` does.
    """
    metric = metric_of(sweep, metric)
    points = _points(sweep, metric, x, y)
    title = f"{metric} by {x} and {y}"
    colour = {
        "field": _METRIC,
        "type": "quantitative",
        "title": metric,
        "scale": {**COLOURS, "zero": False},
    }
    tooltip = _tooltip(sweep, metric)
    across, up = ({point[each] for point in points} for each in ("x", "y"))
    if len(points) * 3 < len(across) * len(up) or max(len(across), len(up)) > MOST_TILES:
        axes = {"x": _axis(sweep, x, points)[0], "y": _axis(sweep, y, points, "y")[0]}
        mark = {"type": "point", "filled": True, "size": 70, "tooltip": True}
        drawn = spec(
            title,
            data={"values": thinned(points)},
            mark=mark,
            encoding={**axes, "color": colour, "tooltip": tooltip},
            width=420,
            height=300,
        )
        return Chart(title, drawn, _means(points, None))
    columns, lines = _in_order(sweep, x, points), _in_order(sweep, y, points, "y")
    words = [{**point, "x": _word(point["x"]), "y": _word(point["y"])} for point in points]
    flat = {"type": "nominal", "axis": {"labelLimit": 160, "labelAngle": 0}}
    axes = {
        "x": {**flat, "field": "x", "title": x, "sort": columns},
        "y": {**flat, "field": "y", "title": y, "sort": lines[::-1]},
    }
    mean = {**colour, "aggregate": "mean"}
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "rect", "tooltip": True},
            "encoding": {**axes, "color": mean, "tooltip": [axes["x"], axes["y"], mean]},
        }
    ]
    if len(columns) <= 8:
        number = {"field": _METRIC, "aggregate": "mean", "type": "quantitative"}
        text = {"text": {**number, "format": ".4~g"}, "color": {"value": "white"}}
        layer.append({"mark": {"type": "text"}, "encoding": {**axes, **text}})
    size = {"width": {"step": max(24, min(70, 420 // len(columns)))}, "height": {"step": 32}}
    drawn = spec(title, data={"values": words}, layer=layer, **size)
    return Chart(title, drawn, _grid(words, columns, lines, f"{y} \\ {x}"))


def parallel(sweep: Sweep, metric: str = "") -> Chart:
    """Draw a line for each point across all parameters and the metric, coloured by the metric.

    Of many points some hundred are drawn, evenly chosen from the best to the last one. Raises as
    `by_parameter` does.
    """
    metric = metric_of(sweep, metric)
    rows = _thin_rows(_ranked(sweep, metric), _MOST_LINES)
    lines = [
        _Line(
            f"point {row.number}",
            {n: _word(v) if kind_of([v]) == "word" else str(v) for n, v in row.parameters.items()},
            {metric: row.metrics[metric]},
        )
        for row in rows
    ]
    found = parallel_coordinates(lines, [metric])
    if found is None:
        raise _nothing("of points that differ in more than one thing")
    return found


def history(sweep: Sweep, metric: str = "") -> Chart:
    """Draw a metric by the number of the point, and the best value so far as a line."""
    metric = metric_of(sweep, metric)
    points = sorted(_points(sweep, metric), key=lambda point: point["point"])
    highest = is_highest(sweep, metric)
    best: float | None = None
    for point in points:
        value = point[_METRIC]
        best = value if best is None else (max if highest else min)(best, value)
        point["so far"] = best
    x = {"field": "point", "type": "quantitative", "axis": {"tickMinStep": 1}, "scale": LOOSE}
    y = {"type": "quantitative", "title": metric, "scale": LOOSE}
    line = {"type": "line", "interpolate": "step-after", "color": _ORANGE}
    layer = [
        {"mark": line, "encoding": {"x": x, "y": {**y, "field": "so far"}}},
        {
            "mark": {"type": "point", "filled": True, "size": 40, "color": _BLUE, "opacity": 0.7},
            "encoding": {
                "x": x,
                "y": {**y, "field": _METRIC},
                "tooltip": _tooltip(sweep, metric),
            },
        },
    ]
    title = f"{metric} by point, and the best so far"
    drawn = spec(title, data={"values": thinned(points)}, layer=layer, width=420, height=200)
    return Chart(title, drawn, text_line([point["so far"] for point in points], 60))


@dataclass(frozen=True, slots=True)
class _Line:
    run: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]


def metric_of(sweep: Sweep, metric: str = "") -> str:
    """Return the metric to draw: that asked for, the one that decides, or the first there is.

    Raises ``sweep.nothing-to-draw`` where there is none.
    """
    known = dict.fromkeys(name for row in sweep.rows for name in sorted(row.metrics))
    found = metric or sweep.head.metric or next(iter(known), "")
    if found not in known:
        there_are = f": they have {', '.join(known)}" if known and metric else ""
        raise _nothing(f"with a metric{f' `{found}`' if found else ''}{there_are}")
    return found


def is_highest(sweep: Sweep, metric: str) -> bool:
    """Tell whether high values of a metric are the good ones, as far as its name tells."""
    if metric == sweep.head.metric:
        return sweep.head.highest
    from ..tracking.direction import direction

    try:
        return direction(metric).highest
    except MlopsError:
        return True


def kind_of(values: Sequence[Any]) -> Kind:
    """Return what axis values lie on: all numbers, all dates, or words."""
    if all(_is_number(v) for v in values):
        return "number"
    if all(isinstance(v, str) and _MOMENT.match(v) for v in values):
        return "moment"
    return "word"


def _is_number(value: Any) -> bool:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and math.isfinite(value)


def is_logarithmic(values: Sequence[float], words: str = "") -> bool:
    """Tell whether numbers are spread by their logarithm.

    Parameters
    ----------
    words
        The range that they come from, as it was given: ``1e-4:1e-1:log``.
    """
    known = sorted(set(values))
    if not known or known[0] <= 0:
        return False
    if ":log" in words.replace(" ", "") or known[-1] / known[0] > _ORDERS:
        return True
    ratios = [high / low for low, high in itertools.pairwise(known)]
    return len(ratios) > 1 and min(ratios) > 1.2 and max(ratios) / min(ratios) < 1.2


def thinned(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return at most as many points as a page draws at ease; the best one is among them."""
    kept = set(map(int, thin(range(len(points)), _MOST_DOTS)))
    return [each for number, each in enumerate(points) if number in kept or each["best"]]


def _ranked(sweep: Sweep, metric: str) -> list[Row]:
    """Return the points that ended well and have a finite value, the best first."""
    sign = -1 if is_highest(sweep, metric) else 1
    found = [
        row
        for row in sweep.rows
        if row.status == "ok"
        and is_number(row.metrics.get(metric))
        and math.isfinite(row.metrics[metric])
    ]
    return sorted(found, key=lambda row: (sign * row.metrics[metric], row.number))


def _points(sweep: Sweep, metric: str, x: str = "", y: str = "") -> list[dict[str, Any]]:
    rows = [
        row
        for row in _ranked(sweep, metric)
        if all(name in row.parameters for name in (x, y) if name)
    ]
    if not rows:
        names = " and ".join(f"`{name}`" for name in (metric, x, y) if name)
        raise _nothing(f"that ended well and have {names}")
    best = sweep.best.number if metric == sweep.head.metric and sweep.best is not None else 0
    found = []
    for row in rows:
        words = {name: _word(value) for name, value in row.parameters.items()}
        place = {"x": row.parameters.get(x), "y": row.parameters.get(y)}
        point = {"point": row.number, "best": row.number == best, "of": words}
        found.append({**point, **place, _METRIC: row.metrics[metric]})
    for each in "xy":
        if kind_of([point[each] for point in found]) == "word":
            for point in found:
                point[each] = _word(point[each])
    return found


def _axis(
    sweep: Sweep, name: str, points: Sequence[Mapping[str, Any]], field: str = "x"
) -> tuple[dict[str, Any], list[str] | None]:
    """Return how a parameter is drawn, and its words in order, where it has words."""
    values = [point[field] for point in points]
    kind = kind_of(values)
    if kind == "moment":
        return {"field": field, "type": "temporal", "title": name}, None
    if kind == "number":
        axis: dict[str, Any] = {"field": field, "type": "quantitative", "title": name}
        axis["scale"] = LOOSE
        if is_logarithmic(values, sweep.head.space.get(name, "")):
            axis["scale"] = {"type": "log", "nice": False, "padding": 12}
        known = sorted(set(values))
        if len(known) <= 10:
            axis["axis"] = {"values": known, "format": ".4~g", "labelOverlap": True}
        return axis, None
    words = _in_order(sweep, name, points, field)
    fits = len(words) <= 6 and max(map(len, words)) <= 10
    limit = {"labelLimit": 160, "labelAngle": 0 if fits else -40}
    return {"field": field, "type": "nominal", "title": name, "sort": words, "axis": limit}, words


def _in_order(
    sweep: Sweep, name: str, points: Sequence[Mapping[str, Any]], field: str = "x"
) -> list[str]:
    """Return a parameter's values as words: numbers by size, words as they were given."""
    values = [point[field] for point in points]
    if kind_of(values) != "word":
        return [_word(value) for value in sorted(set(values))]
    there = set(values)
    given = [_word(row.parameters.get(name)) for row in sweep.rows]
    return [word for word in dict.fromkeys(given) if word in there]


def _word(value: Any) -> str:
    words = shown(value)
    return words if len(words) <= _LONGEST_WORD else f"{words[: _LONGEST_WORD - 1]}…"


def _tooltip(sweep: Sweep, metric: str) -> list[dict[str, Any]]:
    names = sweep.head.swept or list(
        dict.fromkeys(name for row in sweep.rows for name in row.parameters)
    )
    fields: list[dict[str, Any]] = [{"field": "point"}]
    fields.append({"field": _METRIC, "title": metric, "format": ".6~g"})
    # A dot or a bracket in a field's name is a path.
    return fields + [{"field": f"of['{name}']", "title": name} for name in names]


def _thin_rows(rows: Sequence[Row], most: int) -> list[Row]:
    return [rows[int(each)] for each in thin(range(len(rows)), most)]


def _means(points: Sequence[Mapping[str, Any]], words: Sequence[str] | None) -> str:
    """Return a line for each value with the mean of its points; one row of blocks for many."""
    groups: dict[Any, list[float]] = {}
    for point in sorted(points, key=lambda p: p["x"] if words is None else words.index(p["x"])):
        groups.setdefault(point["x"], []).append(point[_METRIC])
    means = [fmean(group) for group in groups.values()]
    if len(groups) > _MOST_DRAWN_WORDS:
        first, *_, last = groups
        return f"{_word(first)} {text_line(means, 60)} {_word(last)}"
    longest = max(len(_word(value)) for value in groups)
    lines = zip(groups.items(), means, strict=True)
    return "\n".join(
        f"{_word(value).rjust(longest)}  {mean:.6g}"
        + (f"  ({min(group):.6g} to {max(group):.6g})" if len(group) > 1 else "")
        for (value, group), mean in lines
    )


def _grid(
    points: Sequence[Mapping[str, Any]], columns: Sequence[str], lines: Sequence[str], corner: str
) -> str:
    tiles: dict[tuple[str, str], list[float]] = {}
    for point in points:
        tiles.setdefault((point["x"], point["y"]), []).append(point[_METRIC])
    table = [[corner, *columns]]
    for line in lines:
        values = [tiles.get((column, line)) for column in columns]
        table.append([line, *("" if each is None else f"{fmean(each):.5g}" for each in values)])
    widths = [max(len(row[index]) for row in table) for index in range(len(table[0]))]
    return "\n".join(
        "  ".join(word.rjust(width) for word, width in zip(row, widths, strict=True))
        for row in table
    )


def _nothing(what: str) -> MlopsError:
    return MlopsError(
        "sweep.nothing-to-draw",
        f"The sweep has no points {what}.",
        hint="assign a metric in a cell tagged `metrics`, or log one, and sweep again.",
    )
