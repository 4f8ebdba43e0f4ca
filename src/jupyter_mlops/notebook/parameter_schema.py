"""A notebook's parameters as a JSON schema, for forms, editors and other programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import moments
from .declared import Parameter
from .limits import Limits
from .shapes import Shape

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "list": {"type": "array"},
    "tuple": {"type": "array"},
    "set": {"type": "array", "uniqueItems": True},
    "dict": {"type": "object"},
    "date": {"type": "string", "format": "date"},
    # Python's times need no zone, those of the format `date-time` do.
    "datetime": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}([T ].+)?$"},
    "time": {"type": "string", "pattern": r"^\d{2}:\d{2}"},
    "path": {"type": "string", "minLength": 1},
    "any": {},
}
_REFERENCE = {"type": "string", "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"}


def schema(title: str, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Return the schema of an object whose properties are the parameters; none is required."""
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": {each.name: _property(each) for each in parameters},
        "additionalProperties": False,
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    content: dict[str, Any] = dict(_REFERENCE if parameter.secret else _TYPES[parameter.type])
    if parameter.shape is not None and not parameter.secret:
        content = _shape(parameter.shape)
    if parameter.secret:
        content["writeOnly"] = True
    else:
        content |= _limits(parameter.limits)
        default = moments.plain(parameter.default)
        if _is_json(default) and not parameter.computed:
            content["default"] = default
    if parameter.optional and "anyOf" not in content:
        content = _or_none(content)
    if parameter.help:
        content["description"] = parameter.help
    return content


def _shape(shape: Shape) -> dict[str, Any]:
    if shape.kind == "None":
        return {"type": "null"}
    if shape.kind == "one of":
        return {"enum": list(shape.choices)}
    if shape.kind == "union":
        return {"anyOf": [_shape(part) for part in shape.parts]}
    content = dict(_TYPES[shape.kind])
    inside = [_shape(part) for part in shape.parts]
    if shape.kind == "dict" and inside:
        content["additionalProperties"] = inside[1]
    elif shape.fixed:
        content |= {"prefixItems": inside, "minItems": len(inside), "maxItems": len(inside)}
    elif inside:
        content["items"] = inside[0]
    return content


def _limits(limits: Limits) -> dict[str, Any]:
    if limits.choices:
        return {"enum": list(limits.choices)}
    found: dict[str, Any] = {}
    if limits.low is not None:
        found["exclusiveMinimum" if limits.above else "minimum"] = limits.low
    if limits.high is not None:
        found["exclusiveMaximum" if limits.below else "maximum"] = limits.high
    return found


def _or_none(content: dict[str, Any]) -> dict[str, Any]:
    if "type" in content:
        content["type"] = [content["type"], "null"]
    if "enum" in content and None not in content["enum"]:
        content["enum"] = [*content["enum"], None]
    return content


def _is_json(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(each) for key, each in value.items())
    if isinstance(value, float):
        return value - value == 0  # neither infinite nor NaN: JSON has no word for them
    return value is None or isinstance(value, str | int)
