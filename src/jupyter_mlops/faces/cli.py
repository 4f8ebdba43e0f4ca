"""``jupyter mlops``: every verb as a command."""

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
from ..project import Project
from . import shown
from .views import View


class Commands(click.Group):
    """Shows our errors as errors: what, where, what to do; never a stack."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jupyter-mlops", prog_name="jupyter mlops")
def main() -> None:
    """From a notebook cell to a monitored production endpoint."""


def verb(function: Callable[..., View]) -> Callable[..., None]:
    """Make a function that returns a view a command with ``--json`` and one-line errors."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
    @wraps(function)
    def command(as_json: bool, **arguments: Any) -> None:
        context = click.get_current_context()
        context.obj = _show_json if as_json else _show
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
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            context.exit(130)
        if as_json:
            _print_json({"stage": "result", "data": view.data, "view": view.to_dict()})
        elif text := view.text():
            click.echo(text)

    return main.command()(command)


def follow(progress: Progress[Any]) -> Any:
    """Run a verb to its end and show its events as the command line asks for."""
    return drain(progress, click.get_current_context().obj)


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


def _show_json(event: Event) -> None:
    _print_json(event.to_dict())


def _print_json(content: dict[str, Any]) -> None:
    click.echo(json.dumps(content, default=str))


notebook_argument = click.argument("notebook", type=click.Path(path_type=Path))
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


@verb
@click.option("--notebook", help="Only the runs of this notebook.")
@click.option("--limit", default=20, show_default=True, help="At most so many, newest first.")
def runs(notebook: str | None, limit: int) -> View:
    """List the captured runs."""
    from ..tracking.store import Store

    project = Project.find()
    store = Store(project)
    store.sync()
    name = project.relative(notebook) if notebook else None
    return shown.runs(store.runs(name, limit))


@verb
@click.argument("run", default="latest")
def show(run: str) -> View:
    """Show one run: cells, parameters, metrics, data, environment."""
    from ..tracking.store import Store

    store = Store(Project.find())
    store.sync()
    return shown.run(store.run(run))


@verb
@notebook_argument
@parameters_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Keep the result here too.")
def rerun(notebook: Path, assignments: tuple[str, ...], output: Path | None) -> View:
    """Run a notebook again with papermill, tracked, with other parameters."""
    from ..rerun.rerun import rerun as start

    return shown.rerun(follow(start(notebook, parse_assignments(assignments), output=output)))


@verb
@notebook_argument
def pipeline(notebook: Path) -> View:
    """Show the pipeline that the notebook's tags and dataflow mean."""
    from ..notebook.document import read
    from ..pipeline.compile import compile_notebook

    project = Project.find(notebook)
    return shown.pipeline(compile_notebook(read(notebook, name=project.relative(notebook))))


@verb
@notebook_argument
@parameters_option
@click.option(
    "--images",
    type=click.Choice(["auto", "require", "none"]),
    default="auto",
    show_default=True,
    help="Build container images: where a Docker engine answers, always, or never.",
)
def promote(notebook: Path, assignments: tuple[str, ...], images: Any) -> View:
    """Turn a tagged notebook into a release, proven equal to the notebook."""
    from ..deploy.promote import promote as start

    return shown.release(follow(start(notebook, parse_assignments(assignments), images=images)))


@verb
@click.argument("name", required=False)
def releases(name: str | None) -> View:
    """List the releases."""
    from ..deploy.releases import Releases

    return shown.releases(Releases(Project.find()).list(name))


@verb
@click.argument("release")
@click.option("--endpoint", help="The endpoint's name; default: the release's name.")
@click.option("--port", default=0, help="Port on this machine; default: a free one.")
@click.option(
    "--container/--process",
    default=None,
    help="Serve from the release's image or as a local process; default: what is there.",
)
@click.option("--detach", is_flag=True, help="Return when the endpoint is ready.")
def serve(
    release: str, endpoint: str | None, port: int, container: bool | None, detach: bool
) -> View:
    """Serve a release (`flights/2`, or `flights` for the newest) until Ctrl-C."""
    from ..deploy import deployments as deploying

    deployment = follow(
        deploying.deploy(release, endpoint=endpoint, port=port, container=container)
    )
    view = shown.deployment(deployment)
    if detach:
        return view
    click.echo(view.text())
    click.echo("Ctrl-C ends it.", err=True)
    try:
        deploying.wait(deployment)
    except KeyboardInterrupt:
        follow(deploying.stop(deployment.endpoint))
    return View()


@verb
def deployments() -> View:
    """List the endpoints and what they serve."""
    from ..deploy import deployments as deploying

    return shown.deployments(deploying.deployments(Project.find()))


@verb
@click.argument("endpoint")
def stop(endpoint: str) -> View:
    """Stop an endpoint."""
    from ..deploy import deployments as deploying

    follow(deploying.stop(endpoint))
    return View([f"{endpoint} is stopped."])


@verb
@click.argument("endpoint")
@click.option("--since", help="Only predictions since this time (ISO 8601).")
@click.option("--fail-on-drift", is_flag=True, help="Exit with 2 where something has drifted.")
def monitor(endpoint: str, since: str | None, fail_on_drift: bool) -> View:
    """Compare an endpoint's predictions with the release's baseline and say what moved."""
    from ..monitoring.monitor import monitor as start

    report = follow(start(endpoint, since=since))
    view = shown.drift(report)
    if fail_on_drift and report.drifted:
        click.echo(view.text())
        click.get_current_context().exit(2)
    return view


@verb
@click.argument("endpoint")
@parameters_option
@click.option("--deploy/--no-deploy", default=True, help="Deploy what passed to the endpoint.")
@click.option("--images", type=click.Choice(["auto", "require", "none"]), default="auto")
def retrain(endpoint: str, assignments: tuple[str, ...], deploy: bool, images: Any) -> View:
    """Rerun an endpoint's notebook on newer data, and promote it where it beats the champion."""
    from ..monitoring.retrain import retrain as start

    result = follow(start(endpoint, parse_assignments(assignments), deploy=deploy, images=images))
    return shown.release(result)


@verb
@click.argument("endpoint")
def rollback(endpoint: str) -> View:
    """Serve the former release again."""
    from ..deploy import deployments as deploying

    return shown.deployment(follow(deploying.rollback(endpoint)))


@verb
def audit() -> View:
    """Show the audit log after checking that nobody altered it."""
    from ..governance.audit import AuditLog

    log = AuditLog(Project.find())
    log.verify()
    return shown.audit(log.entries())


if __name__ == "__main__":
    main(prog_name="jupyter mlops")
