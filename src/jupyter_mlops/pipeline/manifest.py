"""``pipeline.yaml``: what a generated folder says of its pipeline, written and read back.

The folder alone is enough to run: the steps' cells come from ``steps/*.py``, the answer to a
request from ``serve.py``, everything else from here.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..errors import MlopsError, Place
from ..notebook import moments
from ..notebook.declared import Parameter
from ..notebook.document import Cell
from ..notebook.limits import Limits
from . import script
from .model import Pipeline, Serving, Step

FILE = "pipeline.yaml"
FORMAT = 1
SERVE = "serve.py"
SERVE_MARK = "# --- verbatim from the notebook ---\n"


def script_path(step: str) -> str:
    """Return where the script of a step lies in the folder."""
    return f"steps/{step}.py"


def to_text(pipeline: Pipeline, header: str) -> str:
    """Return the text of ``pipeline.yaml``; ``header`` is a comment that stands first."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "name": pipeline.name,
        "notebook": pipeline.notebook,
        "notebook_digest": pipeline.notebook_digest,
        "parameters": [_parameter(parameter) for parameter in pipeline.parameters],
        "steps": [_step(step) for step in pipeline.steps],
    }
    serving = pipeline.serving
    if serving is not None:
        content["serving"] = {
            "cell": serving.cell.position,
            "cell_id": serving.cell.id,
            "step": serving.step,
            "function": serving.function,
            "state": list(serving.state),
            "example": serving.example,
        }
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return f"{header.rstrip()}\n{text}"


class _Dumper(yaml.SafeDumper):
    """Escapes the line ends of Unicode, which YAML would read as plain ones."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if any(char in data for char in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def read_folder(folder: Path) -> Pipeline:
    """Return the pipeline of a generated folder.

    Raises
    ------
    MlopsError
        ``pipeline.missing`` or ``pipeline.invalid``.
    """
    path = folder / FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _pipeline(folder, content)
    except FileNotFoundError as error:
        raise MlopsError(
            "pipeline.missing",
            f"The pipeline folder has no `{Path(error.filename).name}`.",
            hint="give the folder that a promotion generated, or promote the notebook again.",
            place=Place(str(folder)),
        ) from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError, SyntaxError) as error:
        raise MlopsError(
            "pipeline.invalid",
            f"`{FILE}` cannot be used: {type(error).__name__}: {error}.",
            hint="it is generated; promote the notebook again.",
            place=Place(str(path)),
        ) from error


def convert_parameters(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every parameter's value: the default, or what ``given`` (from JSON) says.

    Raises `MlopsError` ``parameters.unknown``.
    """
    known = {parameter.name: parameter for parameter in pipeline.parameters}
    if unknown := sorted(set(given) - set(known)):
        raise MlopsError(
            "parameters.unknown",
            f"The pipeline has no parameter `{unknown[0]}`.",
            hint=f"it has: {', '.join(known) or 'none'}.",
            place=Place(pipeline.notebook),
        )
    values = {name: parameter.default for name, parameter in known.items()}
    for name, value in given.items():
        kind = known[name].type
        # JSON has neither tuples nor a difference between 1 and 1.0.
        if kind == "tuple" and isinstance(value, list):
            value = tuple(value)
        if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if kind in moments.TYPES and value is not None:
            value = moments.take(kind, value)
        values[name] = value
    return values


def _parameter(parameter: Parameter) -> dict[str, Any]:
    content: dict[str, Any] = {"name": parameter.name, "type": parameter.type}
    if parameter.is_text:
        content["type"] = "str"
    if moments.kind_of(parameter.default):
        content["default"] = moments.plain(parameter.default)
    elif _is_plain(parameter.default):
        content["default"] = parameter.default
    else:
        content["default_python"] = ast.unparse(_node(parameter.default))
    if parameter.optional:
        content["optional"] = True
    if parameter.limits:
        content["limits"] = _limits(parameter.limits)
    if parameter.secret:
        content["secret"] = True
    if parameter.help:
        content["help"] = parameter.help
    content["line"] = parameter.line
    return content


