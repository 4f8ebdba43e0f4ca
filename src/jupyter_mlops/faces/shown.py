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


def rerun(result: Rerun) -> View:
    lines = [f"run {result.run} finished in {result.seconds:.1f} s; executed: {result.executed}"]
    if result.cells:
        saved = f", {result.saved:.1f} s saved" if result.reused else ""
        lines.append(f"{result.reused} of {result.cells} cells reused{saved}")
    rows = [[name, value] for name, value in result.metrics.items()]
    tables = [Table("metrics", ("name", "value"), rows)] if rows else []
    data = {
        "run": result.run,
        "executed": str(result.executed),
        "seconds": result.seconds,
        "parameters": result.parameters,
        "metrics": result.metrics,
        "cells": result.cells,
        "reused": result.reused,
        "saved": result.saved,
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
