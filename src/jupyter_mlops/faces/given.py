"""The parameters that a command was given: ``-f`` files, ``MLOPS_PARAM_…``, then ``-p``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..notebook.document import Notebook, read
from ..notebook.given import PREFIX, Given, read_file
from ..notebook.parameters import read_parameters
from ..project import Project
from .command import parameters_option, parse_assignments

_FILES = "jupyter_mlops.parameters_files"
_F = TypeVar("_F", bound=Callable[..., Any])


def given_options(function: _F) -> _F:
    """Give a command ``-p NAME=VALUE`` and ``-f FILE``; `gather` reads both."""
    return parameters_option(files_option(function))


def files_option(function: _F) -> _F:
    """Give a command ``-f FILE``; `parameter_files` returns what it was given."""
    return click.option(
        "-f",
        "--parameters-file",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="YAML or JSON with values for parameters; `MLOPS_PARAM_NAME` in the environment, "
        "then -p, come before it.",
        expose_value=False,
        callback=_keep_files,
    )(function)


def given_parameters(notebook: Path, assignments: tuple[str, ...]) -> dict[str, Any]:
    """Return what the command was given for the parameters of a notebook, by name.

    Raises `MlopsError` ``parameters.form`` or ``parameters.file``, and as reading the notebook.
    """
    if not any(name.startswith(PREFIX) for name in os.environ):
        return gather((), assignments).values
    source = read(notebook, name=Project.find(notebook).relative(notebook))
    given = gather(tuple(each.name for each in read_parameters(source, computed=True)), assignments)
    for name in given.unused:
        click.echo(f"{name} is not used: {source.name} has no such parameter", err=True)
    return given.values


def gather_for(notebook: Notebook, assignments: tuple[str, ...]) -> Given:
    """Return what the command was given for a notebook, with where it comes from."""
    return gather(
        tuple(each.name for each in read_parameters(notebook, computed=True)), assignments
    )


def gather(names: tuple[str, ...], assignments: tuple[str, ...]) -> Given:
    """Return what the command was given; ``names`` are those that the environment may give."""
    given = Given()
    for path in parameter_files():
        given.add(read_file(path), str(path))
    given.add_environment(os.environ, names)
    given.add(parse_assignments(assignments), "-p")
    return given


def parameter_files() -> tuple[Path, ...]:
    """Return the files that the command was given with ``-f``, in order."""
    found: tuple[Path, ...] = click.get_current_context().meta.get(_FILES, ())
    return found


def _keep_files(context: click.Context, _: click.Parameter, files: tuple[Path, ...]) -> None:
    context.meta[_FILES] = files
