"""Assert what executed notebooks scored: against thresholds, and against the last release."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..deploy.releases import Release, Releases
from ..errors import MlopsError, Place
from ..governance.gates import against_champion
from ..notebook.executed import run_of
from ..project import Project
from ..tracking.store import Store
from .thresholds import Outcome, hold


def assert_metrics(project: Project, executed: Iterable[Path]) -> list[Outcome]:
    """Return what is asked of the metrics of executed notebooks, and whether it holds.

    Raises
    ------
    MlopsError
        ``ci.not-finished`` where a notebook did not run to its end; ``executed.no-run`` where it
        was not executed with the engine ``mlops``.
    """
    store = Store(project)
    store.sync()
    metrics: dict[str, dict[str, float]] = {}
    for path in executed:
        run = store.run(run_of(path))
        if run.status != "FINISHED":
            raise MlopsError(
                "ci.not-finished",
                f"The run {run.run} of {run.notebook} is {run.status}, so its metrics say nothing.",
                hint=f"look at the cell that failed in {path}.",
                place=Place(run.notebook),
            )
        metrics[run.notebook] = dict(run.metrics)
    settings = project.settings.ci
    found = hold(settings.metrics, metrics)
    if settings.against_release:
        released = _newest(project)
        for notebook, scored in metrics.items():
            if notebook in released and scored:
                found.append(_compare(project, notebook, scored, released[notebook]))
    return found


def _newest(project: Project) -> dict[str, Release]:
    """Return the newest release of each notebook."""
    return {release.manifest["notebook"]: release for release in Releases(project).list()}


def _compare(
    project: Project, notebook: str, metrics: dict[str, float], release: Release
) -> Outcome:
    wanted = f"no worse than {release.ref}"
    try:
        found = against_champion(metrics, release.metrics, project.settings.retrain)
    except MlopsError as error:
        return Outcome(notebook, "", None, wanted, False, f"{error.message} {error.hint}")
    passed = found.better or found.challenger == found.champion
    words = found.words.replace("the champion's", f"{release.ref}'s")
    return Outcome(notebook, found.metric, found.challenger, wanted, passed, words)


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON can hold it."""
    return {
        "notebook": outcome.notebook,
        "metric": outcome.metric,
        "value": outcome.value,
        "wanted": outcome.wanted,
        "passed": outcome.passed,
        "words": outcome.words,
    }
