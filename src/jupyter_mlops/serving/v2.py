"""The Open Inference Protocol V2: the contract's columns as tensors, and back."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ..errors import MlopsError
from .columns import Column
from .contract import Contract, InvalidRows, Unfit
from .predictions import Output
from .service import Answer, Service

DATATYPES = frozenset(
    ["BOOL", "BYTES", "FP16", "FP32", "FP64"]
    + [f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
)
_OF_KIND = {
    "integer": "INT64",
    "number": "FP64",
    "string": "BYTES",
    "boolean": "BOOL",
    "datetime": "BYTES",
    "any": "BYTES",
}
_OF_DTYPE = {"float32": "FP32", "float16": "FP16"} | {
    f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def server_metadata(service: Service) -> dict[str, Any]:
    return {"name": "jupyter-mlops", "version": service.predictor.version, "extensions": []}


def model_metadata(service: Service, name: str) -> dict[str, Any]:
    contract = service.contract
    return {
        "name": name,
        "versions": [service.predictor.version],
        "platform": "jupyter-mlops",
        "inputs": [
            {"name": column.name, "datatype": _column_datatype(column), "shape": [-1]}
            for column in contract.columns
        ],
        "outputs": [
            {
                "name": output.name,
                "datatype": _OF_KIND[output.type],
                "shape": [-1, *output.shape],
            }
            for output in contract.outputs
        ],
    }


def columns_of(contract: Contract, content: Any) -> dict[str, Sequence[Any]]:
    """Return the columns that an inference request holds.

    Raises
    ------
    MlopsError
        ``request.form`` where the tensors are malformed, ``contract.invalid`` where they are not
        the contract's columns.
    """
    tensors = content.get("inputs") if isinstance(content, dict) else None
    if not isinstance(tensors, list) or not tensors:
        raise _malformed("`inputs` is no list of tensors")
    columns: dict[str, Sequence[Any]] = {}
    for tensor in tensors:
        name, values = _read_tensor(tensor)
        if name in columns:
            raise _malformed(f"the tensor `{name}` is there twice")
        columns[name] = values
    if len({len(values) for values in columns.values()}) > 1:
        raise _malformed("the tensors have different numbers of rows")
    if columns.keys() != set(contract.names):
        # The first row tells which names are missing or unknown, and what they may mean.
        row = {name: values[0] for name, values in columns.items() if values}
        errors = contract.check([row])
        raise InvalidRows.of(errors or [Unfit(0, None, "is missing: the tensors are empty")])
    return columns


def answer(service: Service, name: str, content: Any, result: Answer) -> dict[str, Any]:
    """Return the response for a request that was answered."""
    wanted = _wanted(content)
    outputs = [
        _tensor(output, result.predictions)
        for output in service.contract.outputs
        if wanted is None or output.name in wanted
    ]
    response: dict[str, Any] = {
        "model_name": name,
        "model_version": service.predictor.version,
        "outputs": outputs,
        "parameters": {"release": service.predictor.ref},
    }
    if result.warnings:
        response["parameters"]["warnings"] = [
            f"{warning['column']}: {warning['reason']}" for warning in result.warnings
        ]
    return response


def _wanted(content: dict[str, Any]) -> set[str] | None:
    wanted = content.get("outputs")
    if not wanted:
        return None
    if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
        raise _malformed("`outputs` is no list of objects with names")
    return {str(each.get("name")) for each in wanted}


def _read_tensor(tensor: Any) -> tuple[str, list[Any]]:
    name = tensor.get("name") if isinstance(tensor, dict) else None
    if not isinstance(name, str):
        raise _malformed("a tensor has no name")
    if "binary_data_size" in (tensor.get("parameters") or {}):
        raise _malformed(f"the tensor `{name}` is binary; send JSON data")
    datatype, shape, data = tensor.get("datatype"), tensor.get("shape"), tensor.get("data")
    if datatype not in DATATYPES:
        raise _malformed(f"the tensor `{name}` has no datatype of the protocol")
    if not isinstance(data, list):
        raise _malformed(f"the tensor `{name}` has no data")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise _malformed(f"the tensor `{name}` has no shape")
    if not 1 <= len(shape) <= 2 or shape[1:] not in ([], [1]):
        raise _malformed(f"the tensor `{name}` must be of shape [rows] or [rows, 1]")
    if len(shape) == 2 and all(isinstance(value, list) for value in data):
        data = [each for value in data for each in value]
    if prod(shape) != len(data):
        raise _malformed(f"the tensor `{name}` has {len(data)} values, not those of shape {shape}")
    return name, data


def _tensor(output: Output, predictions: list[Any]) -> dict[str, Any]:
    values = [each[output.name] for each in predictions] if output.key else predictions
    shape = [len(values), *output.shape]
    for _ in output.shape:
        values = [each for value in values for each in value]
    return {"name": output.name, "shape": shape, "datatype": _OF_KIND[output.type], "data": values}


def _column_datatype(column: Column) -> str:
    return _OF_DTYPE.get(column.dtype.lower(), _OF_KIND[column.type])


def _malformed(what: str) -> MlopsError:
    return MlopsError(
        "request.form",
        f"This is no request of the Open Inference Protocol: {what}.",
        hint="GET /v2/models/NAME lists the tensors.",
    )
