"""The parameters of a notebook: the cell tagged ``parameters``, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..errors import MlopsError, Place
from . import moments
from .declared import Parameter, read_computed, read_parameter
from .document import Cell, Notebook
from .ipython_syntax import parse_cell
from .secret_references import absolute, is_reference, resolve
from .shapes import PLAIN_TYPES, Shape
from .tags import PARAMETERS


def parameters_cell(notebook: Notebook) -> Cell | None:
    """Return the one parameters cell; raises ``parameters.two-cells``."""
    found = [cell for cell in notebook.code_cells if PARAMETERS & set(cell.tags)]
    if len(found) > 1:
        raise MlopsError(
            "parameters.two-cells",
            "A second cell is tagged `parameters`.",
            hint=f"keep the tag on one cell: cell {found[0].position} has it too.",
            place=notebook.place(found[1]),
        )
    return found[0] if found else None


def read_parameters(notebook: Notebook, *, computed: bool = False) -> tuple[Parameter, ...]:
    """Return the notebook's parameters, in order; empty where no cell is tagged.

    Parameters
    ----------
    computed
        Take a cell that is more than plain assignments too: names whose default it computes are
        parameters, and what else stands there is left alone. That is enough to run the notebook
        with other values, but not to know what it does with its own.

    Raises
    ------
    MlopsError
        ``parameters.not-plain`` where the cell is more than assignments of literals, dates, times
        and paths.
    """
    cell = parameters_cell(notebook)
    if cell is None:
        return ()
    try:
        tree = parse_cell(cell.source) if computed else ast.parse(cell.source)
    except SyntaxError as error:
        raise MlopsError(
            "parameters.not-plain",
            f"The parameters cell is not plain Python: {error.msg}.",
            hint="keep only lines such as `depth: int = 6  # what it means`. A rerun takes it as "
            "it is.",
            place=notebook.place(cell, error.lineno),
        ) from None
    lines = cell.source.splitlines()
    found: dict[str, Parameter] = {}
    for node in tree.body:
        parameter = read_parameter(node, lines)
        if parameter is None:
            if computed and (parameter := read_computed(node, lines)) is not None:
                found[parameter.name] = parameter
            if computed or _is_text(node):
                continue
            raise MlopsError(
                "parameters.not-plain",
                "The parameters cell holds more than plain assignments.",
                hint="keep only lines such as `depth: int = 6` or `start = date(2013, 1, 1)`; "
                "move imports and what is computed to another cell. A rerun takes it as it is.",
                place=notebook.place(cell, node.lineno),
            )
        found[parameter.name] = parameter
    return tuple(found.values())


def check_parameters(
    notebook: Notebook, parameters: tuple[Parameter, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``given`` with each value checked against its parameter's type.

    Text is read as the parameter's type (``"6"`` for an int, ``"2013-01-31"`` for a date), so that
    a command line may pass its words as they are. A secret stays the reference that it is given
    by.

    Raises
    ------
    MlopsError
        ``parameters.unknown``, ``parameters.type``, ``parameters.limits``, ``parameters.secret``;
        ``parameters.wrong`` where several things are wrong, which are then all told.
    """
    known = {parameter.name: parameter for parameter in parameters}
    checked: dict[str, Any] = {}
    wrong: list[MlopsError] = []
    for name, value in given.items():
        try:
            if name not in known:
                raise MlopsError(
                    "parameters.unknown",
                    f"The notebook has no parameter `{name}`.",
                    hint=_suggest(name, list(known)),
                    place=notebook.place(parameters_cell(notebook)),
                )
            checked[name] = _convert(notebook, known[name], value)
        except MlopsError as error:
            wrong.append(error)
    if wrong:
        raise wrong[0] if len(wrong) == 1 else _all_of(wrong, notebook)
    return checked


