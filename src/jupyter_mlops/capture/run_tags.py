"""Tags that the user gives a run: checked before they are written anywhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from ..errors import MlopsError
from .redaction import redact_value

_KEY = re.compile(r"[\w./: -]{1,250}\Z")
_LONGEST = 5000
_RESERVED = ("mlflow.", "mlops.")
_MEANT = "true"
"""The value of a tag that is one word."""


def read_tags(words: Iterable[str]) -> dict[str, str]:
    """Return ``["owner=ada", "baseline"]`` as tags of MLflow: a word alone is ``true``.

    Raises `MlopsError` ``tag.missing``, ``tag.key``, ``tag.reserved`` or ``tag.value``.
    """
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        key = key.strip()
        if not (_KEY.match(key) and _is_path(key)):
            raise MlopsError(
                "tag.key",
                f"`{word}` is no tag: `{key}` cannot be the name of one.",
                hint="write KEY=VALUE; names are made of letters, digits, spaces and _-./:",
            )
        if key.startswith(_RESERVED):
            raise MlopsError(
                "tag.reserved",
                f"`{key}` cannot be set: names that begin with {' or '.join(_RESERVED)} have "
                "meanings of their own.",
                hint="choose another name.",
            )
        if len(value) > _LONGEST:
            raise MlopsError(
                "tag.value",
                f"The value of `{key}` has {len(value):,} characters; {_LONGEST:,} is the most.",
                hint="keep long texts as a note or a file.",
            )
        found[key] = redact_value(key, value) if equals else _MEANT
    if not found:
        raise MlopsError("tag.missing", "There is no tag.", hint="write KEY=VALUE or one word.")
    return found


def _is_path(key: str) -> bool:
    """Tell whether a name could be that of a file below a folder, as MLflow wants it."""
    return posixpath.normpath(key) == key and key != "." and not key.startswith(("/", ".."))
