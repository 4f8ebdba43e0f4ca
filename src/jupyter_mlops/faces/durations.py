"""A length of time as people write it: ``90``, ``90s``, ``10m``, ``1.5h``."""

from __future__ import annotations

import re

import click

_WORDS = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*([smhd]?)\s*\Z")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Return the seconds that a text says, as the type of an option."""
    match = _WORDS.match(text)
    if match is None or not float(match[1]):
        raise click.BadParameter(f"{text!r} is no length of time: write `90`, `10m` or `2h`.")
    return float(match[1]) * _SECONDS[match[2]]
