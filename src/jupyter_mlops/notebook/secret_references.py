"""Secrets by reference: ``env:DB_PASSWORD`` and ``file:/run/secrets/db``.

Whoever starts a run gives the reference; the value is read where the cells run, and nowhere kept.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

MARK = "[secret]"
_ENV, _FILE = "env:", "file:"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHORTEST = 4
"""Characters; a shorter secret stands by chance in what is shown."""
_LONGEST_FILE = 64 * 1024


def is_reference(text: object) -> bool:
    """Tell whether a value has the form of a reference."""
    if not isinstance(text, str):
        return False
    if text.startswith(_ENV):
        return _NAME.fullmatch(text[len(_ENV) :]) is not None
    return text.startswith(_FILE) and len(text) > len(_FILE) and "\n" not in text


def resolve(reference: str) -> str:
    """Return the secret; raises `ValueError` with a sentence where there is none.

    The line's end at the end of a file does not belong to the secret.
    """
    if reference.startswith(_ENV):
        name = reference[len(_ENV) :]
        value = os.environ.get(name)
        if not value:
            state = "not set" if value is None else "empty"
            raise ValueError(f"the environment variable {name} is {state}")
        return _long_enough(value)
    path = Path(reference[len(_FILE) :])
    try:
        with path.open(encoding="utf-8", newline="") as file:
            value = file.read(_LONGEST_FILE + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(f"the file {path} cannot be read: {reason}") from None
    value = value.removesuffix("\n").removesuffix("\r")
    if not value or len(value) > _LONGEST_FILE:
        raise ValueError(f"the file {path} is {'too long' if value else 'empty'}")
    return _long_enough(value)


def absolute(reference: str) -> str:
    """Return the reference with the whole path of its file."""
    if not reference.startswith(_FILE):
        return reference
    return f"{_FILE}{Path(reference[len(_FILE) :]).expanduser().resolve()}"


def source(reference: str) -> str:
    """Return Python that reads the secret in the kernel, without an import of its own."""
    if reference.startswith(_ENV):
        return f'__import__("os").environ[{reference[len(_ENV) :]!r}]'
    opened = f'open({reference[len(_FILE) :]!r}, encoding="utf-8", newline="")'
    return f'{opened}.read().removesuffix("\\n").removesuffix("\\r")'


class Redactor:
    """Replaces the values of secrets in texts, in every form that output writes them."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values for form in _forms(value)}
        # The longest first: one secret may be the beginning of another.
        self._forms = sorted(forms, key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def text(self, text: str) -> str:
        """Return ``text`` without any of the secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MARK)
        return text

    def all(self, value: object) -> object:
        """Return what JSON can hold with all texts in it redacted; new where it changes."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.all(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.all(each) for each in value]
        return value


def _forms(value: str) -> Iterable[str]:
    texts = {value, *(line.strip() for line in value.splitlines() if len(line.strip()) >= 12)}
    for text in texts:
        yield text
        yield repr(text)[1:-1]
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield html.escape(text)
        yield html.escape(text, quote=False)
        yield quote(text)
        yield quote(text, safe="")
        yield base64.b64encode(text.encode()).decode()


def _long_enough(value: str) -> str:
    if len(value) < SHORTEST:
        raise ValueError(
            f"its value has fewer than {SHORTEST} characters, too few to keep it out of outputs"
        )
    return value