def _limits(limits: Limits) -> dict[str, Any]:
    stated = {
        "choices": list(limits.choices) or None,
        "low": limits.low,
        "high": limits.high,
        "above": limits.above or None,
        "below": limits.below or None,
    }
    return {key: value for key, value in stated.items() if value is not None}


def _is_plain(value: Any) -> bool:
    """Tell whether YAML gives the value back as it was."""
    if type(value) is list:
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(type(key) is str and _is_plain(each) for key, each in value.items())
    return value is None or type(value) in (bool, int, float, str)


def _node(value: Any) -> ast.expr:
    """Return the expression that makes a value; `repr` has no literal for infinity."""
    match value:
        case list():
            return ast.List([_node(each) for each in value], ast.Load())
        case tuple():
            return ast.Tuple([_node(each) for each in value], ast.Load())
        case dict():
            return ast.Dict([_node(key) for key in value], [_node(v) for v in value.values()])
    return ast.Constant(value)


def _step(step: Step) -> dict[str, Any]:
    content: dict[str, Any] = {"name": step.name, "script": script_path(step.name)}
    if step.prelude:
        content["prelude"] = [cell.position for cell in step.prelude]
    content["cells"] = [cell.position for cell in step.cells]
    optional = {
        "inputs": dict(step.inputs),
        "outputs": list(step.outputs),
        "parameters": list(step.parameters),
        "after": list(step.after),
        "metrics": list(step.metrics),
    }
    return {**content, **{key: value for key, value in optional.items() if value}}


def _pipeline(folder: Path, content: dict[str, Any]) -> Pipeline:
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']} is not known, only {FORMAT}")
    steps = tuple(_read_step(folder, each) for each in content["steps"])
    pipeline = Pipeline(
        name=content["name"],
        notebook=content["notebook"],
        notebook_digest=content["notebook_digest"],
        parameters=tuple(_read_parameter(each) for each in content.get("parameters") or ()),
        steps=steps,
    )
    raw = content.get("serving")
    if raw is None:
        return pipeline
    serving = Serving(
        cell=next(c for c in pipeline.step(raw["step"]).cells if c.id == raw["cell_id"]),
        step=raw["step"],
        source=_read_text(folder / SERVE).partition(SERVE_MARK)[2],
        function=raw["function"],
        example=raw["example"],
        state=tuple(raw["state"]),
    )
    return Pipeline(
        pipeline.name,
        pipeline.notebook,
        pipeline.notebook_digest,
        pipeline.parameters,
        steps,
        serving,
    )


def _read_step(folder: Path, content: dict[str, Any]) -> Step:
    name = content["script"]
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"the script {json.dumps(name)} is outside the folder")
    cells = {cell.position: cell for cell in script.parse(_read_text(folder / name), name=name)}
    return Step(
        name=content["name"],
        cells=_pick(cells, content["cells"], name),
        prelude=_pick(cells, content.get("prelude") or [], name),
        inputs=dict(content.get("inputs") or {}),
        parameters=tuple(content.get("parameters") or ()),
        outputs=tuple(content.get("outputs") or ()),
        after=tuple(content.get("after") or ()),
        metrics=tuple(content.get("metrics") or ()),
    )


def _pick(cells: dict[int, Cell], positions: list[int], name: str) -> tuple[Cell, ...]:
    if absent := [position for position in positions if position not in cells]:
        raise ValueError(f"{name} lacks cell {absent[0]}")
    return tuple(cells[position] for position in positions)


def _read_parameter(content: dict[str, Any]) -> Parameter:
    if "default_python" in content:
        default = ast.literal_eval(content["default_python"])
    else:
        default = content["default"]
        if default is not None and content["type"] in moments.TYPES:
            default = moments.take(content["type"], default)
    return Parameter(
        name=content["name"],
        default=default,
        type=content["type"],
        optional=content.get("optional", False),
        help=content.get("help", ""),
        line=content["line"],
        limits=_read_limits(content.get("limits") or {}),
        secret=content.get("secret", False),
    )


def _read_limits(content: dict[str, Any]) -> Limits:
    return Limits(**{**content, "choices": tuple(content.get("choices") or ())})


def _read_text(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()
