"""What one server takes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one server.

    ``body_bytes`` and ``rows`` bound one request. ``threads`` is how many calls of the served
    function run at a time: one, because a notebook's code never had to share its variables.
    """

    body_bytes: int = 16 * 1024 * 1024
    rows: int = 10_000
    threads: int = 1
