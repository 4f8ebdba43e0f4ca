"""The values that a command was given for the notebooks of a chain: ``-f`` files, then ``-p``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import MlopsError, Place
from ..notebook.given import read_table
from .given import parameter_files


def given_for_chain(assignments: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return values by notebook and name: ``("train.depth=6",)`` as ``{"train": {"depth": "6"}}``.

    Raises `MlopsError` ``parameters.form`` or ``parameters.file``.
    """
    given: dict[str, dict[str, Any]] = {}
    for path in parameter_files():
        for node, values in read_table(path).items():
            if not isinstance(values, Mapping):
                raise MlopsError(
                    "parameters.file",
                    f"The parameters file holds no names with values for `{node}`.",
                    hint=f"write the name of a notebook of the pipeline, such as `{node}:`, and "
                    "below it, indented, its parameters.",
                    place=Place(str(path)),
                )
            given.setdefault(node, {}).update(values)
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        node, dot, parameter = name.strip().partition(".")
        if not (equals and dot and node and parameter.isidentifier()):
            raise MlopsError(
                "parameters.form",
                f"`{assignment}` is not of the form NOTEBOOK.NAME=VALUE.",
                hint="a pipeline has several notebooks: write for example `-p train.depth=6`.",
            )
        given.setdefault(node, {})[parameter] = value
    return given
