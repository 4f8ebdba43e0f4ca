"""How findings are told: grouped by cell in a terminal, as a table in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from .views import Table, View

if TYPE_CHECKING:
    from ..readiness.check import Report
    from ..readiness.finding import Finding, Severity
    from ..readiness.rule import Rule

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
_COLUMNS = ("cell", "line", "severity", "rule", "what is there", "why", "to do")


def report_view(reports: Sequence[Report], *, failed: bool) -> View:
    """Return a table for each notebook that has findings, and a line that sums up each."""
    tables = [
        Table(
            report.notebook if len(reports) > 1 else "",
            _COLUMNS,
            [
                [f.place.cell, f.place.line, f.severity, f.rule, f.message, f.why, f.fix]
                for f in report.findings
            ],
        )
        for report in reports
        if report.findings
    ]
    data = [report.to_dict() for report in reports]
    lines = [_summary(report) for report in reports]
    return View(lines, tables, data, exit_code=1 if failed else 0)


def in_colour(reports: Iterable[Report]) -> str:
    """Return the findings for a terminal; colours are left out where it has none."""
    return "\n".join(line for report in reports for line in _lines(report))


def rules_view(rules: Iterable[Rule]) -> View:
    """Return all rules in one table."""
    known = list(rules)
    rows = [[rule.id, rule.severity, rule.what] for rule in known]
    data = [
        {name: getattr(rule, name) for name in ("id", "severity", "what", "why", "fix", "example")}
        for rule in known
    ]
    return View(tables=[Table("", ("rule", "severity", "what is found"), rows)], data=data)


def _lines(report: Report) -> Iterator[str]:
    for cell, findings in groupby(report.findings, key=lambda finding: finding.place.cell):
        words = f"{report.notebook}, cell {cell}" if cell is not None else report.notebook
        yield click.style(words, bold=True)
        for finding in findings:
            yield from _told(finding)
        yield ""
    colour = "green" if not report.findings else "red" if not report.ok else "yellow"
    yield click.style(_summary(report), fg=colour)


def _told(finding: Finding) -> Iterator[str]:
    line = f"line {finding.place.line}" if finding.place.line is not None else ""
    severity = click.style(f"{finding.severity:<8}", fg=_COLOURS[finding.severity])
    rule = click.style(f"[{finding.rule}]", dim=True)
    yield f"  {line:<9}{severity} {finding.message}  {rule}"
    yield f"{'':20}{finding.why}"
    yield f"{'':20}to do: {finding.fix}"


def _summary(report: Report) -> str:
    counts = [
        f"{count} {severity}{'s' if count > 1 else ''}"
        for severity in _severities()
        if (count := report.count(severity))
    ]
    words = ", ".join(counts) or "nothing found"
    ignored = f" ({report.suppressed} ignored)" if report.suppressed else ""
    return f"{report.notebook}: {words}{ignored}"


def _severities() -> tuple[Severity, ...]:
    from ..readiness.finding import SEVERITIES

    return SEVERITIES
