"""A run as a card: HTML for notebooks, text for terminals."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TypeVar

from ...charts.sparkline import svg_line, text_line
from .facts import Facts, State

_T = TypeVar("_T")
_MOST = 12
"""Metrics, parameters, models or frames that a card shows; the rest is counted."""
_LONGEST = 40
_COLOURS: dict[State, str] = {
    "idle": "var(--jp-success-color1,#2e7d32)",
    "running": "var(--jp-brand-color1,#1976d2)",
    "failed": "var(--jp-error-color1,#c62828)",
    "ended": "var(--jp-ui-font-color2,#757575)",
}
# Lines and shades come from the text's own colour, so that the card fits any theme.
_STYLE = """<style>
.mlops-card{--mlops-accent:var(--jp-brand-color1,#1976d2);font-size:13px;line-height:1.45;
font-family:var(--jp-ui-font-family,system-ui,sans-serif);max-width:720px;padding:10px 14px;
border:1px solid color-mix(in srgb,currentColor 18%,transparent);border-radius:8px;margin:2px 0}
.mlops-card header{display:flex;gap:8px;align-items:baseline;flex-wrap:wrap}
.mlops-card header b{font-size:14px}
.mlops-card .dot{width:9px;height:9px;border-radius:50%;display:inline-block;align-self:center}
.mlops-card .soft{color:color-mix(in srgb,currentColor 62%,transparent)}
.mlops-card .bar{height:4px;border-radius:2px;margin:7px 0 9px;overflow:hidden;
background:color-mix(in srgb,currentColor 13%,transparent)}
.mlops-card .bar i{display:block;height:100%;border-radius:2px}
.mlops-card dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:0}
.mlops-card dt{color:color-mix(in srgb,currentColor 62%,transparent);font-weight:400}
.mlops-card dd{margin:0;overflow-wrap:anywhere}
.mlops-card .chip{display:inline-block;margin:0 12px 0 0;white-space:nowrap}
.mlops-card .number{font-variant-numeric:tabular-nums;font-weight:600}
.mlops-card .error{color:var(--jp-error-color1,#c62828)}
</style>"""


def html(facts: Facts) -> str:
    """Return the card as HTML that needs no script and fits light and dark themes."""
    rows = {
        "metrics": "".join(_metric(name, values) for name, values in _some(facts.metrics)),
        "parameters": "".join(_chip(n, value) for n, value in _some(facts.parameters)),
        "models": "".join(_chip(name, kind) for name, kind in _some(facts.models)),
        "data": "".join(_chip(name, _size(size)) for name, size in _some(facts.data)),
        "not captured": "".join(
            f'<div class="error">{escape(_short(text, 120))}</div>' for text in facts.problems[-3:]
        ),
    }
    more = {"metrics": facts.metrics, "parameters": facts.parameters, "models": facts.models}
    listed = "".join(
        f"<dt>{name}</dt><dd>{content}{_rest(more.get(name, {}))}</dd>"
        for name, content in rows.items()
        if content
    )
    error = f'<div class="error">{escape(facts.error)}</div>' if facts.state == "failed" else ""
    return (
        f'{_STYLE}<div class="mlops-card"><header>'
        f'<span class="dot" style="background:{_COLOURS[facts.state]}"></span>'
        f'<b>{escape(facts.run)}</b><span class="soft">{escape(_doing(facts))}</span></header>'
        f"{_bar(facts)}{error}<dl>{listed}</dl>{_link(facts)}</div>"
    )


def text(facts: Facts) -> str:
    """Return the card as lines of text."""
    lines = [f"{facts.run}: {_doing(facts)}"]
    if facts.state == "failed":
        lines.append(f"  {facts.error}")
    for name, values in _some(facts.metrics):
        lines.append(f"  {name} = {values[-1]:.6g}  {_text_chart(values)}".rstrip())
    for title, pairs in (("parameters", facts.parameters), ("models", facts.models)):
        if pairs:
            words = ", ".join(f"{name}={_short(value)}" for name, value in _some(pairs))
            lines.append(f"  {title}: {words}{_rest(pairs)}")
    if facts.data:
        words = ", ".join(f"{name} ({_size(size)})" for name, size in _some(facts.data))
        lines.append(f"  data: {words}{_rest(facts.data)}")
    lines += [f"  not captured: {_short(text, 120)}" for text in facts.problems[-3:]]
    return "\n".join(lines)


def _doing(facts: Facts) -> str:
    """Say in a few words how far the run is."""
    words = []
    if facts.cells:
        words.append(f"{min(facts.executed, facts.cells)} of {facts.cells} cells")
    else:
        words.append(f"{facts.executed} cells")
    where = f"cell {facts.cell}" if facts.cell is not None else "a cell"
    if facts.state == "running":
        words.append(f"{where} has run for {_duration(facts.seconds)}")
    elif facts.state == "failed":
        words.append(f"{where} failed")
    elif facts.state == "ended":
        words.append("the run has ended")
    if facts.spent:
        words.append(f"{_duration(facts.spent)} in cells")
    return " · ".join(words)


def _bar(facts: Facts) -> str:
    if not facts.cells:
        return ""
    share = 100 * min(1.0, facts.executed / facts.cells)
    return (
        f'<div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="{facts.cells}" '
        f'aria-valuenow="{min(facts.executed, facts.cells)}"><i style="width:{share:.1f}%;'
        f'background:{_COLOURS[facts.state]}"></i></div>'
    )


def _link(facts: Facts) -> str:
    """Link to the store's own page, where it is a server."""
    if not facts.store.startswith(("http://", "https://")):
        return ""
    address = escape(facts.store, quote=True)
    return f'<div class="soft"><a href="{address}" target="_blank">MLflow server</a></div>'


def _metric(name: str, values: list[float]) -> str:
    title = f"{len(values)} values" if len(values) > 1 else "one value"
    return (
        f'<span class="chip" title="{title}">{escape(name)} '
        f'<span class="number">{values[-1]:.6g}</span> {svg_line(values, 80, 20)}</span>'
    )


def _chip(name: str, value: str) -> str:
    return (
        f'<span class="chip" title="{escape(value, quote=True)}">{escape(name)} '
        f'<span class="number">{escape(_short(value))}</span></span>'
    )


def _text_chart(values: list[float]) -> str:
    return text_line(values) if len(values) > 1 else ""


def _some(pairs: Mapping[str, _T]) -> list[tuple[str, _T]]:
    return list(pairs.items())[:_MOST]


def _rest(pairs: Mapping[str, object]) -> str:
    return f" and {len(pairs) - _MOST} more" if len(pairs) > _MOST else ""


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]:,} × {size[1]}"


def _short(value: str, longest: int = _LONGEST) -> str:
    line = " ".join(value.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
