"""One column of a contract: which values it takes, and how they become the trained dtype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from ..errors import MlopsError

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["integer", "number", "string", "boolean", "datetime"]
Scalar = bool | int | float | str

MAX_CATEGORIES = 50
_NAMED_ROWS = 10
_PLAIN: dict[str, frozenset[type]] = {
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "datetime": frozenset(),
}
_WANTED = {
    "integer": "an integer",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "datetime": "a time as ISO 8601 text",
}


@dataclass(frozen=True, slots=True)
class Surprise:
    """Values that are valid but were not seen in training.

    ``kind`` is ``below``, ``above`` or ``unknown``; ``rows`` are the first rows, from 0.
    """

    column: str
    kind: str
    reason: str
    count: int
    rows: list[int]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Column(BaseModel):
    """One input of the served function, as the training data had it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: Kind
    dtype: str
    """The pandas dtype to rebuild, such as ``int64``, ``str`` or ``datetime64[us, UTC]``."""
    nullable: bool = False
    min: int | float | str | None = None
    """The smallest number or time seen; times as ISO 8601 text."""
    max: int | float | str | None = None
    categories: tuple[Scalar, ...] | None = None
    """The distinct texts seen, where they are at most 50."""
    levels: tuple[Scalar, ...] | None = None
    """All categories of a categorical dtype, in order; they decide its codes."""
    levels_dtype: str | None = None
    ordered: bool = False
    null: Literal["nan", "none"] = "nan"
    """What a missing value was in a column of dtype ``object``."""
    label: int | None = None
    """The column's label where the frame's labels are integers."""

    def normal(self, values: Sequence[Any]) -> list[Any] | None:
        """Return the values as Python values of the column's type; None where one is unfit."""
        known: Sequence[Any] = values
        if self.nullable and None in values:
            known = [value for value in values if value is not None]
        if set(map(type, known)) <= _PLAIN[self.type] and self._holds(known):
            return list(values)
        if any(self.reason(value) is not None for value in values):
            return None
        return [self._one(value) for value in values]

    def reason(self, value: Any) -> str | None:
        """Return why the column does not take this value, or None where it does."""
        if _is_null(value):
            return None if self.nullable else "is null, but the training data has no nulls here"
        if self.type == "integer":
            if isinstance(value, bool) or not isinstance(value, int | float):
                return self._mismatch(value)
            if isinstance(value, float) and not value.is_integer():
                return f"is {value!r}, but an integer is wanted"
        elif self.type == "number":
            if isinstance(value, bool) or not isinstance(value, int | float):
                return self._mismatch(value)
        elif self.type == "boolean":
            return None if isinstance(value, bool) else self._mismatch(value)
        elif self.type == "string":
            return None if isinstance(value, str) else self._mismatch(value)
        else:
            return self._time_reason(value)
        return None if self._within(value, value) else f"is out of the range of {self.dtype}"

    def array(self, normal: list[Any]) -> Any:
        """Return normal values as an array of the trained dtype."""
        import numpy as np
        import pandas as pd

        if self.levels is not None:
            levels = pd.Index(list(self.levels), dtype=self.levels_dtype)
            return pd.Categorical(normal, dtype=pd.CategoricalDtype(levels, self.ordered))
        if self.dtype == "object":
            missing = None if self.null == "none" else np.nan
            boxed = np.empty(len(normal), dtype=object)
            boxed[:] = [missing if value is None else value for value in normal]
            return pd.Series(boxed, dtype=object)  # a frame would make texts of a bare array
        if self.type in ("integer", "number", "boolean") and _is_numpy(self.dtype):
            return np.array(normal, dtype=self.dtype)
        dtype: Any = pd.api.types.pandas_dtype(self.dtype)
        return pd.array(normal, dtype=dtype)

    def surprises(self, normal: list[Any]) -> list[Surprise]:
        """Return what the training data did not have: values out of range, unknown texts."""
        known: list[Any] = normal
        if self.nullable:
            known = [value for value in normal if value is not None]
        if not known:
            return []
        found = []
        if self.categories is not None:
            seen = frozenset(self.categories)
            if not seen.issuperset(known):
                found.append(
                    self._surprise("unknown", normal, lambda value: value not in seen, "is unknown")
                )
        if self.min is not None and self.max is not None:
            low, high = self._bound(self.min), self._bound(self.max)
            if min(known) < low:
                words = f"is below {self.min}, the smallest value seen in training"
                found.append(self._surprise("below", normal, lambda value: value < low, words))
            if max(known) > high:
                words = f"is above {self.max}, the largest value seen in training"
                found.append(self._surprise("above", normal, lambda value: value > high, words))
        return found

    @property
    def seen(self) -> str:
        """What the training data had, in words."""
        words = ""
        if self.categories is not None:
            words = "one of " + ", ".join(map(str, self.categories))
        elif self.min is not None:
            words = f"{self.min} to {self.max}"
        return words + (" or null" if self.nullable and words else "")

    def _surprise(self, kind: str, normal: list[Any], test: Any, words: str) -> Surprise:
        rows = [row for row, value in enumerate(normal) if value is not None and test(value)]
        shown = normal[rows[0]]
        shown = shown.isoformat() if self.type == "datetime" else shown
        return Surprise(self.name, kind, f"{shown!r} {words}", len(rows), rows[:_NAMED_ROWS])

    def _bound(self, value: Any) -> Any:
        return _timestamp(value) if self.type == "datetime" else value

    def _one(self, value: Any) -> Any:
        if _is_null(value):
            return None
        if self.type == "integer":
            return int(value)
        if self.type == "datetime":
            return self._time(value)
        return value

    def _holds(self, known: Sequence[Any]) -> bool:
        """Tell at once that the dtype can hold all these values; False is no last word."""
        if not known or self.type not in ("integer", "number"):
            return True
        total = sum(known)  # NaN and infinity show in the sum, but not in every comparison
        return total - total == 0 and self._within(min(known), max(known))

    def _within(self, low: float, high: float) -> bool:
        bounds = _bounds(self.dtype, self.type)
        return bounds[0] <= low and high <= bounds[1]

    def _mismatch(self, value: Any) -> str:
        return f"is {_called(value)}, but {_WANTED[self.type]} is wanted"

    def _time_reason(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return self._mismatch(value)
        try:
            # pandas alone would take words such as "now" and "today".
            aware = datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            return "is no time in ISO 8601, such as 2013-07-01T12:30:00"
        trained = "," in self.dtype
        if aware and not trained:
            return "has a time zone, but the training data has none here"
        if trained and not aware:
            return "has no time zone, but the training data has one here"
        try:
            self._time(value)
        except ValueError:
            return f"is out of the range of {self.dtype}"
        return None

    def _time(self, text: str) -> pd.Timestamp:
        import pandas as pd

        dtype: Any = pd.api.types.pandas_dtype(self.dtype)
        if isinstance(dtype, pd.DatetimeTZDtype):
            return _timestamp(text).tz_convert(dtype.tz).as_unit(dtype.unit)
        unit: Any = self.dtype[len("datetime64[") : -1]
        return _timestamp(text).as_unit(unit)


def learn_column(name: str, series: pd.Series[Any], label: int | None = None) -> Column:
    """Learn a column from the training data.

    Raises
    ------
    MlopsError
        ``contract.unsupported`` where the dtype cannot be sent as JSON.
    """
    import pandas as pd

    known = series.dropna()
    levels, levels_dtype, ordered = None, None, False
    values: pd.Series[Any] = known
    if isinstance(series.dtype, pd.CategoricalDtype):
        index = series.dtype.categories
        levels, levels_dtype = tuple(index.tolist()), str(index.dtype)
        ordered = bool(series.dtype.ordered)
        values = known.astype(index.dtype)
    kind = _kind(name, values)
    if levels is not None and kind == "datetime":
        raise _unsupported(name, "a categorical dtype of times")
    low, high = _range(kind, values)
    categories = None
    if kind == "string" and len(distinct := values.unique()) <= MAX_CATEGORIES:
        categories = tuple(sorted(map(str, distinct)))
    missing = series[series.isna()]
    return Column(
        name=name,
        type=kind,
        dtype="category" if levels is not None else str(series.dtype),
        nullable=bool(len(missing)),
        min=low,
        max=high,
        categories=categories,
        levels=levels,
        levels_dtype=levels_dtype,
        ordered=ordered,
        null="none" if len(missing) and missing.iloc[0] is None else "nan",
        label=label,
    )


def _kind(name: str, values: pd.Series[Any]) -> Kind:
    from pandas.api import types

    dtype = values.dtype
    if types.is_bool_dtype(dtype):
        return "boolean"
    if types.is_integer_dtype(dtype):
        return "integer"
    if types.is_float_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype):
        return "datetime"
    # Only an object column needs a look at its values.
    inferred = types.infer_dtype(values) if types.is_object_dtype(dtype) else "other"
    found: dict[str, Kind] = {
        "string": "string",
        "empty": "string",
        "boolean": "boolean",
        "integer": "integer",
        "floating": "number",
        "mixed-integer-float": "number",
    }
    if inferred in found:
        return found[inferred]
    if types.is_string_dtype(dtype) and not types.is_object_dtype(dtype):
        return "string"
    raise _unsupported(name, inferred if types.is_object_dtype(dtype) else str(dtype))