def _all_of(wrong: list[MlopsError], notebook: Notebook) -> MlopsError:
    codes = {error.code for error in wrong}
    lines = "".join(f"\n  - {error.message} ({error.hint.rstrip('.')})" for error in wrong)
    return MlopsError(
        codes.pop() if len(codes) == 1 else "parameters.wrong",
        f"{len(wrong)} parameters are wrong:{lines}",
        hint=f"`jupyter mlops params {notebook.name}` shows what the notebook takes.",
        place=notebook.place(parameters_cell(notebook)),
    )


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _convert(notebook: Notebook, parameter: Parameter, value: Any) -> Any:
    if parameter.secret:
        return _reference(notebook, parameter, value)
    converted = _from_text(parameter, value) if isinstance(value, str) else value
    if converted is None and (parameter.optional or parameter.type == "any"):
        return None
    if parameter.type == "any":
        return _within(notebook, parameter, _shaped(notebook, parameter, converted, value))
    if parameter.type in moments.TYPES:
        return _moment(notebook, parameter, converted)
    if parameter.type == "str" and moments.kind_of(converted):
        # YAML makes a date of what looks like one, and Python programs hold paths.
        converted = moments.plain(converted)
    wanted = PLAIN_TYPES[parameter.type]
    # bool is a subclass of int, but `depth=True` is a mistake.
    is_bool = isinstance(converted, bool) and parameter.type != "bool"
    if not isinstance(converted, wanted) or is_bool:
        raise _wrong_type(notebook, parameter, value)
    result: Any = converted
    if parameter.type == "float":
        result = float(result)
    if parameter.type == "tuple":
        result = tuple(result)
    if parameter.type == "set" and parameter.shape is None:
        result = Shape("set").take(result)
    return _within(notebook, parameter, _shaped(notebook, parameter, result, value))


def _shaped(notebook: Notebook, parameter: Parameter, value: Any, given: Any) -> Any:
    """Return ``value`` as the whole type; text that says none of several types may be text."""
    if parameter.shape is None:
        return value
    for each in (value, given):
        try:
            return parameter.shape.take(each)
        except ValueError:
            continue
    raise _wrong_type(notebook, parameter, given)


def _moment(notebook: Notebook, parameter: Parameter, value: Any) -> Any:
    try:
        taken = moments.take(parameter.type, value)
    except ValueError:
        raise _wrong_type(notebook, parameter, value) from None
    if not parameter.is_text:
        return taken
    return value if isinstance(value, str) else moments.plain(taken)


def _reference(notebook: Notebook, parameter: Parameter, value: Any) -> str | None:
    """Return the reference to a secret; the error never shows what was given in its place."""
    if value is None and parameter.optional:
        return None
    reason = "must be given as a reference, so that its value is kept nowhere"
    if is_reference(value):
        reference = absolute(value)
        try:
            resolve(reference)
        except ValueError as error:
            reason = f"cannot be read: {error}"
        else:
            return reference
    raise MlopsError(
        "parameters.secret",
        f"The secret `{parameter.name}` {reason}.",
        hint=f"write `{parameter.name}=env:NAME` for an environment variable, or "
        f"`{parameter.name}=file:/path` for a file.",
        place=_line(notebook, parameter),
    )


def _wrong_type(notebook: Notebook, parameter: Parameter, value: Any) -> MlopsError:
    hint = f"its default is {parameter.computed or repr(moments.plain(parameter.default))}."
    if parameter.type in moments.TYPES:
        hint = f"write for example {moments.example(parameter.type)}; {hint}"
    return MlopsError(
        "parameters.type",
        f"`{parameter.name}` wants {parameter.words}, but got {value!r}.",
        hint=hint,
        place=_line(notebook, parameter),
    )


def _within(notebook: Notebook, parameter: Parameter, value: Any) -> Any:
    if parameter.limits.allow(value):
        return value
    raise MlopsError(
        "parameters.limits",
        f"`{parameter.name}` must be {parameter.limits}, but got {value!r}.",
        hint=f"its default is {parameter.computed or repr(parameter.default)}.",
        place=_line(notebook, parameter),
    )


def _line(notebook: Notebook, parameter: Parameter) -> Place | None:
    cell = parameters_cell(notebook)
    return notebook.place(cell, parameter.line) if cell else None


def _from_text(parameter: Parameter, text: str) -> Any:
    if parameter.type == "str" or parameter.type in moments.TYPES:
        return None if parameter.optional and text.lower() in ("none", "null") else text
    if text.lower() in ("true", "false") and parameter.type in ("bool", "any"):
        return text.lower() == "true"
    if text.lower() in ("none", "null", ""):
        return None
    if parameter.type == "float" and text.strip().lower().lstrip("+-") in ("inf", "nan"):
        return float(text)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _suggest(name: str, known: list[str]) -> str:
    import difflib

    if not known:
        return "tag a cell of plain assignments `parameters`."
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"it has: {', '.join(known)}."


__all__ = ["Parameter", "check_parameters", "parameters_cell", "read_parameters"]
