"""Verbs for continuous integration: write the workflow, run its steps, assert metrics."""

from __future__ import annotations

from pathlib import Path

import click

from ...project import Project
from ..command import Commands, follow, main, verb_of
from ..views import Table, View


@main.group(cls=Commands)
def ci() -> None:
    """Continuous integration: check, rerun, assert metrics, report, promote."""


@verb_of(ci)
@click.option("--github", is_flag=True, help="Write .github/workflows/mlops.yml.")
@click.option("--gitlab", is_flag=True, help="Write .gitlab-ci.yml.")
@click.option("--force", is_flag=True, help="Replace a file that was edited; keep a copy of it.")
def init(github: bool, gitlab: bool, force: bool) -> View:
    """Write the workflow that CI runs, or bring it up to date.

    It is made from `[ci]` in mlops.toml. Your own steps between the marks in the file are kept; a
    file that was edited elsewhere is left alone.
    """
    from ...ci.workflow import Server
    from ...ci.writing import write

    if not github and not gitlab:
        raise click.UsageError("Say for which server: --github or --gitlab.")
    project = Project.find()
    servers: list[Server] = []
    if github:
        servers.append("github")
    if gitlab:
        servers.append("gitlab")
    lines = []
    data = []
    for server in servers:
        written = write(project, server, force=force)
        path = project.relative(written.path)
        lines.append(f"{path}: {written.change}")
        if written.own:
            lines.append(f"  your own steps are kept ({written.own} lines)")
        if written.kept is not None:
            lines.append(f"  the edited file is kept as {project.relative(written.kept)}")
        data.append({"path": path, "change": written.change, "own": written.own})
    return View([*lines, "try it here: `jupyter mlops ci run`"], data=data)


@verb_of(ci)
@click.argument("notebooks", nargs=-1, type=click.Path(path_type=Path), metavar="[NOTEBOOK]…")
@click.option("--promote", is_flag=True, help="Run what CI does on the main branch too.")
def run(notebooks: tuple[Path, ...], promote: bool) -> View:
    """Run the workflow's steps here, one by one; exit with 1 where one fails."""
    from ...ci.run import run as start

    project = Project.find(notebooks[0] if notebooks else None)
    names = [project.relative(path) for path in notebooks]
    found = follow(start(project, names, promote=promote))
    rows = [[each.name, each.outcome, each.seconds, each.reason] for each in found]
    table = Table("", ("step", "", "seconds", "why"), rows)
    failed = any(each.outcome == "failed" for each in found)
    return View(tables=[table], data=[each.to_dict() for each in found], exit_code=int(failed))


@verb_of(ci)
@click.argument(
    "executed", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="EXECUTED…"
)
def metrics(executed: tuple[Path, ...]) -> View:
    """Hold the metrics of executed notebooks against thresholds and the last release.

    Thresholds stand in mlops.toml: `[ci.metrics] auc = ">= 0.8"`. Exit with 1 where one fails.
    """
    from ...ci.assertion import assert_metrics, to_dict

    project = Project.find()
    found = assert_metrics(project, executed)
    rows = [[each.notebook, "ok" if each.passed else "failed", each.words] for each in found]
    lines = (
        [] if found else ["Nothing is asked of the metrics: write `[ci.metrics]` in mlops.toml."]
    )
    failed = not all(each.passed for each in found)
    table = Table("", ("notebook", "", "metric"), rows)
    data = [to_dict(each) for each in found]
    return View(lines, [table] if rows else [], data, exit_code=int(failed))
