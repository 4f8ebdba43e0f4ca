"""The OpenAPI description of one release, from its contract and its own example."""

from __future__ import annotations

from typing import Any

from .predictions import Output
from .service import Service

_JSON_TYPES = {
    "integer": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "string": {"type": ["string", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "any": {},
}


def describe(service: Service) -> dict[str, Any]:
    """Return the document, of OpenAPI 3.1."""
    predictor = service.predictor
    examples = predictor.examples
    row = service.contract.row_model().model_json_schema()
    schemas = {
        "Row": row,
        "Prediction": _prediction(service.contract.outputs),
        "Request": {
            "oneOf": [
                {
                    "type": "object",
                    "required": ["rows"],
                    "additionalProperties": False,
                    "properties": {"rows": {"$ref": "#/components/schemas/Rows"}},
                },
                {"$ref": "#/components/schemas/Rows"},
                {"$ref": "#/components/schemas/Row"},
            ]
        },
        "Rows": {
            "type": "array",
            "minItems": 1,
            "maxItems": service.limits.rows,
            "items": {"$ref": "#/components/schemas/Row"},
        },
        "Answer": _ANSWER,
        "Error": _ERROR,
    }
    asked = {
        "summary": "Predict",
        "operationId": "predict",
        "requestBody": _json(
            {"$ref": "#/components/schemas/Request"}, {"rows": examples["rows"][:1]}
        )
        | {"required": True},
        "responses": {
            "200": {"description": "One prediction for each row, in order."}
            | _json({"$ref": "#/components/schemas/Answer"}),
            **{
                status: {"description": words} | _json({"$ref": "#/components/schemas/Error"})
                for status, words in _FAILURES.items()
            },
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": service.endpoint,
            "version": predictor.version,
            "description": f"Release {predictor.ref}, served by jupyter-mlops.",
        },
        "paths": {
            "/predict": {"post": asked},
            **{path: {"get": _plain_get(words)} for path, words in _OTHERS.items()},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


def _prediction(outputs: tuple[Output, ...]) -> dict[str, Any]:
    if not outputs[0].key:
        return _output(outputs[0])
    return {
        "type": "object",
        "required": [output.name for output in outputs],
        "properties": {output.name: _output(output) for output in outputs},
    }


def _output(output: Output) -> dict[str, Any]:
    schema: dict[str, Any] = dict(_JSON_TYPES[output.type])
    for size in reversed(output.shape):
        schema = {"type": "array", "items": schema, "minItems": size, "maxItems": size}
    return schema


def _json(schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    content = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {"content": {"application/json": content}}


def _plain_get(words: str) -> dict[str, Any]:
    return {"summary": words, "responses": {"200": {"description": words}}}


_OTHERS = {
    "/health": "Whether the server answers.",
    "/metrics": "Metrics in Prometheus' text format.",
    "/v2": "The server, in the Open Inference Protocol.",
    "/v2/health/live": "Whether the server lives.",
    "/v2/health/ready": "Whether the server is ready.",
}
_FAILURES = {
    "400": "The body is not JSON.",
    "401": "The API key is missing or wrong.",
    "413": "The body is too large or has too many rows.",
    "422": "Rows do not fit the contract.",
    "500": "The served function failed.",
    "503": "The prediction cannot be logged.",
}
_WARNING = {
    "type": "object",
    "properties": {
        "column": {"type": "string"},
        "kind": {"enum": ["below", "above", "unknown"]},
        "reason": {"type": "string"},
        "count": {"type": "integer"},
        "rows": {"type": "array", "items": {"type": "integer"}},
    },
}
_ANSWER = {
    "type": "object",
    "required": ["predictions", "release", "request_id", "warnings"],
    "properties": {
        "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
        "release": {"type": "string"},
        "request_id": {"type": "string"},
        "warnings": {
            "type": "array",
            "description": "Values that are valid, but that the training data did not have.",
            "items": _WARNING,
        },
    },
}
_UNFIT = {
    "type": "object",
    "properties": {
        "row": {"type": "integer"},
        "column": {"type": ["string", "null"]},
        "reason": {"type": "string"},
        "value": {},
    },
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": "string"},
                "request_id": {"type": "string"},
                "errors": {"type": "array", "items": _UNFIT},
            },
        }
    },
}
