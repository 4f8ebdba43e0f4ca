"""Figures are compared by their data, and by pixels where data cannot tell."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jupyter_mlops.pipeline.figures import compare_data, compare_pictures

DATA = {"axes 1, line 1, y": [1.0, 2.0, "nan"], "texts": ["a"]}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"axes 1, line 1, y": [1.0, 2.5, "nan"]}, "line 1, y: 1 of 3 values differ, the first"),
        ({"axes 1, line 1, y": [1.0, 2.0]}, "3 values in the notebook, 2 in the pipeline"),
        ({"texts": ["b"]}, "texts: 1 of 1 values differ, the first at [0]: 'a' in the notebook"),
        ({"axes 1, line 2, y": [1.0]}, "axes 1, line 2, y: only in the pipeline"),
    ],
)
def test_what_differs_is_said(changed: dict[str, Any], words: str) -> None:
    found = compare_data(DATA, {**DATA, **changed})
    assert found is not None
    assert found.verdict == "different"
    assert words in found.words


def test_data_may_differ_by_rounding() -> None:
    close = {**DATA, "axes 1, line 1, y": [1.0, 2.0 + 1e-12, "nan"]}
    found = compare_data(DATA, close)
    assert found is not None
    assert found.verdict == "equal within tolerance"


def test_of_long_series_the_pictures_tell() -> None:
    one, other = ({"y": {"size": 30000, "digest": digest}} for digest in "ab")
    assert compare_data(one, other) is None
    found = compare_data(one, {"y": {"size": 30001, "digest": "b"}})
    assert found is not None
    assert found.verdict == "different"


def png(pixels: np.ndarray[Any, Any], level: int) -> str:
    stream = io.BytesIO()
    Image.fromarray(pixels.astype("u1")).save(stream, "png", compress_level=level)
    return base64.b64encode(stream.getvalue()).decode()


def test_pictures_are_compared_by_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 200, (40, 50, 3))
    picture = png(pixels, 1)
    assert picture != png(pixels, 9)
    assert compare_pictures(picture, png(pixels, 9)).verdict == "equal"
    assert compare_pictures(picture, png(pixels + 1, 1)).verdict == "equal within tolerance"
    other = pixels.copy()
    other[:4] += 50
    found = compare_pictures(picture, png(other, 1))
    assert (found.verdict, found.words) == ("different", "10.00% of the pixels differ")
    found = compare_pictures(picture, png(pixels[:20], 1))
    assert found.words == "50 × 40 pixels in the notebook, 50 × 20 in the pipeline"
    assert compare_pictures(picture, "AAAA").verdict == "different"
