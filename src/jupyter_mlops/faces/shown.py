"""How each verb's result is told: results in, views out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .views import Table, View

if TYPE_CHECKING:
    from ..deploy.deployments import Deployment
    from ..deploy.releases import Release
    from ..governance.audit import Entry
    from ..monitoring.report import DriftReport
    from ..rerun.rerun import Rerun
    from ..tracking.store import RunDetail, RunSummary


def runs(found: list[RunSummary]) -> View:
    if not found:
        return View(["No runs yet: run a notebook with `%load_ext jupyter_mlops` in it."], data=[])
    metrics = list(dict.fromkeys(name for run in found for name in run.metrics))[:4]
    rows = [
        [
            run.run,
            run.notebook,
            run.kind,
            run.status,
            run.seconds,
            *(run.metrics.get(name) for name in metrics),
        ]
        for run in found
    ]
    table = Table("", ("run", "notebook", "kind", "status", "seconds", *metrics), rows)
    return View(tables=[table], data=[run.to_dict() for run in found])


def run(found: RunDetail) -> View:
    git = found.git or {}
    commit = str(git.get("commit") or "")[:12] or "none"
    changed = " with uncommitted changes" if git.get("dirty") else ""
    lines = [
        f"run {found.run} of {found.notebook}: {found.status}",
        f"git commit {commit}{changed}; {len(found.environment)} distributions recorded",
    ]
    tables = [
        Table("parameters", ("name", "value"), [[k, v] for k, v in found.parameters.items()]),
        Table("metrics", ("name", "value"), [[k, v] for k, v in found.metrics.items()]),
        Table(
            "cells",
            ("order", "cell", "seconds", "outcome", "first line"),
            [
                [c["order"], c.get("position"), c["seconds"], c["outcome"], _first(c["source"])]
                for c in found.cells
            ],
        ),
        Table(
            "data",
            ("name", "rows", "columns", "fingerprint"),
            [[f["name"], *f["shape"], f["fingerprint"][:12]] for f in found.frames],
        ),
    ]
    return View(lines, [table for table in tables if table.rows], found.to_dict())


def rerun(result: Rerun) -> View:
    lines = [f"run {result.run} finished in {result.seconds:.1f} s; executed: {result.executed}"]
    rows = [[name, value] for name, value in result.metrics.items()]
    tables = [Table("metrics", ("name", "value"), rows)] if rows else []
    data = {
        "run": result.run,
        "executed": str(result.executed),
        "seconds": result.seconds,
        "parameters": result.parameters,
        "metrics": result.metrics,
    }
    return View(lines, tables, data)


def release(found: Release) -> View:
    manifest = found.manifest
    facts: list[list[Any]] = [
        ["release", found.ref],
        ["notebook", manifest["notebook"]],
        ["run", manifest["run"]],
        ["model version", manifest.get("model_version")],
        ["proof", manifest["proof"].get("words")],
        ["target", manifest["target"]],
        *([f"{kind} image", tag] for kind, tag in (manifest.get("images") or {}).items()),
        *([f"metric {name}", value] for name, value in manifest["metrics"].items()),
    ]
    return View(tables=[Table("", ("", "value"), facts)], data=manifest)


def releases(found: list[Release]) -> View:
    if not found:
        return View(["No releases yet: `jupyter mlops promote NOTEBOOK` makes one."], data=[])
    rows = [
        [r.ref, r.manifest["created"], r.manifest["run"], r.manifest.get("model_version")]
        for r in found
    ]
    table = Table("", ("release", "created", "run", "model version"), rows)
    return View(tables=[table], data=[r.manifest for r in found])


def deployment(found: Deployment) -> View:
    return View(
        [f"{found.endpoint} serves {found.release} at {found.url} ({found.kind})"],
        data=found.to_dict(),
    )


def deployments(found: list[Deployment]) -> View:
    if not found:
        return View(["No endpoints yet: `jupyter mlops serve RELEASE` makes one."], data=[])
    rows = [[d.endpoint, d.release, "alive" if d.alive() else "down", d.url, d.kind] for d in found]
    table = Table("", ("endpoint", "release", "state", "url", "kind"), rows)
    return View(tables=[table], data=[d.to_dict() for d in found])


def drift(report: DriftReport) -> View:
    return View([report.to_text()], data=report.to_dict())


def audit(entries: list[Entry]) -> View:
    rows = [[e.seq, e.time, e.actor, e.action, e.subject, e.outcome, e.reason] for e in entries]
    columns = ("no", "time", "actor", "action", "subject", "outcome", "reason")
    lines = [f"{len(entries)} entries, unaltered"]
    return View(lines, [Table("", columns, rows)], [e.to_dict() for e in entries])


def _first(source: str) -> str:
    line = source.strip().splitlines()[0] if source.strip() else ""
    return line if len(line) <= 60 else f"{line[:57]}…"
