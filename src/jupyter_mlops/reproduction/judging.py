"""How two outputs of one kind compare, in the words of a reproduction."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from ..errors import MlopsError
from ..pipeline import differences, figures, shown, texts
from ..pipeline.differences import Difference

SIDES = ("in the run", "here")


def digest(text: str) -> str:
    """Return the SHA-256 of what a cell printed."""
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def compare_figures(one: shown.Shown, other: shown.Shown) -> Difference:
    """Compare the figures that two executed notebooks hold of one cell."""
    return _ours(shown.compare_figures(one, other))


def compare_numbers(pairs: Iterable[tuple[float, float]]) -> Difference:
    """Compare the values of a metric, each with its partner; NaN equals NaN."""
    found = differences.EQUAL
    for number, (a, b) in enumerate(pairs):
        if a == b or (a != a and b != b):
            continue
        if not differences.close(a, b):
            where = f"value {number + 1}: " if number else ""
            return Difference("different", f"{where}{a!r} in the run, {b!r} here")
        found = differences.CLOSE
    return found


def compare_values(one: Any, other: Any) -> Difference:
    """Compare two values, whatever they are."""
    return _ours(differences.compare(one, other))


def compare_contents(suffix: str, a: bytes, b: bytes) -> Difference:
    """Compare two kept figures or tables."""
    if a == b:
        return differences.EQUAL
    if suffix == ".json":
        try:
            return _ours(differences.compare(json.loads(a), json.loads(b)))
        except (ValueError, MlopsError):
            return Difference("different", "it cannot be read")
    if suffix == ".svg":
        return texts.compare(_svg(a), _svg(b), SIDES)
    pictures = [base64.b64encode(side).decode() for side in (a, b)]
    return _ours(figures.compare_pictures(pictures[0], pictures[1]))


def _svg(content: bytes) -> str:
    return shown.drawing_text(content.decode("utf-8", "replace"))


def _ours(found: Difference) -> Difference:
    """Return a difference in the words of a reproduction."""
    words = re.sub(r"\b(only )?in the notebook\b", r"\1in the run", found.words)
    return Difference(found.verdict, re.sub(r"\b(only )?in the pipeline\b", r"\1here", words))
