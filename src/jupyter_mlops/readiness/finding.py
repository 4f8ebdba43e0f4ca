"""One thing that stands between a notebook and production: what, where, why, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..errors import Place

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found at one place.

    ``message`` tells what is there, ``why`` what it leads to, ``fix`` what to do.
    """

    rule: str
    severity: Severity
    message: str
    why: str
    fix: str
    place: Place

    def to_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "severity": self.severity,
            "message": self.message,
            "why": self.why,
            "fix": self.fix,
            "place": self.place.to_dict(),
        }