def _unsupported(name: str, what: str) -> MlopsError:
    return MlopsError(
        "contract.unsupported",
        f"The column `{name}` of the served frame holds {what}, which a request cannot send.",
        hint="serve a function that takes numbers, texts, booleans and times, "
        "and makes anything else itself.",
    )


def _range(kind: Kind, values: pd.Series[Any]) -> tuple[Any, Any]:
    if kind == "datetime":
        return (values.min().isoformat(), values.max().isoformat()) if len(values) else (None, None)
    if kind not in ("integer", "number"):
        return None, None
    convert = int if kind == "integer" else float
    numbers = values[abs(values.astype(float)) != float("inf")]
    return (convert(numbers.min()), convert(numbers.max())) if len(numbers) else (None, None)


def _bounds(dtype: str, kind: Kind) -> tuple[float, float]:
    """Return the finite numbers that a dtype holds."""
    found = _BOUNDS.get((dtype, kind))
    if found is None:
        found = _BOUNDS[dtype, kind] = _find_bounds(dtype, kind)
    return found


_BOUNDS: dict[tuple[str, Kind], tuple[float, float]] = {}


def _find_bounds(dtype: str, kind: Kind) -> tuple[float, float]:
    import numpy as np
    import pandas as pd

    storage: Any = "int64" if kind == "integer" else "float64"
    if dtype not in ("object", "category"):
        known: Any = pd.api.types.pandas_dtype(dtype)
        storage = getattr(known, "numpy_dtype", known)
    if np.dtype(storage).kind in "iu":
        integers = np.iinfo(storage)
        return int(integers.min), int(integers.max)
    floats = np.finfo(storage)
    return float(floats.min), float(floats.max)


def _is_numpy(dtype: str) -> bool:
    # The extension dtypes of numbers start with a capital or name a storage: Int64, int64[pyarrow].
    return dtype.islower() and "[" not in dtype and dtype != "boolean"


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _timestamp(text: str) -> pd.Timestamp:
    import pandas as pd

    try:
        stamp = pd.Timestamp(text)
    except ValueError:  # such as an offset with seconds, as local times before 1900 have
        stamp = pd.Timestamp(datetime.fromisoformat(text))
    assert isinstance(stamp, pd.Timestamp)
    return stamp


def _called(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else type(value).__name__
