"""The contract of a served model: its inputs and outputs, learned from the notebook's own run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from ..errors import MlopsError, Place
from .columns import Column, Surprise, learn_column
from .predictions import Output, learn_outputs

if TYPE_CHECKING:
    import pandas as pd

MAX_ERRORS = 100
_MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Unfit:
    """One value, or one row where ``column`` is None, that is not as the contract says."""

    row: int
    column: str | None
    reason: str
    value: Any = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "column": self.column,
            "reason": self.reason,
            "value": _shown(self.value),
        }

    def __str__(self) -> str:
        where = f"row {self.row}" + (f", column `{self.column}`" if self.column else "")
        return f"{where} {self.reason}"


class InvalidRows(MlopsError):
    """Rows that are not as the contract says (``contract.invalid``)."""

    errors: tuple[Unfit, ...] = ()

    @classmethod
    def of(cls, errors: Sequence[Unfit]) -> InvalidRows:
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        made = cls(
            "contract.invalid",
            f"The rows do not fit the contract: {errors[0]}{more}.",
            hint="the names and types of all columns are at /openapi.json.",
        )
        made.errors = tuple(errors[:MAX_ERRORS])
        return made


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as the model wants them, and what is new in them."""

    frame: pd.DataFrame
    surprises: list[Surprise]


class Contract(BaseModel):
    """Names, types and ranges of what the served function takes and gives.

    Kept in a release as ``contract.json``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: tuple[Column, ...]
    outputs: tuple[Output, ...]
    function: str | None = None
    """The function that ``serve.py`` defines and that takes the frame."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def row_model(self) -> type[BaseModel]:
        """Return a pydantic model that takes exactly the rows that `frame` takes."""
        from .rows import row_model

        return row_model(self)

    def check(self, rows: Any) -> list[Unfit]:
        """Return what is wrong with the rows, at most the first 100; empty where nothing is."""
        try:
            self.read(rows)
        except InvalidRows as error:
            return list(error.errors)
        return []

    def frame(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Return the rows as a frame with the trained column order and dtypes.

        Raises
        ------
        InvalidRows
            ``contract.invalid``, naming each row, column and reason.
        """
        return self.read(rows).frame

    def read(self, rows: Any) -> Batch:
        """Return the rows as `frame` does, with what is new in them; raises as `frame` does."""
        if not isinstance(rows, list | tuple) or not rows:
            raise InvalidRows.of([Unfit(0, None, "is missing: send a list of rows")])
        return self.read_columns(self._columns_of(rows))

    def read_columns(self, columns: Mapping[str, Sequence[Any]]) -> Batch:
        """Return columns of equal length as a frame; raises as `frame` does."""
        import pandas as pd

        arrays: dict[Any, Any] = {}
        surprises: list[Surprise] = []
        errors: list[Unfit] = []
        for column in self.columns:
            normal = column.normal(columns[column.name])
            if normal is None:
                errors += _unfit(column, columns[column.name])
                continue
            surprises += column.surprises(normal)
            arrays[column.name if column.label is None else column.label] = column.array(normal)
        if errors:
            raise InvalidRows.of(sorted(errors, key=lambda error: error.row))
        return Batch(pd.DataFrame(arrays, copy=False), surprises)

    def rows(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Return a frame's rows as JSON-able objects, the inverse of `frame`."""
        from .predictions import to_list

        columns = [
            to_list(frame[column.name if column.label is None else column.label])
            for column in self.columns
        ]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]

    def _columns_of(self, rows: Sequence[Any]) -> dict[str, Sequence[Any]]:
        names = self.names
        try:
            if all(type(row) is dict and len(row) == len(names) for row in rows):
                return {name: list(map(itemgetter(name), rows)) for name in names}
        except KeyError:
            pass
        raise InvalidRows.of(self._wrong_names(rows))

    def _wrong_names(self, rows: Sequence[Any]) -> list[Unfit]:
        errors: list[Unfit] = []
        known = set(self.names)
        for index, row in enumerate(rows):
            if not isinstance(row, Mapping):
                errors.append(Unfit(index, None, "is no object of column names and values", row))
                continue
            missing = [name for name in self.names if name not in row]
            errors += [
                Unfit(index, str(name), _unknown(str(name), missing or self.names), value)
                for name, value in row.items()
                if name not in known
            ]
            errors += [Unfit(index, name, "is missing") for name in missing]
            errors += [
                Unfit(index, column.name, reason, row[column.name])
                for column in self.columns
                if column.name in row and (reason := column.reason(row[column.name])) is not None
            ]
        return errors


def learn(inputs: pd.DataFrame, predictions: Any, *, function: str | None = None) -> Contract:
    """Learn the contract of a function from a frame it can take and predictions it gave.

    Parameters
    ----------
    inputs
        Rows with the columns and dtypes that the function takes: the training data, or as much
        as there is of it, because ranges and nulls are learned from these rows.
    predictions
        What the function returned, for these rows or for others.
    function
        The name that ``serve.py`` defines.

    Raises
    ------
    MlopsError
        ``contract.unsupported`` where columns or predictions cannot be sent as JSON.
    """
    import pandas as pd

    place = Place(function) if function else None
    if not isinstance(inputs, pd.DataFrame) or not len(inputs.columns):
        raise MlopsError(
            "contract.unsupported",
            f"The served function takes {type(inputs).__name__}, not a data frame with columns.",
            hint="serve a function that takes a pandas DataFrame.",
            place=place,
        )
    labels = list(inputs.columns)
    integers = all(isinstance(label, int) for label in labels)
    if not integers and not all(isinstance(label, str) for label in labels):
        raise MlopsError(
            "contract.unsupported",
            "The served frame has column labels that are not plain texts.",
            hint="rename the columns with texts before training.",
            place=place,
        )
    if not inputs.columns.is_unique:
        double = labels[int(inputs.columns.duplicated().argmax())]
        raise MlopsError(
            "contract.unsupported",
            f"The served frame has two columns `{double}`.",
            hint="give each column its own name.",
            place=place,
        )
    columns = tuple(
        learn_column(str(label), inputs[label], int(label) if integers else None)
        for label in labels
    )
    return Contract(columns=columns, outputs=learn_outputs(predictions), function=function)


def _unfit(column: Column, values: Sequence[Any]) -> list[Unfit]:
    return [
        Unfit(row, column.name, reason, value)
        for row, value in enumerate(values)
        if (reason := column.reason(value)) is not None
    ]


def _unknown(name: str, candidates: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, candidates, n=1)
    return "is unknown" + (f"; did you mean `{close[0]}`?" if close else "")


def _shown(value: Any) -> Any:
    """Return a value as an error may show it: short and JSON-able."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
