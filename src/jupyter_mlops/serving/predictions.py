"""What a served function gives: its form, and its JSON form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ..errors import MlopsError

OutputKind = Literal["integer", "number", "string", "boolean", "any"]


class Output(BaseModel):
    """One output; ``shape`` is that of one row: empty for one value, ``[3]`` for three."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: OutputKind
    shape: tuple[int, ...] = ()
    key: bool = False
    """Whether a prediction is an object that holds this output under its name."""


def learn_outputs(predictions: Any) -> tuple[Output, ...]:
    """Return the outputs that these predictions have.

    Raises
    ------
    MlopsError
        ``contract.unsupported`` where there is not one prediction for each row.
    """
    values = to_list(predictions)
    first = next((value for value in values if value is not None), None)
    if isinstance(first, dict):
        return tuple(
            _output(str(name), [value[name] for value in values], key=True) for name in first
        )
    return (_output("prediction", values),)


def to_list(predictions: Any) -> list[Any]:
    """Return predictions, or a column, as a JSON-able list with one item for each row.

    A frame gives objects by column name, an array of shape (rows, k) lists of k values; nulls,
    NaN and infinity become None, times ISO 8601 text.

    Raises
    ------
    MlopsError
        ``contract.unsupported`` where the value is no sequence of rows.
    """
    if isinstance(predictions, list | tuple):
        return [_plain(value) for value in predictions]
    if isinstance(predictions, Mapping):
        return _objects([str(name) for name in predictions], list(predictions.values()))
    columns = getattr(predictions, "columns", None)
    if columns is not None:
        parts = [predictions.iloc[:, index] for index in range(len(columns))]
        return _objects([str(name) for name in columns], parts)
    kind = getattr(getattr(predictions, "dtype", None), "kind", None)
    shape = getattr(predictions, "shape", ())
    if not shape:
        raise MlopsError(
            "contract.unsupported",
            f"The served function gave {type(predictions).__name__}, "
            "not one prediction for each row.",
            hint="return an array, a series, a frame or a list with one item for each row.",
        )
    if kind in ("i", "u", "b") and not hasattr(predictions, "array"):
        return predictions.tolist()  # type: ignore[no-any-return]
    if kind == "M" and not hasattr(predictions, "array"):
        predictions = predictions.astype("datetime64[us]")  # NumPy lists nanoseconds as integers
    return [_plain(value) for value in predictions.tolist()]


def differs(expected: Any, got: Any, *, tolerance: float = 1e-9) -> bool:
    """Tell whether two JSON-able values differ; numbers are compared relatively."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return type(expected) is not type(got) or expected != got
    if isinstance(expected, int | float) and isinstance(got, int | float):
        return not math.isclose(expected, got, rel_tol=tolerance, abs_tol=1e-12)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) != len(got) or any(map(differs, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() != got.keys() or any(differs(expected[k], got[k]) for k in expected)
    return bool(expected != got)


def _objects(names: Sequence[str], parts: Sequence[Any]) -> list[Any]:
    columns = [to_list(part) for part in parts]
    if len({len(column) for column in columns}) > 1:
        raise MlopsError(
            "contract.unsupported",
            "The served function gave outputs of different lengths.",
            hint="return one item for each row in every output.",
        )
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if hasattr(value, "tolist"):  # arrays and scalars of NumPy
        return _plain(value.tolist())
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise MlopsError(
        "contract.unsupported",
        f"The served function gave {type(value).__name__}, which an answer cannot send.",
        hint="return numbers, texts, booleans or times.",
    )


def _output(name: str, values: Sequence[Any], *, key: bool = False) -> Output:
    shape: tuple[int, ...] = ()
    while values and isinstance(first := values[0], list):
        if any(not isinstance(value, list) or len(value) != len(first) for value in values):
            return Output(name=name, type="any", key=key)
        shape = (*shape, len(first))
        values = [each for value in values for each in value]
    return Output(name=name, type=_kind(values), shape=shape, key=key)


def _kind(values: Sequence[Any]) -> OutputKind:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "integer"
    if kinds and kinds <= {int, float}:
        return "number"
    return "string" if kinds == {str} else "any"
