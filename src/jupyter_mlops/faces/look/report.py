"""An executed notebook as one HTML page, with its run's card on top; it needs no network."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import MlopsError, Place
from ...notebook.executed import run_name
from ...os_errors import explain_os_errors
from ...project import Project
from . import card
from .facts import Facts

if TYPE_CHECKING:
    from ...tracking.store import RunDetail

_INJECTED = "injected-parameters"
# Scripts and fonts that nbconvert's page fetches have no place in a page that stands alone.
_TEMPLATE = """{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}{{ resources.mlops_style }}{%- endblock -%}
{%- block body_header -%}{{ super() }}{{ resources.mlops_card }}{%- endblock -%}
"""
_STYLE = """<style>
:root{color-scheme:light dark}
body.jp-Notebook{background:var(--jp-layout-color0);color:var(--jp-content-font-color1);
margin:0 auto;padding:24px 16px;max-width:1080px}
main>.mlops-card{max-width:none;margin:0 0 20px;padding:14px 18px}
main>.mlops-card header b{font-size:17px}
.mlops-card details{margin-top:8px}.mlops-card summary{cursor:pointer}
.mlops-card table{border-collapse:collapse;margin:6px 0}
.mlops-card td,.mlops-card th{padding:2px 12px 2px 0;text-align:left;vertical-align:top}
.jp-RenderedImage img{max-width:100%}
.jp-RenderedHTMLCommon{overflow-x:auto}
</style>
"""
_DARK = """<style>@media screen and (prefers-color-scheme:dark){%s
.jp-RenderedImage img,.jp-RenderedSVG svg{background:#fff;border-radius:4px}}</style>
"""


def report(project: Project, subject: str, *, inputs: bool = True) -> tuple[str, str]:
    """Return a report's name and page, for a run, or for an executed notebook.

    ``latest`` is the newest run that left an executed notebook. A notebook that is the result of
    no run is shown without a card.

    Raises
    ------
    MlopsError
        ``run.unknown``, ``report.no-notebook`` where a run left no executed notebook, or
        ``notebook.not-json``.
    """
    from ...tracking.store import LATEST, Store

    store = Store(project)
    if subject.endswith(".ipynb"):
        path = Path(subject)
        run = run_name(path)
        if run is None:
            return path.stem, page(path, "", inputs=inputs)
        store.sync()
        try:
            return path.stem, page(path, run_card(store.run(run)), inputs=inputs)
        except MlopsError as error:
            if error.code != "run.unknown":
                raise
            return path.stem, page(path, "", inputs=inputs)  # executed elsewhere
    store.sync()
    executed = project.state / "executed"
    if subject == LATEST:
        left = (each.run for each in store.runs(limit=100))
        subject = next((run for run in left if (executed / f"{run}.ipynb").is_file()), subject)
    found = store.run(subject)
    path = executed / f"{found.run}.ipynb"
    if not path.is_file():
        raise MlopsError(
            "report.no-notebook",
            f"The run {found.run} left no executed notebook here.",
            hint="only reruns leave one; `jupyter mlops report NOTEBOOK` shows a notebook as it "
            "was saved.",
            place=Place(found.notebook),
        )
    return found.run, page(path, run_card(found), inputs=inputs)


def page(path: Path, card_html: str, *, inputs: bool = True) -> str:
    """Return the page of a notebook with ``card_html`` on top."""
    import nbformat
    from nbconvert.exporters import HTMLExporter

    try:
        content = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise MlopsError(
            "notebook.not-json",
            f"The notebook cannot be read: {error}.".replace("\n", " "),
            place=Place(str(path)),
        ) from None
    make: Any = HTMLExporter
    exporter = make(raw_template=_TEMPLATE, embed_images=True)
    exporter.exclude_input = not inputs
    resources = {
        "metadata": {"name": path.stem, "path": str(path.parent)},
        "mlops_card": card_html,
        "mlops_style": _STYLE + _DARK % _dark_theme(exporter),
    }
    text, _ = exporter.from_notebook_node(content, resources)
    return str(text)


def write(text: str, path: Path) -> None:
    """Write a page, whole or not at all."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    with explain_os_errors(path):
        try:
            staged.write_text(text, encoding="utf-8")
            os.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)


def run_card(run: RunDetail) -> str:
    """Return the card of a run as it stands in the store."""
    html = card.html(facts(run))
    rows = [
        ("notebook", run.notebook),
        ("commit", _commit(run)),
        ("model", str(run.model or "")),
        ("started", str(run.started or "")),
    ]
    listed = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows if value
    )
    table = (
        f"<details open><summary>{escape(run.status)}</summary><table>{listed}</table></details>"
    )
    return html.removesuffix("</div>") + table + "</div>"


def facts(run: RunDetail) -> Facts:
    """Return what a card tells of a run in the store."""
    failed = next((cell for cell in run.cells if cell["outcome"] == "failed"), None)
    own = [cell for cell in run.cells if cell.get("position") is not None]
    found = Facts(
        run=run.run,
        notebook=run.notebook,
        state="failed" if run.status in ("FAILED", "KILLED") else "ended",
        executed=sum(cell["outcome"] == "ok" for cell in own),
        cells=0,
        spent=sum(cell["seconds"] or 0.0 for cell in run.cells),
        parameters=run.parameters,
        metrics={name: [value] for name, value in run.metrics.items()},
        data={frame["name"]: tuple(frame["shape"]) for frame in run.frames},
    )
    if failed is not None:
        found = replace(found, cell=failed.get("position"), error=failed.get("error", ""))
    return found


def _commit(run: RunDetail) -> str:
    git = run.git or {}
    commit = str(git.get("commit") or "")[:12]
    return f"{commit} with uncommitted changes" if commit and git.get("dirty") else commit


def _dark_theme(exporter: Any) -> str:
    """Return the variables of JupyterLab's dark theme, as the exporter's own template has them."""
    for folder in exporter.template_paths:
        path = Path(folder) / "static" / "theme-dark.css"
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            found = re.search(r":root\s*{[^}]*}", text)
            return found[0] if found else ""
    return ""
