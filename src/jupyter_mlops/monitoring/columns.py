"""Two columns made comparable: what kind of values they hold, and those values alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Kind = Literal["number", "time", "category", "boolean"]

FEW_VALUES = 10
"""A column of so few distinct numbers, or fewer, is compared as categories."""


@dataclass(frozen=True, slots=True)
class Side:
    """The values of one column in the baseline or in the log.

    ``numbers``, of shape (known,), are what `number` and `time` compare: times in seconds since
    1970 in UTC. ``counts`` are what the other two compare: rows by value, most frequent first;
    ``shares`` are those over ``known``, the number of rows with a value. ``nulls`` is the share
    of rows without one; NaN and infinity count as none. ``unread`` counts values of another
    kind, such as texts among numbers.
    """

    rows: int
    known: int
    nulls: float
    numbers: NDArray[np.float64] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    unread: int = 0


def align(baseline: pd.Series[Any], current: pd.Series[Any]) -> tuple[Kind, Side, Side]:
    """Return the kind that both columns are compared as, and both sides.

    The baseline decides. Numbers are compared as numbers where it has more than ten distinct
    ones, else as categories: whether 1 and 2 are near or merely names, so few values do not tell,
    and the distance of categories is right for both. A column with one value is a category too.
    """
    kind = _kind(baseline if baseline.notna().any() else current)
    if kind in ("number", "time"):
        sides = _numeric(baseline, kind), _numeric(current, kind)
        if not _few(sides[0], kind):
            return kind, *sides
        return "category", _counted(baseline, kind), _counted(current, kind)
    return kind, _counted(baseline, kind), _counted(current, kind)


def expand(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the frame with a column of lists or objects as one column for each part.

    ``_prediction`` of three probabilities becomes ``_prediction.0`` to ``_prediction.2``.
    """
    import pandas as pd

    if column not in frame:
        return frame
    values = [v.tolist() if hasattr(v, "tolist") else v for v in frame[column]]
    first = next((v for v in values if isinstance(v, (list, tuple, dict))), None)
    if first is None:
        return frame
    rows = [
        v if isinstance(v, dict) else dict(enumerate(v)) if isinstance(v, (list, tuple)) else {}
        for v in values
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    parts = {f"{column}.{name}": [row.get(name) for row in rows] for name in names}
    wide = pd.DataFrame(parts, index=frame.index)
    rest = pd.concat([frame.drop(columns=column), wide], axis=1)
    nested = [name for name in parts if any(isinstance(v, (list, dict)) for v in parts[name])]
    for name in nested:
        rest = expand(rest, name)
    return rest


def _kind(series: pd.Series[Any]) -> Kind:
    from pandas.api import types

    dtype = series.dtype
    if types.is_bool_dtype(dtype):
        return "boolean"
    if types.is_complex_dtype(dtype):
        return "category"
    if types.is_numeric_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype):
        return "time"
    inferred = types.infer_dtype(series, skipna=True) if types.is_object_dtype(dtype) else "other"
    known: dict[str, Kind] = {
        "boolean": "boolean",
        "integer": "number",
        "floating": "number",
        "mixed-integer-float": "number",
        "decimal": "number",
        "datetime": "time",
        "datetime64": "time",
        "date": "time",
    }
    return known.get(inferred, "category")


def _few(side: Side, kind: Kind) -> bool:
    import numpy as np

    assert side.numbers is not None
    distinct = len(np.unique(side.numbers))
    return distinct <= (1 if kind == "time" else FEW_VALUES)


def _numeric(series: pd.Series[Any], kind: Kind) -> Side:
    import numpy as np
    import pandas as pd

    if kind == "time":
        numbers = _seconds(series)
    elif pd.api.types.is_timedelta64_dtype(series.dtype):
        numbers = series.dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)
    else:
        read = pd.to_numeric(series, errors="coerce")
        numbers = read.to_numpy(dtype="float64", na_value=np.nan)
    finite = np.isfinite(numbers)
    unread = int((np.isnan(numbers) & series.notna().to_numpy()).sum())
    nulls = float(1 - finite.mean()) if len(series) else 0.0
    return Side(len(series), int(finite.sum()), nulls, numbers[finite], unread=unread)


def _seconds(series: pd.Series[Any]) -> NDArray[np.float64]:
    import numpy as np
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        times = pd.to_datetime(series, utc=True)
    else:
        readable = series.astype(object).map(lambda value: isinstance(value, (str, date)))
        texts = series.astype(object).where(readable.astype(bool), None)
        times = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce")
    # Microseconds reach from 290,000 years before to after 1970, nanoseconds only to 2262.
    since = times.dt.as_unit("us") - pd.Timestamp(0, tz="UTC").as_unit("us")
    return np.asarray(since.dt.total_seconds(), dtype="float64")


def _counted(series: pd.Series[Any], kind: Kind) -> Side:
    known = series.dropna()
    try:
        found = known.value_counts(sort=False)
    except TypeError:  # unhashable values
        found = known.map(repr).value_counts(sort=False)
    counts: dict[str, int] = {}
    for value, count in found.items():
        if count:  # a categorical dtype counts what does not occur, too
            name = _label(value, kind)
            counts[name] = counts.get(name, 0) + int(count)
    ordered = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    nulls = 1 - len(known) / len(series) if len(series) else 0.0
    shares = {name: count / len(known) for name, count in ordered.items()}
    return Side(len(series), len(known), nulls, counts=ordered, shares=shares)


def _label(value: Any, kind: Kind) -> str:
    """Return one name for values that are equal, whichever dtype held them."""
    import numpy as np

    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    if kind == "time":
        return _time_label(value)
    return str(value)


def _time_label(value: Any) -> str:
    import pandas as pd

    try:
        stamp = pd.Timestamp(value)
    except ValueError:
        return str(value)
    if stamp.tzinfo is not None:
        stamp = stamp.tz_convert("UTC").tz_localize(None)
    return str(stamp.isoformat())
