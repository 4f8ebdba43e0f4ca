"""One row of a contract as a pydantic model: for OpenAPI and for code that makes rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, create_model
from pydantic_core import PydanticCustomError

from .columns import Column

if TYPE_CHECKING:
    from .contract import Contract

_JSON_TYPES = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
}


def row_model(contract: Contract) -> type[BaseModel]:
    """Return the model of one row; a value is refused for the reason that the server gives."""
    # Columns may be called anything; so they are aliases of fields that may not.
    fields: dict[str, Any] = {
        f"column_{index}": (_annotation(column), Field(alias=column.name))
        for index, column in enumerate(contract.columns)
    }
    config = ConfigDict(extra="forbid", frozen=True)
    return create_model("Row", __config__=config, **fields)


def column_schema(column: Column) -> dict[str, Any]:
    """Return the JSON schema of one column's values; ranges are told, not enforced."""
    schema: dict[str, Any] = dict(_JSON_TYPES[column.type])
    if column.nullable:
        schema["type"] = [schema["type"], "null"]
    if column.seen:
        schema["description"] = f"In training: {column.seen}."
    return schema


def _annotation(column: Column) -> Any:
    def check(value: Any) -> Any:
        reason = column.reason(value)
        if reason is not None:
            raise PydanticCustomError("contract", "{reason}", {"reason": reason})
        return value

    return Annotated[Any, AfterValidator(check), WithJsonSchema(column_schema(column))]
