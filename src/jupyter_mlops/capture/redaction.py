"""Redaction: secrets that known patterns or names give away never reach the journal."""

from __future__ import annotations

import re
from collections.abc import Iterator

MARK = "[redacted]"

_NAMES = (
    r"(?:[\w-]*(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"auth[_-]?token|access[_-]?token|refresh[_-]?token|bearer|credential)[\w-]*"
    r"|(?:[\w-]*[_-])?(?:token|pwd))"
)
_SECRET_NAME = re.compile(rf"{_NAMES}\Z", re.IGNORECASE)

# Each pattern keeps what stands before the secret in group 1, and what stands behind it in 2.
_PATTERNS = [
    re.compile(pattern, re.MULTILINE | (re.IGNORECASE if ignore_case else 0))
    for pattern, ignore_case in (
        # Private keys, with the lines of a diff before each line.
        (
            r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            False,
        ),
        # name = "…", "name": "…", name="…"; in a notebook's JSON with escaped quotes.
        (
            rf"(\b{_NAMES}(?:\\?[\"'])?(?:\])?\s*(?::\s*\w+\s*)?[=:]\s*[rbf]{{0,2}}\\?[\"'])"
            r"[^\"'\\\n]+(\\?[\"'])",
            True,
        ),
        # NAME=value as in .env files, YAML and command lines; words of code are no values.
        (
            rf"(^[+\- ]?\s*(?:export\s+|[%!]\w+\s+)?{_NAMES}\s*[=:]\s*)"
            r"(?=\S*\d)[^\s\"'()\[\]{},]{8,}()$",
            True,
        ),
        (r"(\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:)[^\s/@\"']+(@)", True),
        (r"(\b(?:authorization|bearer)[\"']?\s*[:=]?\s*[\"']?(?:bearer|basic|token)?\s+)"
         r"[A-Za-z0-9._~+/=-]{16,}()", True),
        (r"(\b)(?:AKIA|ASIA)[A-Z0-9]{16}\b()", False),
        (r"(\b)gh[pousr]_[A-Za-z0-9]{30,}()", False),
        (r"(\b)github_pat_[A-Za-z0-9_]{30,}()", False),
        (r"(\b)glpat-[A-Za-z0-9_-]{20,}()", False),
        (r"(\b)xox[abeprs]-[A-Za-z0-9-]{10,}()", False),
        (r"(\b)sk-[A-Za-z0-9_-]{20,}()", False),
        (r"(\b)hf_[A-Za-z0-9]{30,}()", False),
        (r"(\b)AIza[A-Za-z0-9_-]{35}()", False),
        (r"(\b)eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+()", False),
    )
]  # fmt: skip


def redact(text: str) -> str:
    """Return ``text`` with every known form of a secret replaced by ``[redacted]``."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{MARK}\g<2>", text)
    return text


def secrets(text: str) -> Iterator[tuple[str, str]]:
    """Yield each secret with what stands before it, such as ``password = "``."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            before = match.group(1)
            yield before, match.group()[len(before) : len(match.group()) - len(match.group(2))]


def redact_value(name: str, text: str) -> str:
    """Return the value of a variable as it may be stored: not at all if its name is a secret's."""
    if text and _SECRET_NAME.match(name):
        return MARK
    return redact(text)
