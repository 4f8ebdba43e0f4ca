"""Lengths of time as people write them."""

from __future__ import annotations

import click
import pytest

from jupyter_mlops.faces.durations import duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("2 d", 172800)]
)
def test_a_length_of_time_is_read(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "10x", "m", "1:30"])
def test_what_is_none_is_told(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no length of time"):
        duration(text)
