"""A certificate of reproduction as one HTML page, above the notebook that was executed for it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from .report import page, write

_COLOURS = {
    "identical": "#2e7d32",
    "within tolerance": "#2e7d32",
    "different": "#c62828",
    "not compared": "#8a6d00",
}
_STYLE = """<style>
.mlops-verdict{font-size:19px;font-weight:600;margin:0 0 6px}
.mlops-card .mlops-outputs{width:100%}
.mlops-card .mlops-outputs td{border-top:1px solid var(--jp-border-color2);padding:4px 12px 4px 0}
</style>
"""


def write_page(facts: Mapping[str, Any], executed: Path, path: Path) -> None:
    """Write the page of what evidence says, with the executed notebook below."""
    write(page(executed, card(facts)), path)


def card(facts: Mapping[str, Any]) -> str:
    """Return the certificate itself as HTML."""
    from ..reproduced import row

    run = facts["run"]
    colour = _COLOURS[facts["verdict"]]
    rows = [
        ("run", f"{run['name']}, {run['started']}, {run['user']}"),
        ("notebook", run["notebook"]),
        ("reproduced", f"{facts['ended']}, {facts['actor']}"),
        ("Python", _both(facts["python"])),
        ("platform", _both(facts["platform"])),
        ("commit", facts["code"]["commit"]),
        ("lock", f"sha256:{facts['environment']['lock_sha256']}"[:80]),
        ("tolerance", f"{facts['tolerance']:g}"),
    ]
    listed = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows
    )
    notes = "".join(f"<li>{escape(each)}</li>" for each in [*facts["notes"], *facts["next_steps"]])
    outputs = "".join(_row(row(each)) for each in facts["outputs"])
    return (
        f'{_STYLE}<div class="mlops-card"><p class="mlops-verdict" style="color:{colour}">'
        f"{escape(facts['summary'])}</p><table>{listed}</table><ul>{notes}</ul>"
        f"<details open><summary>{len(facts['outputs'])} outputs</summary>"
        f'<table class="mlops-outputs">{outputs}</table></details></div>'
    )


def _row(cells: list[Any]) -> str:
    colour = _COLOURS[cells[0]]
    first = f'<td style="color:{colour}">{escape(str(cells[0]))}</td>'
    return f"<tr>{first}{''.join(f'<td>{escape(str(each))}</td>' for each in cells[1:])}</tr>"


def _both(values: Mapping[str, str]) -> str:
    if values["run"] == values["here"]:
        return values["run"]
    return f"{values['run']} in the run, {values['here']} here"
