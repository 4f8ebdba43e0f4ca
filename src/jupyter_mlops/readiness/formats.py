"""Reports as other programs want them: JSON, GitHub's annotations, SARIF.

In the last two a finding stands at the line of the file, which is that of its JSON text, so that
reviews and editors show it at the right place.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .check import Report
from .finding import Finding
from .raw_lines import RawLines
from .rule import Rule

SARIF_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_TOOL = "jupyter-mlops"


def as_json(reports: Sequence[Report]) -> str:
    """Return one JSON object with all reports."""
    content = {
        "ok": all(report.ok for report in reports),
        "notebooks": [report.to_dict() for report in reports],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def as_github(reports: Iterable[Report]) -> str:
    """Return workflow commands, which GitHub Actions shows as annotations of the files."""
    lines: list[str] = []
    for report in reports:
        raw, file = _raw(report), _file(report)
        for finding in report.findings:
            command = _COMMANDS[finding.severity]
            line = raw.line(finding.place.cell, finding.place.line)
            cell = f"cell {finding.place.cell}" if finding.place.cell else ""
            at = f"{cell}, line {finding.place.line}" if cell and finding.place.line else cell
            text = f"{f'{at}: ' if at else ''}{finding.message}. {finding.why} To do: {finding.fix}"
            lines.append(
                f"::{command} file={_property(file)},line={line},"
                f"title={_property(finding.rule)}::{_data(text)}"
            )
    return "\n".join(lines)


def as_sarif(reports: Iterable[Report], rules: Iterable[Rule]) -> str:
    """Return a SARIF 2.1.0 log, which code scanning of GitHub, GitLab and Azure reads."""
    results: list[dict[str, Any]] = []
    found: set[str] = set()
    for report in reports:
        raw, file = _raw(report), _file(report)
        for finding in report.findings:
            found.add(finding.rule)
            results.append(_result(finding, file, raw))
    described = [_described(rule) for rule in rules]
    known = {each["id"] for each in described}
    described += [{"id": name, "name": _title(name)} for name in sorted(found - known)]
    index = {each["id"]: number for number, each in enumerate(described)}
    for result in results:
        result["ruleIndex"] = index[result["ruleId"]]
    log = {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": _TOOL, "version": _version(), "rules": described},
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": _title(rule.id),
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why} To do: {rule.fix}"},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding, file: str, raw: RawLines) -> dict[str, Any]:
    place = finding.place
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(file)},
            "region": {"startLine": raw.line(place.cell, place.line)},
        }
    }
    properties: dict[str, Any] = {"why": finding.why, "fix": finding.fix}
    if place.cell is not None:
        location["logicalLocations"] = [
            {
                "name": f"cell {place.cell}",
                "fullyQualifiedName": f"{file}#{place.cell_id or place.cell}",
                "kind": "cell",
            }
        ]
        properties |= {"cell": place.cell, "cellId": place.cell_id, "cellLine": place.line}
    return {
        "ruleId": finding.rule,
        "level": finding.severity,
        "message": {"text": f"{finding.message}. {finding.why} To do: {finding.fix}"},
        "locations": [location],
        # The same finding in a cell that moved is the same alert.
        "partialFingerprints": {"mlopsFinding/v1": _fingerprint(finding, file)},
        "properties": properties,
    }


def _fingerprint(finding: Finding, file: str) -> str:
    parts = [finding.rule, file, finding.place.cell_id or "", finding.message]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _raw(report: Report) -> RawLines:
    try:
        return RawLines(report.path.read_text(encoding="utf-8") if report.path else "")
    except (OSError, UnicodeDecodeError):
        return RawLines("")


def _file(report: Report) -> str:
    """Return the file as seen from the root of the checkout, or from the working directory."""
    if report.path is None:
        return report.notebook
    path = report.path.resolve()
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _uri(file: str) -> str:
    from urllib.parse import quote

    return Path(file).as_uri() if file.startswith("/") else quote(file)


def _title(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _version() -> str:
    try:
        return version(_TOOL)
    except PackageNotFoundError:
        return "0"
