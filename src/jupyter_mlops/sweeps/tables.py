"""What a sweep has found, as tables: the best point, all points, and those that have failed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from .points import shown
from .record import Row, Sweep

_MOST = 100
_MOST_METRICS = 6
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns, shown as HTML or text.

    ``links`` are addresses of cells, by line and column; ``below`` is said under the table.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    links: dict[tuple[int, int], str]
    below: str = ""

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            f"<tr>{''.join(self._cell(line, i, row[i]) for i in range(len(row)))}</tr>"
            for line, row in enumerate(self.rows)
        )
        below = f"<p>{escape(self.below)}</p>" if self.below else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"

    def __repr__(self) -> str:
        table = [list(self.columns), *([_text(each) for each in row] for row in self.rows)]
        widths = [max(len(row[index]) for row in table) for index in range(len(self.columns))]
        numeric = [
            all(row[i] == "" or _is_number(row[i]) for row in self.rows)
            for i in range(len(self.columns))
        ]
        lines = [
            "  ".join(
                word.rjust(width) if right else word.ljust(width)
                for word, width, right in zip(row, widths, numeric, strict=True)
            ).rstrip()
            for row in table
        ]
        return "\n".join([*lines, *(["", self.below] if self.below else [])])

    def _cell(self, line: int, index: int, value: Any) -> str:
        words = escape(_text(value))
        if (link := self.links.get((line, index))) is not None:
            words = f'<a href="{escape(link)}" target="_blank">{words}</a>'
        left = "" if _is_number(value) else ' style="text-align:left"'
        return f"<td{left}>{words}</td>"


@dataclass(frozen=True, slots=True)
class Best:
    """The best point, and the command that runs the notebook with its values."""

    table: Table
    command: str

    def _repr_html_(self) -> str:
        return f"{self.table._repr_html_()}<pre><code>{escape(self.command)}</code></pre>"

    def __repr__(self) -> str:
        return f"{self.table!r}\n\n{self.command}"


def best(sweep: Sweep) -> Best | str:
    """Return the best point; words where no point has the metric that decides."""
    row = sweep.best
    if row is None:
        metric = sweep.head.metric
        return f"No point has the metric {metric}." if metric else "No metric tells which is best."
    order = sorted(row.metrics, key=lambda name: name != sweep.head.metric)
    rows = [
        *([name, value] for name, value in row.parameters.items()),
        *([name, row.metrics[name]] for name in order),
        ["run", row.run],
    ]
    links = _link(sweep, row, len(rows) - 1, 1)
    return Best(Table(("", f"point {row.number}"), rows, links), command(sweep, row))


def points(sweep: Sweep, most: int = _MOST) -> Table:
    """Return the points as rows, the best first, at most so many; behind them those without."""
    ranked = sweep.ranked
    known = {row.number for row in ranked}
    order = ("ok", "pruned", "failed", "running", "waiting")
    others = [row for row in sweep.rows if row.number not in known]
    rows = [*ranked, *sorted(others, key=lambda row: (order.index(row.status), row.number))]
    names = list(dict.fromkeys(name for row in rows for name in row.parameters))
    found = dict.fromkeys(name for row in rows for name in sorted(row.metrics))
    metrics = sorted(found, key=lambda name: name != sweep.head.metric)[:_MOST_METRICS]
    kept = rows[:most]
    links: dict[tuple[int, int], str] = {}
    table = []
    for line, row in enumerate(kept):
        values = [row.parameters.get(name, "") for name in names]
        told = [row.metrics.get(name, "") for name in metrics]
        table.append([row.number, *values, *told, row.seconds or "", row.status, row.run])
        links |= _link(sweep, row, line, len(table[-1]) - 1)
    below = ""
    if len(rows) > most:
        below = f"{len(rows) - most:,} more: points(sweep, most={len(rows)})"
    return Table(("point", *names, *metrics, "seconds", "status", "run"), table, links, below)


def failures(sweep: Sweep) -> Table:
    """Return the points that have failed, each with its error in one line."""
    rows = [row for row in sweep.rows if row.status == "failed"]
    links: dict[tuple[int, int], str] = {}
    table = []
    for line, row in enumerate(rows[:_MOST]):
        words = " ".join(f"{name}={shown(value)}" for name, value in row.parameters.items())
        table.append([row.number, words, one_line(row.error), row.run])
        links |= _link(sweep, row, line, 3)
    below = f"{len(rows) - _MOST:,} more" if len(rows) > _MOST else ""
    return Table(("point", "parameters", "error", "executed notebook"), table, links, below)


def command(sweep: Sweep, row: Row) -> str:
    """Return the command that runs the notebook with a point's values, from the project's root."""
    head = sweep.head
    words = ["jupyter", "mlops", "rerun", head.notebook]
    for name, value in {**head.fixed, **row.parameters}.items():
        words += ["-p", f"{name}={value if isinstance(value, str) else _literal(value)}"]
    return shlex.join(words)


def one_line(error: str) -> str:
    """Return an error's sentence and its place, without what is to be done about it."""
    message, *rest = error.strip().split("\n") if error.strip() else [""]
    places = [line.strip() for line in rest if line.startswith("  at ")]
    return f"{message} ({places[0]})" if places else message


def _literal(value: Any) -> str:
    words = repr(value)
    # Double quotes need no others around them in a shell.
    return words if '"' in words else words.replace("'", '"')


def _link(sweep: Sweep, row: Row, line: int, column: int) -> dict[tuple[int, int], str]:
    """Return the address of a point's executed notebook, as seen from the sweep's folder."""
    folder = Path(sweep.folder)
    executed = folder.parents[1] / "executed" / f"{row.run}.ipynb"
    if not row.run or not executed.exists():
        return {}
    return {(line, column): Path(os.path.relpath(executed, folder)).as_posix()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    words = " ".join(shown(value).split()) if value is not None else "None"
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
