"""The words for each parameter of a sweep or tuning: ``-f`` files, the environment, then ``-p``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from ..errors import MlopsError
from ..notebook import moments
from ..notebook.document import read
from ..notebook.given import Given, read_file
from ..notebook.parameters import Parameter, read_parameters
from ..project import Project
from .given import files_option, parameter_files

_F = TypeVar("_F", bound=Callable[..., Any])
_LISTS = frozenset({"list", "tuple", "set"})


def space_options(function: _F) -> _F:
    """Give a command ``-p NAME[=VALUES]`` and ``-f FILE``; `given_space` reads both."""
    option = click.option(
        "-p",
        "--parameter",
        "assignments",
        multiple=True,
        metavar="NAME[=VALUES]",
        help="Values for a parameter, `depth=4,6,8`, or a range: `lr=0.01:0.1:log5`, `depth=1:10`. "
        "NAME alone takes what the notebook declares; one value is the same for all points.",
    )
    return option(files_option(function))


def given_space(notebook: Path, assignments: tuple[str, ...]) -> dict[str, str]:
    """Return the words that the command was given for each parameter of a notebook.

    Raises `MlopsError` ``parameters.form`` or ``parameters.file``, and as reading the notebook.
    """
    source = read(notebook, name=Project.find(notebook).relative(notebook))
    known = {each.name: each for each in read_parameters(source)}
    given = Given()
    for path in parameter_files():
        given.add({k: words_of(known.get(k), v) for k, v in read_file(path).items()}, str(path))
    given.add_environment(os.environ, known)
    given.add(parse_swept(assignments), "-p")
    for name in given.unused:
        click.echo(f"{name} is not used: {source.name} has no such parameter", err=True)
    return given.values


def parse_swept(assignments: tuple[str, ...]) -> dict[str, str]:
    """Return ``("depth=4,6", "lr")`` as ``{"depth": "4,6", "lr": ""}``.

    Raises `MlopsError` ``parameters.form``, also for a parameter that is given twice.
    """
    given: dict[str, str] = {}
    for assignment in assignments:
        name, equals, words = assignment.partition("=")
        name = name.strip()
        if not name.isidentifier() or (equals and not words.strip()):
            raise MlopsError(
                "parameters.form",
                f"`{assignment}` is not of the form NAME=VALUES, or NAME.",
                hint="write for example `-p depth=4,6,8`, or `-p depth` for what the notebook "
                "declares.",
            )
        if name in given:
            raise MlopsError(
                "parameters.form",
                f"`{name}` is given twice.",
                hint=f"write all its values together: `-p {name}={given[name]},{words}`.",
            )
        given[name] = words
    return given


def words_of(parameter: Parameter | None, value: Any) -> str:
    """Return the words for a value from a file; a list is several values, but for a list."""
    is_list = parameter is not None and parameter.type in _LISTS
    if isinstance(value, list) and not is_list:
        return ",".join(_word(each) for each in value)
    if isinstance(value, str) and parameter is not None and parameter.type in ("int", "float"):
        return value  # `lr: 0.01:0.1:log5`
    return _word(value)


def resume_command(kind: str, notebook: str, name: str) -> str:
    """Return the command that goes on with a sweep."""
    return f"jupyter mlops {kind} {_quoted(notebook)} --resume {name}"


def rerun_command(notebook: str, parameters: Mapping[str, Any]) -> str:
    """Return the command that runs a notebook with a point's parameters."""
    given = "".join(
        f" -p {_quoted(f'{name}={moments.plain(value)}')}" for name, value in parameters.items()
    )
    return f"jupyter mlops rerun {_quoted(notebook)}{given}"


def from_here(path: str) -> str:
    """Return a path as a command in the working folder names it."""
    found = os.path.relpath(path)
    return path if found.startswith(os.pardir) else found


def _word(value: Any) -> str:
    if not isinstance(value, str):
        return str(moments.plain(value)) if moments.kind_of(value) else repr(value)
    if "," not in value and value.strip() == value and value:
        return value
    quote = "'" if '"' in value else '"'
    return f"{quote}{value}{quote}"


def _quoted(words: str) -> str:
    import shlex

    return shlex.quote(words)
