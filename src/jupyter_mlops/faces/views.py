"""A view: what a verb shows, as data that every face can draw (text, HTML, JSON)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from ..charts.chart import Chart

_INDENT = "    "
_NUMBER = ' class="number"'
_STYLE = (
    # Twice the class: the front end's own rules for tables are as specific as once.
    "<style>.mlops-view{font-family:var(--jp-ui-font-family,sans-serif);font-size:13px}"
    ".mlops-view.mlops-view table{border-collapse:collapse;margin:4px 0 10px}"
    ".mlops-view.mlops-view th,.mlops-view.mlops-view td{padding:3px 10px;text-align:left;"
    "vertical-align:top;border-bottom:1px solid var(--jp-border-color2,#ccc)}"
    ".mlops-view.mlops-view .number{text-align:right;font-variant-numeric:tabular-nums}"
    ".mlops-view div:empty{height:6px}"
    ".mlops-view pre{margin:0 0 0 18px;white-space:pre-wrap;font-size:12px}"
    ".mlops-view caption{text-align:left;font-weight:600;padding:4px 0}</style>"
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; every value is JSON-able."""

    title: str
    columns: tuple[str, ...]
    rows: list[list[Any]]

    def text(self) -> str:
        cells = [[_word(value) for value in row] for row in self.rows]
        widths = [
            max(len(name), *(len(row[index]) for row in cells), 0) if cells else len(name)
            for index, name in enumerate(self.columns)
        ]
        numeric = [
            bool(self.rows) and all(_is_number(row[index]) for row in self.rows)
            for index in range(len(self.columns))
        ]

        def line(row: list[str]) -> str:
            return "  ".join(
                value.rjust(width) if right else value.ljust(width)
                for value, width, right in zip(row, widths, numeric, strict=True)
            ).rstrip()

        head = [self.title] if self.title else []
        return "\n".join([*head, line(list(self.columns)), *(line(row) for row in cells)])

    def html(self) -> str:
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        head = "".join(map(self._heading, range(len(self.columns))))
        body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in self.rows)
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _heading(self, index: int) -> str:
        numeric = bool(self.rows) and all(_is_number(row[index]) for row in self.rows)
        return f"<th{_NUMBER if numeric else ''}>{escape(self.columns[index])}</th>"


@dataclass(frozen=True, slots=True)
class View:
    """Some sentences, then some tables and charts. ``data`` is the verb's result for programs.

    ``exit_code`` is what a command ends with, where it has something to say about success.
    """

    lines: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    data: Any = None
    exit_code: int = 0
    charts: list[Chart] = field(default_factory=list)

    def text(self) -> str:
        blocks = ["\n".join(self.lines)] if self.lines else []
        blocks += [table.text() for table in self.tables]
        return "\n\n".join([*blocks, *(f"{chart.title}\n{chart.text}" for chart in self.charts)])

    def _repr_html_(self) -> str:
        lines = "".join(map(_line, self.lines))
        tables = "".join(table.html() for table in self.tables)
        return f'{_STYLE}<div class="mlops-view">{lines}{tables}</div>'

    def __repr__(self) -> str:
        return self.text()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> View:
        tables = [Table(t["title"], tuple(t["columns"]), t["rows"]) for t in content["tables"]]
        charts = [Chart(**chart) for chart in content.get("charts", ())]
        return cls(content["lines"], tables, content["data"], content.get("exit_code", 0), charts)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def _line(line: str) -> str:
    """Return a line of a view; one that is indented is code."""
    if line.startswith(_INDENT):
        return f"<pre>{escape(line.removeprefix(_INDENT))}</pre>"
    return f"<div>{escape(line)}</div>"


def _cell(value: Any) -> str:
    css = _NUMBER if _is_number(value) else ""
    return f"<td{css}>{escape(_word(value))}</td>"
