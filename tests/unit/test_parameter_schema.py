"""The JSON schema of a notebook's parameters allows what a run allows."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.parameter_schema import schema
from jupyter_mlops.notebook.parameters import check_parameters, read_parameters
from tests.programs import notebook

BOOK = notebook(
    (
        "parameters",
        "depth: int = 3  # how deep, 1..20\nrate: Annotated[float, Field(gt=0)] = 0.1\n"
        "kind: Literal['a', 'b'] | None = 'a'\nstart = date(2013, 1, 1)\nsizes = [1]\n"
        "options = {}\npassword = ''\nnames: dict[str, list[int]] = {}\n"
        "span: tuple[int, str] = (1, 'd')\nsize: int | list[int] | None = None\nseen = {1}",
    )
)  # fmt: skip
SCHEMA = schema("nb.ipynb", read_parameters(BOOK))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["depth"] == {
        "type": "integer",
        "minimum": 1.0,
        "maximum": 20.0,
        "default": 3,
        "description": "how deep, 1..20",
    }
    assert SCHEMA["properties"]["start"]["default"] == "2013-01-01"
    assert SCHEMA["properties"]["password"]["writeOnly"] is True


@pytest.mark.parametrize(
    ("given", "good"),
    [
        ({}, True),
        ({"depth": 20, "rate": 0.5, "kind": None, "sizes": [], "options": {"a": 1}}, True),
        ({"depth": 21}, False),
        ({"depth": "deep"}, False),
        ({"rate": 0}, False),
        ({"kind": "c"}, False),
        ({"sizes": {}}, False),
        ({"dept": 1}, False),
        ({"start": 5}, False),
        ({"password": "hunter2"}, False),
        ({"names": {"a": [1]}, "span": [1, "w"], "size": [1], "seen": [1, 2]}, True),
        ({"size": None}, True),
        ({"names": {"a": ["b"]}}, False),
        ({"span": [1]}, False),
        ({"size": "a"}, False),
    ],
)
def test_it_agrees_with_the_check(given: dict[str, Any], good: bool) -> None:
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(given) is good
    try:
        check_parameters(BOOK, read_parameters(BOOK), given)
    except MlopsError:
        assert not good
    else:
        assert good
