"""The baseline: a sample of the rows a model learned from, which monitoring compares with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..serving.prediction_log import PREDICTION
from ..serving.predictions import to_list

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PREDICTION", "ROWS", "read", "sample", "write"]

ROWS = 20_000
"""At most so many rows are kept."""


def sample(
    frame: pd.DataFrame, predictions: Any | None, *, rows: int = ROWS, seed: int = 0
) -> pd.DataFrame:
    """Return at most ``rows`` rows of a frame, drawn without replacement, in the frame's order.

    The same frame, rows and seed give the same sample. It has a fresh index from 0 and column
    names that are texts; where ``predictions`` (one for each row of ``frame``) are given, they
    stand in the column ``_prediction``.
    """
    import numpy as np

    positions = np.arange(len(frame))
    if len(frame) > rows:
        drawn = np.random.default_rng(seed).choice(len(frame), size=rows, replace=False)
        positions = np.sort(drawn)
    kept = frame.iloc[positions].reset_index(drop=True)
    kept.attrs = {}
    kept.columns = [str(name) for name in kept.columns]
    if predictions is not None:
        answers = to_list(predictions)
        kept[PREDICTION] = [answers[position] for position in positions]
    return kept


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a baseline as Parquet, whole or not at all.

    Parquet keeps categories of text only: those of whole numbers become their names.

    Raises
    ------
    MlopsError
        ``baseline.unwritable`` where a column holds what Parquet cannot.
    """
    import pandas as pd
    import pyarrow as pa

    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype) and dtype.categories.dtype.kind in "iu":
            frame = frame.assign(**{str(name): frame[name].cat.rename_categories(str)})
    staged = path.with_name(f".{path.name}.new")
    with explain_os_errors(path):
        try:
            frame.to_parquet(staged, engine="pyarrow", compression="zstd", index=False)
            os.replace(staged, path)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise MlopsError(
                "baseline.unwritable",
                f"The rows the model learned from cannot be kept as a baseline: {error}",
                hint="give each column of the served frame one type of value.",
                place=Place(str(path)),
            ) from None
        finally:
            staged.unlink(missing_ok=True)


def read(path: Path) -> pd.DataFrame:
    """Read a baseline.

    Raises
    ------
    MlopsError
        ``baseline.missing`` where there is none, ``baseline.damaged`` where it is not Parquet.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except FileNotFoundError:
        raise MlopsError(
            "baseline.missing",
            "The release keeps no rows to compare with.",
            hint="tag a cell `serve` and promote the notebook again.",
            place=Place(str(path)),
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise MlopsError(
            "baseline.damaged",
            f"The release's baseline cannot be read: {error}",
            hint="promote the notebook again; a release must not be edited.",
            place=Place(str(path)),
        ) from None
