"""The parameters of a notebook: the cell tagged ``parameters``, read without running it."""

from __future__ import annotations

import ast
import copy
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ..errors import MlopsError
from .document import Cell, Notebook
from .limits import Limits, literal_choices, plain_annotation, read_limits
from .tags import PARAMETERS

_TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (int, float),
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": (tuple, list),
    "dict": dict,
}

_RECKON: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_LARGEST_BASE, _LARGEST_POWER = 10**9, 300


@dataclass(frozen=True, slots=True)
class Parameter:
    """One assignment of the parameters cell.

    ``type`` is one of int, float, str, bool, list, tuple, dict, or any (default None without an
    annotation). ``optional`` tells that None is allowed. ``help`` is the comment on its line.
    ``limits`` are the choices or the range that annotation or comment state.
    """

    name: str
    default: Any
    type: str
    optional: bool
    help: str
    line: int
    limits: Limits = field(default_factory=Limits)


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


def read_parameters(notebook: Notebook) -> tuple[Parameter, ...]:
    """Return the notebook's parameters, in order; empty where no cell is tagged.

    Raises
    ------
    MlopsError
        ``parameters.not-plain`` where the cell is more than assignments of literals.
    """
    cell = parameters_cell(notebook)
    if cell is None:
        return ()
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        raise MlopsError(
            "parameters.not-plain",
            f"The parameters cell is not plain Python: {error.msg}.",
            hint="keep only lines such as `depth: int = 6  # what it means`.",
            place=notebook.place(cell, error.lineno),
        ) from None
    lines = cell.source.splitlines()
    found: dict[str, Parameter] = {}
    for node in tree.body:
        parameter = _parameter(node, lines)
        if parameter is None:
            if _is_text(node):
                continue
            raise MlopsError(
                "parameters.not-plain",
                "The parameters cell holds more than plain assignments.",
                hint="keep only lines such as `depth: int = 6`; "
                "move what is computed to another cell.",
                place=notebook.place(cell, node.lineno),
            )
        found[parameter.name] = parameter
    return tuple(found.values())


def check_parameters(
    notebook: Notebook, parameters: tuple[Parameter, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``given`` with each value checked against its parameter's type.

    Text is read as the parameter's type (``"6"`` for an int), so that a command line may pass
    its words as they are. Raises ``parameters.unknown``, ``parameters.type`` or
    ``parameters.limits``.
    """
    known = {parameter.name: parameter for parameter in parameters}
    checked: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise MlopsError(
                "parameters.unknown",
                f"The notebook has no parameter `{name}`.",
                hint=_suggest(name, list(known)),
                place=notebook.place(parameters_cell(notebook)),
            )
        checked[name] = _convert(notebook, known[name], value)
    return checked


def _parameter(node: ast.stmt, lines: list[str]) -> Parameter | None:
    annotation: ast.expr | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
        annotation = _unquoted(node.annotation)
    else:
        return None
    if not isinstance(target, ast.Name):
        return None
    try:
        default = ast.literal_eval(_reckoned(value))
    except (ValueError, ArithmeticError):
        return None
    kind, optional = _type_of(annotation, default)
    comment = _comment(node, lines)
    limits = read_limits(annotation, comment, default)
    return Parameter(target.id, default, kind, optional, comment, node.lineno, limits)


def _reckoned(node: ast.expr) -> ast.expr:
    """Return ``1000`` for ``10**3``: numbers that are reckoned from numbers, anywhere inside."""
    return cast(ast.expr, _Reckoner().visit(copy.deepcopy(node)))


class _Reckoner(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        reckon = _RECKON.get(type(node.op))
        try:
            left, right = ast.literal_eval(node.left), ast.literal_eval(node.right)
        except ValueError:
            return node
        if reckon is None or not {type(left), type(right)} <= {int, float}:
            return node
        is_power = isinstance(node.op, ast.Pow)
        if is_power and (abs(left) > _LARGEST_BASE or abs(right) > _LARGEST_POWER):
            return node
        value = reckon(left, right)
        is_plain = isinstance(value, int | float) and math.isfinite(value)
        return ast.copy_location(ast.Constant(value), node) if is_plain else node


def _unquoted(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return annotation
    return annotation


def _type_of(annotation: ast.expr | None, default: Any) -> tuple[str, bool]:
    optional = default is None
    if annotation is not None:
        plain = plain_annotation(annotation)
        kinds = {type(choice).__name__ for choice in literal_choices(plain)} - {"NoneType"}
        words = ast.unparse(plain)
        if kinds:
            kind = kinds.pop() if len(kinds) == 1 else "any"
            return (kind if kind in _TYPES else "any"), optional or "None" in words
        parts = [part.strip() for part in words.split("|")]
        if len(parts) == 1 and parts[0].startswith("Optional["):
            parts = [parts[0][len("Optional[") : -1], "None"]
        optional = optional or "None" in parts
        names = [part.split("[")[0] for part in parts if part != "None"]
        if len(names) == 1 and names[0] in _TYPES:
            return names[0], optional
        return "any", optional
    kind = type(default).__name__
    return (kind if kind in _TYPES else "any"), optional


def _comment(node: ast.stmt, lines: list[str]) -> str:
    last = lines[(node.end_lineno or node.lineno) - 1]
    rest = last.encode()[node.end_col_offset or 0 :].decode(errors="ignore").strip()
    return rest[1:].strip() if rest.startswith("#") else ""


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _convert(notebook: Notebook, parameter: Parameter, value: Any) -> Any:
    converted = _from_text(parameter, value) if isinstance(value, str) else value
    if converted is None and (parameter.optional or parameter.type == "any"):
        return None
    if parameter.type == "any":
        return _within(notebook, parameter, converted)
    wanted = _TYPES[parameter.type]
    # bool is a subclass of int, but `depth=True` is a mistake.
    is_bool = isinstance(converted, bool) and parameter.type != "bool"
    if not isinstance(converted, wanted) or is_bool:
        cell = parameters_cell(notebook)
        raise MlopsError(
            "parameters.type",
            f"`{parameter.name}` wants {parameter.type}"
            f"{' or None' if parameter.optional else ''}, but got {value!r}.",
            hint=f"its default is {parameter.default!r}.",
            place=notebook.place(cell, parameter.line) if cell else None,
        )
    result: Any = converted
    if parameter.type == "float":
        result = float(result)
    if parameter.type == "tuple":
        result = tuple(result)
    return _within(notebook, parameter, result)


def _within(notebook: Notebook, parameter: Parameter, value: Any) -> Any:
    if parameter.limits.allow(value):
        return value
    cell = parameters_cell(notebook)
    raise MlopsError(
        "parameters.limits",
        f"`{parameter.name}` must be {parameter.limits}, but got {value!r}.",
        hint=f"its default is {parameter.default!r}.",
        place=notebook.place(cell, parameter.line) if cell else None,
    )


def _from_text(parameter: Parameter, text: str) -> Any:
    if parameter.type == "str":
        return None if parameter.optional and text.lower() in ("none", "null") else text
    if text.lower() in ("true", "false") and parameter.type in ("bool", "any"):
        return text.lower() == "true"
    if text.lower() in ("none", "null", ""):
        return None
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
