"""The summary notebook of a sweep: what was found, as text, tables and charts.

It is written with its outputs. Its code cells are real: run again, they read the sweep from the
disk and show it as it then stands.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..charts.chart import Chart
from ..errors import MlopsError
from ..os_errors import explain_os_errors
from . import plots, tables
from .executed import write
from .points import shown
from .record import Sweep
from .setting import Setting

NAME = "summary.ipynb"
_KEY = "jupyter_mlops_summary"
_MOST_PLOTS = 12
_MOST_VALUES = 8

_KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
# All that a kernel says of itself: JupyterLab takes a notebook that says less for a changed one.
_LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": platform.python_version(),
}

_Cell = dict[str, Any]


def write_summary(setting: Setting, sweep: Sweep) -> Path:
    """Write the summary notebook into the sweep's folder and return its path.

    One that somebody has changed since it was written is kept beside the new one.
    """
    path = setting.folder / NAME
    content = summary(sweep)
    _keep_changed(path)
    write(json.dumps(content, indent=1).encode(), path)
    return path


def summary(sweep: Sweep) -> dict[str, Any]:
    """Return the summary of a sweep as a notebook in nbformat 4.5."""
    cells = list(_cells(sweep))
    for number, cell in enumerate(cells):
        cell["id"] = f"summary-{number}"
    metadata = {"kernelspec": _KERNEL, "language_info": _LANGUAGE, _KEY: _digest(cells)}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def _cells(sweep: Sweep) -> Iterator[_Cell]:
    count = iter(range(1, 1000))

    def code(source: str, value: object = None) -> _Cell:
        number = next(count)
        outputs = [_output(value, number)] if value is not None else []
        return {
            "cell_type": "code",
            "execution_count": number,
            "metadata": {},
            "source": source,
            "outputs": outputs,
        }

    yield _markdown(_introduction(sweep))
    reading = f"sweep = read_sweep({sweep.name!r})"
    yield code(f"from jupyter_mlops.sweeps import plots, read_sweep, tables\n\n{reading}")
    if sweep.best is not None:
        yield _markdown("## The best point")
        yield code("tables.best(sweep)", tables.best(sweep))
    drawn = list(_plots(sweep))
    if drawn:
        yield _markdown(f"## {_metric(sweep)}\n\n{_reading_help(sweep)}")
    for source, chart in drawn:
        yield code(source, chart)
    yield _markdown(f"## Points\n\n{_points_help(sweep)}")
    yield code("tables.points(sweep)", tables.points(sweep))
    if sweep.count("failed"):
        words = "What was executed of a point up to its error is in its notebook."
        yield _markdown(f"## Failures\n\n{words}")
        yield code("tables.failures(sweep)", tables.failures(sweep))


def _plots(sweep: Sweep) -> Iterator[tuple[str, Chart]]:
    names = _differing(sweep)
    wanted: list[tuple[str, Callable[[], Chart]]] = []
    if len(names) == 2:
        first, second = names
        source = f"plots.heat_map(sweep, {first!r}, {second!r})"
        wanted.append((source, lambda: plots.heat_map(sweep, first, second)))
    elif len(names) > 2:
        wanted.append(("plots.parallel(sweep)", lambda: plots.parallel(sweep)))
    for name in names[:_MOST_PLOTS]:
        call = f"plots.by_parameter(sweep, {name!r})"
        wanted.append((call, lambda name=name: plots.by_parameter(sweep, name)))  # type: ignore[misc]
    if sweep.head.kind == "tune":
        wanted.append(("plots.history(sweep)", lambda: plots.history(sweep)))
    for source, draw in wanted:
        try:
            yield source, draw()
        except MlopsError:  # no point has what it draws
            continue


def _differing(sweep: Sweep) -> list[str]:
    """Return the parameters of which the points that ended have more than one value."""
    found: dict[str, set[str]] = {}
    for row in sweep.rows:
        if row.status == "ok":
            for name, value in row.parameters.items():
                found.setdefault(name, set()).add(json.dumps(value, sort_keys=True, default=repr))
    return [name for name, values in found.items() if len(values) > 1]


# --- words ------------------------------------------------------------------------------------


def _introduction(sweep: Sweep) -> str:
    head = sweep.head
    title = "Tuning" if head.kind == "tune" else "Sweep"
    counts = (
        *((sweep.count("ok"), "ended well"), (sweep.count("pruned"), "pruned")),
        *((sweep.count("failed"), "failed"), (sweep.count("waiting"), "not run")),
    )
    told = [(count, words) for count, words in counts if count]
    ended = ", ".join(f"{count:,} {words}" for count, words in told)
    if len(told) == 1 and told[0][0] > 1:
        ended = f"all {told[0][1]}"
    noun = "trial" if head.kind == "tune" else "point"
    points = f"{len(sweep.rows):,} {noun}{'s' if len(sweep.rows) != 1 else ''}"
    lines = [f"# {title} of {_code(head.notebook)}", ""]
    lines.append(f"{points}: {ended or 'none has ended'}. {_outcome(sweep)}".strip())
    lines += ["", "| parameter | values |", "|---|---|"]
    lines += [f"| {_code(name)} | {_values(sweep, name)} |" for name in head.swept or _names(sweep)]
    lines += [f"| {_code(name)} | {_code(shown(v))} |" for name, v in head.fixed.items()]
    if head.shared and head.cells:
        lines += ["", f"{head.shared} of {head.cells} cells ran once for all points."]
    here = f"`jupyter mlops runs --notebook {head.notebook}` lists the points' runs."
    return "\n".join([*lines, "", f"The sweep is `{sweep.name}`. {here}"])


def _outcome(sweep: Sweep) -> str:
    best, metric = sweep.best, sweep.head.metric
    if best is None:
        return ""
    values = ", ".join(f"{n}={shown(v)}" for n, v in best.parameters.items())
    which = "highest" if sweep.head.highest else "lowest"
    return f"The {which} {_code(metric)} is **{best.metrics[metric]:.6g}**, with {_code(values)}."


def _values(sweep: Sweep, name: str) -> str:
    if name in sweep.head.space:
        return _code(sweep.head.space[name])
    rows = [row.parameters[name] for row in sweep.rows if name in row.parameters]
    numeric = plots.kind_of(rows) == "number"
    known = list(dict.fromkeys(map(shown, sorted(rows) if numeric else rows)))
    if len(known) <= _MOST_VALUES:
        return ", ".join(map(_code, known))
    if numeric:
        return f"{len(known)} from {_code(f'{min(rows):.6g}')} to {_code(f'{max(rows):.6g}')}"
    return f"{', '.join(map(_code, known[:_MOST_VALUES]))} and {len(known) - _MOST_VALUES} more"


def _names(sweep: Sweep) -> Sequence[str]:
    return list(dict.fromkeys(name for row in sweep.rows for name in row.parameters))


def _metric(sweep: Sweep) -> str:
    return f"{_code(plots.metric_of(sweep))} by parameter"


def _reading_help(sweep: Sweep) -> str:
    metric = plots.metric_of(sweep)
    others = {name for row in sweep.rows for name in row.metrics} - {metric}
    words = "Point at a mark to see all values of its point."
    if others:
        words += f" For another metric add its name: `metric={sorted(others)[0]!r}`."
    return words


def _points_help(sweep: Sweep) -> str:
    words = "The best first." if sweep.best is not None else ""
    rows = "`[row.parameters | row.metrics for row in sweep.rows]` has all of it for a data frame."
    return f"{words} {rows}".strip()


def _code(words: object) -> str:
    """Return words as Markdown shows code; in a table, too."""
    text = " ".join(str(words).split()).replace("|", "\\|")
    text = text if len(text) <= 60 else f"{text[:59]}…"
    fence = "``" if "`" in text else "`"
    pad = " " if fence == "``" else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else "(empty)"


# --- the notebook -----------------------------------------------------------------------------


def _markdown(source: str) -> _Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _output(value: object, number: int) -> dict[str, Any]:
    """Return what a kernel would send for a cell that ends with this value."""
    bundle = getattr(value, "_repr_mimebundle_", None)
    html = getattr(value, "_repr_html_", None)
    data = bundle() if bundle else {"text/plain": repr(value)}
    if html:
        data["text/html"] = html()
    kind = {"output_type": "execute_result", "execution_count": number}
    return {**kind, "metadata": {}, "data": data}


def _keep_changed(path: Path) -> None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        same = _digest(content["cells"]) == content["metadata"].get(_KEY)
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        same = False
    if not same:
        number = 1
        while (kept := path.with_stem(f"{path.stem}-{number}")).exists():
            number += 1
        with explain_os_errors(path):
            path.rename(kept)


def _digest(cells: Sequence[_Cell]) -> str:
    """Return what tells whether somebody has changed a cell; outputs do not count."""
    sources = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()
