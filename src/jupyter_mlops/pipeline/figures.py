"""How two shown figures compare: by their data, else by their pixels."""

from __future__ import annotations

import base64
import io
from typing import Any

from ..notebook.figure_data import FigureData
from .differences import CLOSE, EQUAL, Difference, close

SHADES = 2
"""Of 256, by which a pixel may differ: renderers round."""


def compare_data(notebook: FigureData, pipeline: FigureData) -> Difference | None:
    """Compare what two figures draw; None where only their pictures can tell."""
    for one, other, where in ((notebook, pipeline, "notebook"), (pipeline, notebook, "pipeline")):
        for name in one:
            if name not in other:
                return Difference("different", f"{name}: only in the {where}")
    found, untold = EQUAL, False
    for name, values in notebook.items():
        part = _series(values, pipeline[name])
        if part is None:
            untold = True
        elif part.verdict == "different":
            return Difference("different", f"{name}: {part.words}")
        elif part.verdict != "equal":
            found = part
    return None if untold else found


def _series(a: Any, b: Any) -> Difference | None:
    if a == b:
        return EQUAL
    sizes = [each["size"] if isinstance(each, dict) else len(each) for each in (a, b)]
    if sizes[0] != sizes[1]:
        words = f"{sizes[0]} values in the notebook, {sizes[1]} in the pipeline"
        return Difference("different", words)
    if isinstance(a, dict):
        return None
    apart = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if not _close(x, y)]
    if not apart:
        return CLOSE
    first = apart[0]
    return Difference(
        "different",
        f"{len(apart)} of {len(a)} values differ, the first at [{first}]: {a[first]!r} in the "
        f"notebook, {b[first]!r} in the pipeline",
    )


def _close(x: Any, y: Any) -> bool:
    if isinstance(x, float) and isinstance(y, float):
        return close(x, y)
    return bool(x == y)


def compare_pictures(notebook: str, pipeline: str) -> Difference:
    """Compare two pictures (PNG, JPEG …), given as base64 text, pixel by pixel."""
    if notebook == pipeline:
        return EQUAL
    try:
        import numpy
        from PIL import Image
    except ImportError:
        return Difference("different", "the pictures' bytes differ")
    try:
        a, b = (
            numpy.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("RGBA"), "i2")
            for each in (notebook, pipeline)
        )
    except (OSError, ValueError):
        return Difference("different", "the pictures' bytes differ, and they cannot be read")
    if a.shape != b.shape:
        sizes = [f"{each.shape[1]} × {each.shape[0]}" for each in (a, b)]
        words = f"{sizes[0]} pixels in the notebook, {sizes[1]} in the pipeline"
        return Difference("different", words)
    apart = numpy.abs(a - b).max(axis=2)
    if not apart.any():
        return EQUAL
    if int(apart.max()) <= SHADES:
        return Difference("equal within tolerance", "the pictures differ by rounding only")
    share = float((apart > SHADES).mean())
    return Difference("different", f"{share:.2%} of the pixels differ")
