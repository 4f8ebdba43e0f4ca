"""The parameters cell that papermill injects: what it says, where it stands, and what moves."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..notebook import moments, secret_references
from ..notebook.document import Cell, Notebook
from ..notebook.parameters import Parameter, parameters_cell, read_parameters

INJECTED = "injected-parameters"
_MARKER = "papermill-error-cell-tag"
_PATHS = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")


def source(parameters: Mapping[str, Any], declared: Iterable[Parameter] = ()) -> str:
    """Return Python that assigns each parameter.

    Values are made of literals, or are dates, times and paths, which are made as the notebook
    makes them. Secrets are read where their references point.
    """
    known = {each.name: each for each in declared}
    lines = [f"{name} = {_value(known.get(name), value)}" for name, value in parameters.items()]
    return "\n".join(["# Parameters", *lines])


def paths(content: Any) -> dict[str, Any]:
    """Return what papermill injects where it is asked for paths: no parameter of the notebook."""
    given = content.metadata.papermill.get("parameters") or {}
    return {name: given[name] for name in _PATHS if name in given}


def settle(content: Any, notebook: Notebook, parameters: Mapping[str, Any]) -> list[Cell]:
    """Make papermill's notebook agree with the original, and return the original of each cell.

    The injected cell gets its checked values (papermill makes text of tuples), a stable id and a
    place behind the parameters cell, Kale's tag included; all other cells get the ids that
    `notebook` knows them by. The original of an injected cell is the parameters cell.

    Parameters
    ----------
    content
        papermill's ``NotebookNode``, changed in place.
    """
    originals = [cell for cell in notebook.cells if _MARKER not in cell.tags]
    injected = next((cell for cell in content.cells if _is_injected(cell)), None)
    if injected is None or len(content.cells) == len(originals):
        aligned = originals
    else:
        home = parameters_cell(notebook)
        content.cells.remove(injected)
        index = originals.index(home) + 1 if home in originals else 0
        content.cells.insert(index, injected)
        aligned = [*originals[:index], home or originals[0], *originals[index:]]
    for cell, original in zip(content.cells, aligned, strict=True):
        cell["id"] = original.id
    if injected is not None:
        injected["id"] = INJECTED
        wanted = source(parameters, read_parameters(notebook, computed=True))
        if parameters and not _same_code(injected["source"], wanted):
            injected["source"] = wanted
    return aligned


def _is_injected(cell: Any) -> bool:
    return INJECTED in cell.metadata.get("tags", [])


def _same_code(text: str, wanted: str) -> bool:
    """Tell whether papermill's own text does what is wanted, quotes and comments aside."""
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(wanted))
    except SyntaxError:
        return False


def _value(parameter: Parameter | None, value: Any) -> str:
    if parameter is None:
        return _literal(value)
    if parameter.secret and value is not None:
        return secret_references.source(value)
    return moments.source(value, parameter.maker) or _literal(value)


def _literal(value: Any) -> str:
    if made := moments.source(value):
        return made
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    if type(value) is list:
        return f"[{', '.join(map(_literal, value))}]"
    if type(value) is tuple:
        inner = ", ".join(map(_literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if type(value) is set and value:
        return "{" + ", ".join(map(_literal, moments.in_order(value))) + "}"
    if type(value) is dict:
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    return repr(value)
