"""What every command has: ``--json``, progress as it is made, errors in one line."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from ..errors import MlopsError
from ..progress import Event, Progress, drain
from .help import nearest, verbs
from .views import View


class Commands(click.Group):
    """Shows our errors as errors: what, where, what to do; never a stack."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a misspelt one ends in one line, with the nearest there is."""
        name = args[0]
        if name in self.commands or name.startswith("-"):
            return super().resolve_command(ctx, args)
        known = verbs().get(name)
        if known is not None and known.here:
            raise _NoVerb(f"`{name}` works on a running kernel: write `%mlops {name}` in a cell.")
        raise _NoVerb(f"There is no verb `{name}`{nearest(name, self.commands)}")


class _NoVerb(click.ClickException):
    exit_code = 2


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jupyter-mlops", prog_name="jupyter mlops")
def main() -> None:
    """From a notebook cell to a monitored production endpoint."""
    # A second or two of all that reads notebooks with nbformat: jsonschema imports, where it is
    # installed, a grammar of web addresses, which is compiled each time and not used here.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def verb(function: Callable[..., View]) -> Callable[..., None]:
    """Make a function that returns a view a command with ``--json`` and one-line errors."""
    return verb_of(main)(function)


def verb_of(group: click.Group) -> Callable[[Callable[..., View]], Callable[..., None]]:
    """Return what makes a function a command of a group, as `verb` does."""

    def make(function: Callable[..., View]) -> Callable[..., None]:
        return group.command()(_told(function))

    return make


def _told(function: Callable[..., View]) -> Callable[..., None]:

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
    @wraps(function)
    def command(as_json: bool, **arguments: Any) -> None:
        context = click.get_current_context()
        context.obj = show_json if as_json else _show
        try:
            view = function(**arguments)
        except MlopsError as error:
            _show_error(error, as_json)
            context.exit(1)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:
            _give_up(error, as_json)
            context.exit(1)
        except KeyboardInterrupt as interrupt:
            click.echo(f"interrupted{f'; {interrupt}' if interrupt.args else ''}", err=True)
            context.exit(130)
        if as_json:
            _print_json({"stage": "result", "data": view.data, "view": view.to_dict()})
        elif text := view.text():
            click.echo(text)
        if view.exit_code:
            context.exit(view.exit_code)

    return command


def follow(progress: Progress[Any]) -> Any:
    """Run a verb to its end and show its events as the command line asks for."""
    return drain(progress, click.get_current_context().obj)


def wants_json() -> bool:
    """Tell whether the command was asked for JSON."""
    return click.get_current_context().obj is show_json


def show_json(event: Event) -> None:
    """Print an event as JSON."""
    _print_json(event.to_dict())


def _show_error(error: MlopsError, as_json: bool) -> None:
    if as_json:
        _print_json({"stage": "error", "data": error.to_dict()})
        return
    click.secho(f"{error.code}: ", fg="red", bold=True, nl=False, err=True)
    click.echo(str(error), err=True)


def _give_up(error: Exception, as_json: bool) -> None:
    """Tell an error that nobody foresaw in one line, and keep its traceback in a file."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="jupyter-mlops-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write("".join(traceback.format_exception(error)))
    first = (str(error).strip().splitlines() or [""])[0]
    unforeseen = MlopsError(
        "mlops.unforeseen",
        f"Something failed that should not: {type(error).__name__}: {first}",
        hint=f"please report it; the traceback is in {log.name}.",
    )
    _show_error(unforeseen, as_json)


def _show(event: Event) -> None:
    if event.status == "started" and not sys.stderr.isatty():
        return
    seconds = f"  ({event.seconds:.1f} s)" if event.seconds is not None else ""
    click.secho(f"{event.stage:<9} ", fg="cyan", nl=False, err=True)
    click.echo(f"{event.message}{seconds}", err=True)


def _print_json(content: dict[str, Any]) -> None:
    click.echo(json.dumps(content, default=str))


notebook_argument = click.argument("notebook", type=click.Path(path_type=Path))
notebook_or_pipeline_argument = click.argument(
    "notebook", type=click.Path(path_type=Path), metavar="NOTEBOOK|PIPELINE"
)
timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long each step may take; default: `[run] timeout` in mlops.toml, or no limit.",
)
parameters_option = click.option(
    "-p",
    "--parameter",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value for a parameter of the notebook; may be given many times.",
)


def parse_assignments(assignments: tuple[str, ...]) -> dict[str, str]:
    """Return ``("max_depth=6",)`` as ``{"max_depth": "6"}``; raises ``parameters.form``."""
    given: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip().isidentifier():
            raise MlopsError(
                "parameters.form",
                f"`{assignment}` is not of the form NAME=VALUE.",
                hint="write for example `-p max_depth=6`.",
            )
        given[name.strip()] = value
    return given
