"""Monitoring: an endpoint's logged traffic against the baseline of its release."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..deploy import baseline as baselines
from ..deploy import deployments as deploying
from ..deploy.releases import Release, Releases
from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..progress import Progress, Stage
from ..project import Project
from ..serving import prediction_log
from .report import DriftReport, worst_first

if TYPE_CHECKING:
    import pandas as pd

    from .drift import FeatureDrift


def monitor(
    endpoint: str,
    *,
    project: Project | None = None,
    since: str | datetime | None = None,
    release: str | None = None,
) -> Progress[DriftReport]:
    """Compare what an endpoint was asked and answered with what its release learned from.

    The report is also written as JSON and as an HTML page to ``.mlops/monitoring/<endpoint>/``.

    Parameters
    ----------
    since
        Only requests at or after this time; a time without a zone is UTC.
    release
        Only what this release answered, and its baseline; default: what the endpoint serves now.

    Raises
    ------
    MlopsError
        ``deploy.unknown`` or ``release.unknown``; ``monitor.no-log`` where nothing was ever
        asked; ``baseline.missing`` where the release keeps no rows; ``log.time`` where ``since``
        is no time.
    """
    project = project or Project.find()
    deployment = deploying.find(endpoint, project)
    served = Releases(project).get(release or deployment.release)
    stage = Stage("monitor")
    yield stage.started(f"reading what {served.ref} answered on {endpoint}")
    before = baselines.read(served.folder / "baseline.parquet")
    log = _log(project, endpoint, served, since)
    report = _report(project, endpoint, served, before, log)
    report = _write(project, report)
    yield stage.done(report.words, drifted=report.drifted, page=report.page)
    return report


def _log(
    project: Project, endpoint: str, release: Release, since: str | datetime | None
) -> pd.DataFrame:
    folder = project.predictions / endpoint
    if not folder.is_dir() or not any(folder.glob("*.jsonl")):
        raise MlopsError(
            "monitor.no-log",
            f"The endpoint {endpoint} has answered nothing yet.",
            hint="ask it for some predictions, then try again.",
            place=Place(project.relative(folder)),
        )
    return prediction_log.read(folder, release=release.ref, since=since)


def _report(
    project: Project, endpoint: str, release: Release, before: pd.DataFrame, log: pd.DataFrame
) -> DriftReport:
    from .drift import compare

    settings = project.settings.monitor
    times = log[prediction_log.TIME]
    features: tuple[FeatureDrift, ...] = ()
    if len(log) >= settings.min_rows:
        features = worst_first(compare(before, log, threshold=settings.threshold))
    return DriftReport(
        endpoint=endpoint,
        release=release.ref,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=len(log),
        min_rows=settings.min_rows,
        baseline_rows=len(before),
        since=times.min().isoformat() if len(log) else None,
        until=times.max().isoformat() if len(log) else None,
        features=features,
        torn=int(log.attrs.get("torn", 0)),
    )


def _write(project: Project, report: DriftReport) -> DriftReport:
    """Write the report beside the earlier ones, and return it with the page's path."""
    folder = project.folder("monitoring", report.endpoint)
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    page = folder / f"{name}.html"
    report = replace(report, page=project.relative(page))
    with explain_os_errors(project.root):
        _replace(page, report.to_html())
        content = json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        _replace(page.with_suffix(".json"), content + "\n")
    return report


def _replace(path: Path, text: str) -> None:
    staged = path.with_name(f".{path.name}.new")
    try:
        staged.write_text(text, encoding="utf-8")
        os.replace(staged, path)
    finally:
        staged.unlink(missing_ok=True)
