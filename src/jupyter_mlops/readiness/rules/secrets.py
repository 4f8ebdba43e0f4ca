"""Passwords, keys and tokens in the notebook's file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...capture.redaction import redact, secrets
from ..context import Context
from ..rule import Found, rule

_HARMLESS = re.compile(
    r"""
      your|my[_-]|xxx|\*\*\*|\.\.\.|…|<|\{|\$|%\(|example|sample|dummy|fake|placeholder|insert
    | replace|change[_-]?me|redacted
    | \A(?:none|null|true|false|test|todo|secret|password|passwd|pass|pwd|token|user|key|admin|value
      |hidden|prompt|required|optional|basic|bearer|default|str|string|env)\d?\Z
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NAMES_OF_OTHER_THINGS = re.compile(
    r"""(?:_(?:name|names|path|file|filename|dir|folder|url|uri|column|col|field|env|var|type|id|len
    |length|label|header|prompt|hint|scope|arn|store|manager|regex|pattern|error|message|count)
    |(?:bos|eos|pad|unk|sep|cls|mask|special|start|end|stop|image|next|first|last|sot|oov|user|blank)
    _?token\w*|tokeni[sz]er\w*)["']?\]?\s*(?::\s*\w+\s*)?[=:]""",
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_OUTPUT = 200_000


@rule(
    "secret",
    "error",
    what="a password, key or token in a cell",
    why="Whoever reads the file, its history or an image made of it can use it.",
    fix='revoke it, and read it from the environment: `os.environ["NAME"]`.',
    example='`password = "hunter-2-hunter"`',
)
def secret(context: Context) -> Iterator[Found]:
    for cell in context.notebook.cells:
        seen: set[int] = set()
        for found in _real(cell.source):
            at = cell.source.find(found)
            line = cell.source.count("\n", 0, at) + 1
            if line not in seen:
                seen.add(line)
                yield Found(f"there is a secret in the cell: {_shown(found)}", cell, line)


@rule(
    "secret-in-output",
    "error",
    what="a password, key or token in a saved output",
    why="It is stored in the file, though no code shows it.",
    fix="revoke it, clear the output, and do not print it.",
    example="`print(os.environ)`",
)
def secret_in_output(context: Context) -> Iterator[Found]:
    for cell, outputs in context.outputs:
        for output in outputs:
            found = next(_real(_text(output)), None)
            if found is not None:
                yield Found(f"there is a secret in the cell's saved output: {_shown(found)}", cell)
                break


def _real(text: str) -> Iterator[str]:
    if redact(text) == text:
        return
    for before, found in secrets(text):
        is_named = before.rstrip().rstrip("\"'").rstrip("rbf\\").rstrip().endswith(("=", ":"))
        if is_named and (
            _NAMES_OF_OTHER_THINGS.search(before)
            or len(found) < 6
            or " " in found
            or re.fullmatch(r"[A-Z][A-Z0-9_]*|[a-z_]+\.[a-z_.]+|\[\w+\]|</?\w+>", found)
        ):
            continue
        if not _HARMLESS.search(found):
            yield found


def _shown(text: str) -> str:
    """Return enough of a secret to find it, and no more."""
    first = text.strip().split("\n")[0]
    return f"`{first[:3]}…`" if len(first) > 8 else "`…`"


def _text(output: dict[str, Any]) -> str:
    parts: list[Any] = [output.get("text"), output.get("traceback")]
    data = output.get("data")
    if isinstance(data, dict):
        parts += [value for kind, value in data.items() if kind.startswith("text/")]
    texts = ["\n".join(map(str, p)) if isinstance(p, list) else p for p in parts]
    return "\n".join(text for text in texts if isinstance(text, str))[:_LONGEST_OUTPUT]
