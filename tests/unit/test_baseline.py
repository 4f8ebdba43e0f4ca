from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.deploy import baseline
from jupyter_mlops.errors import MlopsError


def frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "origin": np.array(["JFK", "EWR", None], dtype=object)[np.arange(rows) % 3],
            "temp": np.arange(rows) / 2,
            "when": pd.date_range("2013-01-01", periods=rows, freq="h"),
            "class": pd.Categorical(np.arange(rows) % 2),
            7: np.arange(rows),
        },
        index=np.arange(rows)[::-1],
    )


@given(st.integers(0, 60), st.integers(1, 40), st.integers(0, 3))
def test_a_sample_is_bounded_deterministic_and_in_order(size: int, rows: int, seed: int) -> None:
    whole = frame(size)
    kept = baseline.sample(whole, np.arange(size) * 10, rows=rows, seed=seed)
    assert len(kept) == min(size, rows)
    pd.testing.assert_frame_equal(
        kept, baseline.sample(whole, np.arange(size) * 10, rows=rows, seed=seed)
    )
    assert kept["7"].is_monotonic_increasing
    assert kept["7"].is_unique
    assert (kept[baseline.PREDICTION] == kept["7"] * 10).all()
    assert list(kept.index) == list(range(len(kept)))


def test_the_frame_is_left_as_it_was() -> None:
    whole = frame(5)
    whole.attrs["note"] = object()
    kept = baseline.sample(whole, None)
    assert baseline.PREDICTION not in kept
    assert list(whole.columns)[-1] == 7
    assert "note" in whole.attrs
    assert not kept.attrs


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    kept = baseline.sample(frame(9), np.arange(18).reshape(9, 2))
    path = tmp_path / "baseline.parquet"
    baseline.write(kept, path)
    again = baseline.read(path)
    assert list(again.columns) == list(kept.columns)
    same = [name for name in kept if name not in ("class", baseline.PREDICTION)]
    pd.testing.assert_frame_equal(again[same], kept[same])
    assert again["class"].astype(int).tolist() == kept["class"].tolist()
    assert isinstance(again["class"].dtype, pd.CategoricalDtype)
    assert again[baseline.PREDICTION].iloc[1].tolist() == [2, 3]
    assert [each.name for each in tmp_path.iterdir()] == ["baseline.parquet"]


def test_what_parquet_cannot_hold_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(MlopsError) as caught:
        baseline.write(pd.DataFrame({"mixed": [1, "a", object()]}), tmp_path / "b.parquet")
    assert caught.value.code == "baseline.unwritable"
    assert "mixed" in caught.value.message
    assert not list(tmp_path.iterdir())
