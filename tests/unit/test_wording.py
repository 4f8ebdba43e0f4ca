from __future__ import annotations

import math

import pytest

from jupyter_mlops.wording import number, percent


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"), (13.10, "13.1"), (11.9174, "11.92"), (-0.5, "−0.5"), (0.00012, "1.20e-04"),
        (1234567.8, "1,234,568"), (math.nan, "NaN"), (-math.inf, "−∞"), (999.96, "1,000"),
        (100, "100"), (53.404, "53.4"), (230.04, "230"), (5e13, "5.00e+13"), (-1000.4, "−1,000"),
    ],
)  # fmt: skip
def test_numbers_are_short_in_sentences(value: float, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("share", "words"), [(0, "0 %"), (0.0312, "3.1 %"), (0.336, "34 %"), (1, "100 %")]
)
def test_shares_are_percentages(share: float, words: str) -> None:
    assert percent(share) == words
