"""Which names are those of secrets: ``password``, ``api_key``, ``db_token`` and the like."""

from __future__ import annotations

import re

WORDS = (
    r"password|passwd|passphrase|passcode|secret|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"signing[_-]?key|encryption[_-]?key|account[_-]?key|storage[_-]?key|auth[_-]?key|"
    r"auth[_-]?token|access[_-]?token|refresh[_-]?token|bearer|credential|connection[_-]?string|"
    r"conn[_-]?str"
)
# The beginning of a name is not looked at: it stays as it is, and looking back costs time.
NAMES = rf"(?:(?:{WORDS})[\w-]*|(?<![a-zA-Z0-9])(?:token|pwd|pass)(?![\w-]))"
HINTS = ("pass", "pwd", "secret", "token", "bearer", "credential", "key", "conn")
_SECRET_NAME = re.compile(rf"[\w-]*?(?:{NAMES})\Z", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Tell whether a variable of that name holds a secret."""
    lower = name.lower()
    return any(hint in lower for hint in HINTS) and _SECRET_NAME.match(name) is not None
