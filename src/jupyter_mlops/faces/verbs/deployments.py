"""Verbs on endpoints: what serves, what it sees, what is done about it."""

from __future__ import annotations

from typing import Any

import click

from ...project import Project
from .. import shown
from ..command import follow, parameters_option, parse_assignments, verb
from ..views import View


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
    from ...deploy import deployments as deploying

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
    from ...deploy import deployments as deploying

    return shown.deployments(deploying.deployments(Project.find()))


@verb
@click.argument("endpoint")
def stop(endpoint: str) -> View:
    """Stop an endpoint."""
    from ...deploy import deployments as deploying

    follow(deploying.stop(endpoint))
    return View([f"{endpoint} is stopped."])


@verb
@click.argument("endpoint")
@click.option("--since", help="Only predictions since this time (ISO 8601).")
@click.option("--fail-on-drift", is_flag=True, help="Exit with 2 where something has drifted.")
def monitor(endpoint: str, since: str | None, fail_on_drift: bool) -> View:
    """Compare an endpoint's predictions with the release's baseline and say what moved."""
    from ...monitoring.monitor import monitor as start

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
    from ...monitoring.retrain import retrain as start

    result = follow(start(endpoint, parse_assignments(assignments), deploy=deploy, images=images))
    return shown.release(result)


@verb
@click.argument("endpoint")
def rollback(endpoint: str) -> View:
    """Serve the former release again."""
    from ...deploy import deployments as deploying

    return shown.deployment(follow(deploying.rollback(endpoint)))


@verb
def audit() -> View:
    """Show the audit log after checking that nobody altered it."""
    from ...governance.audit import AuditLog

    log = AuditLog(Project.find())
    log.verify()
    return shown.audit(log.entries())
