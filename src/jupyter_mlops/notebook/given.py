"""The values that a user gives for parameters: from files, the environment and the command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place

PREFIX = "MLOPS_PARAM_"
"""``MLOPS_PARAM_MAX_DEPTH=6`` gives the parameter ``max_depth``."""


@dataclass(slots=True)
class Given:
    """Values by name, and where each comes from.

    What comes later wins: files in the order they are given, the environment, the command.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    """Variables of the environment that name no parameter of this notebook."""

    def add(self, values: Mapping[str, Any], origin: str) -> None:
        """Take values over those that are there."""
        self.values.update(values)
        self.origins.update(dict.fromkeys(values, origin))

    def add_environment(self, environment: Mapping[str, str], names: Iterable[str]) -> None:
        """Take those variables that name one of the notebook's parameters, in capitals or not."""
        known = {name.upper(): name for name in names}
        for variable in sorted(environment):
            if not variable.startswith(PREFIX):
                continue
            rest = variable[len(PREFIX) :]
            name = rest if rest in known.values() else known.get(rest.upper())
            if name is None:
                self.unused.append(variable)
            else:
                self.add({name: environment[variable]}, variable)


def read_file(path: Path) -> dict[str, Any]:
    """Return the parameters in a YAML or JSON file.

    Raises
    ------
    MlopsError
        ``parameters.file`` where it cannot be read, or is no list of names and values.
    """
    content = read_table(path)
    for name in content:
        if not name.isidentifier():
            raise _wrong(path, f"names a parameter {name!r}, which is no name in Python")
    return content


def read_table(path: Path) -> dict[str, Any]:
    """Return what a YAML or JSON file says by names of any kind; raises as `read_file` does."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise _wrong(path, f"cannot be read: {reason}") from None
    content = _json(path, text) if path.suffix.lower() == ".json" else _yaml(path, text)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise _wrong(path, f"holds a {type(content).__name__}, not names with values")
    for name in content:
        if not isinstance(name, str):
            raise _wrong(path, f"names a parameter {name!r}, which is no name in Python")
    return content


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except json.JSONDecodeError as error:
        raise _wrong(path, f"is not JSON: {error.msg}", error.lineno) from None


def _yaml(path: Path, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        line = mark.line + 1 if mark is not None else None
        raise _wrong(path, f"is not YAML: {problem}", line) from None


def _wrong(path: Path, reason: str, line: int | None = None) -> MlopsError:
    return MlopsError(
        "parameters.file",
        f"The parameters file {reason}.",
        hint="write one parameter on each line, such as `max_depth: 6`.",
        place=Place(str(path), line=line),
    )
