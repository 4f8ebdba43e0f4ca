"""The drift report as an HTML page: no scripts, no other files, light and dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ..wording import percent
from .histogram import Bin
from .sentences import called

if TYPE_CHECKING:
    from .drift import FeatureDrift
    from .report import DriftReport

_WIDTH, _HEIGHT = 340, 96
_ROW, _LABEL = 22, 104
_SHOWN_LABEL = 15

_STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --muted: #59636e; --back: #ffffff;
  --card: #f6f8fa; --line: #d1d9e0; --base: #8c959f; --now: #0969da; --warn: #bc4c00; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --muted: #9198a1;
  --back: #0d1117; --card: #161b22; --line: #30363d; --base: #7d8590; --now: #4c9aff;
  --warn: #f0883e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 28px 24px 60px; color: var(--text);
  background: var(--back); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 17px; margin: 36px 0 12px; }
.verdict { font-size: 18px; margin: 6px 0; }
.muted { color: var(--muted); margin: 4px 0; }
.legend { display: flex; gap: 18px; margin-top: 14px; color: var(--muted); }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 2px;
  margin-right: 6px; vertical-align: -1px; }
.grid { display: grid; gap: 16px; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(340px, 100%), 1fr)); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 14px 16px; min-width: 0; }
article.moved { border-left: 4px solid var(--warn); }
h3 { display: flex; justify-content: space-between; gap: 12px; font-size: 15px; margin: 0;
  overflow-wrap: anywhere; }
h3 span { font-weight: 400; color: var(--muted); white-space: nowrap; }
article.moved h3 span { color: var(--warn); }
article p { margin: 2px 0 10px; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: var(--muted); }
.base { fill: var(--base); fill-opacity: .45; } .now { fill: var(--now); }
.area { fill: var(--now); fill-opacity: .22; stroke: var(--now); stroke-width: 1.6; }
.axis { stroke: var(--line); } .hit { fill: transparent; }
"""


def page(report: DriftReport) -> str:
    """Return the page of a report."""
    moved = [each for each in report.features if each.drifted]
    held = [each for each in report.features if not each.drifted]
    title = f"Drift of {report.endpoint} ({report.release})"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="verdict">{escape(_sentence(report.words))}</p>',
        f'<p class="muted">{escape(_sentence(report.scope))}</p>',
        f'<p class="muted">Made {escape(report.created[:16].replace("T", " "))} UTC.</p>',
    ]
    if report.features:
        parts.append(
            '<div class="legend"><span><i style="background:var(--base)"></i>baseline</span>'
            '<span><i style="background:var(--now)"></i>logged</span></div>'
        )
    parts += _section("What moved", moved)
    parts += _section("What held", held)
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _section(title: str, features: list[FeatureDrift]) -> list[str]:
    if not features:
        return []
    cards = [_card(feature) for feature in features]
    return [f"<h2>{title} ({len(cards)})</h2>", '<div class="grid">', *cards, "</div>"]


def _card(feature: FeatureDrift) -> str:
    limit = max(feature.threshold, feature.chance)
    score = (
        f"score {feature.score:.2f}, limit {limit:.2f}"
        if feature.method != "none"
        else "not compared"
    )
    css = ' class="moved"' if feature.drifted else ""
    return (
        f"<article{css}><h3>{escape(called(feature.name))}<span>{score}</span></h3>"
        f"<p>{escape(_sentence(feature.change))}</p>{_chart(feature)}</article>"
    )


def _chart(feature: FeatureDrift) -> str:
    if not feature.bins:
        return ""
    draw = _bars if feature.kind in ("category", "boolean") else _histogram
    height, shapes = draw(feature.bins)
    label = escape(f"{called(feature.name)}: baseline and logged values", quote=True)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">{shapes}</svg>'


def _histogram(bins: tuple[Bin, ...]) -> tuple[int, str]:
    """Draw ranges: the baseline as bars, the log as a stepped line over them."""
    top = max(max(each.baseline, each.current) for each in bins) or 1.0
    width = _WIDTH / len(bins)
    floor = _HEIGHT - 18
    shapes, steps = [], [f"M0 {floor}"]
    for place, each in enumerate(bins):
        left, high = place * width, each.baseline / top * (floor - 4)
        shapes.append(
            f'<rect class="base" x="{left + 0.5:.1f}" y="{floor - high:.1f}" '
            f'width="{width - 1:.1f}" height="{high:.1f}"/>'
        )
        level = floor - each.current / top * (floor - 4)
        steps.append(f"V{level:.1f}H{left + width:.1f}")
    shapes.append(f'<path class="area" d="{"".join(steps)}V{floor}Z"/>')
    for place, each in enumerate(bins):
        shapes.append(
            f'<rect class="hit" x="{place * width:.1f}" y="0" width="{width:.1f}" '
            f'height="{floor}">{_tip(each)}</rect>'
        )
    low, high_label = bins[0].label.split(" to ")[0], bins[-1].label.split(" to ")[-1]
    shapes.append(f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{floor}" y2="{floor}"/>')
    shapes.append(f'<text x="0" y="{_HEIGHT - 4}">{escape(low)}</text>')
    shapes.append(
        f'<text x="{_WIDTH}" y="{_HEIGHT - 4}" text-anchor="end">{escape(high_label)}</text>'
    )
    return _HEIGHT, "".join(shapes)


def _bars(bins: tuple[Bin, ...]) -> tuple[int, str]:
    """Draw categories: for each, the baseline's share over the log's."""
    # The rest of the categories may be far longer than each that is named: its bar is cut off.
    named = [each for each in bins if not each.rest]
    top = max(max(each.baseline, each.current) for each in named) or 1.0
    room = _WIDTH - _LABEL - 94
    shapes = []
    for place, each in enumerate(bins):
        y = place * _ROW
        base, now = (min(1.0, side / top) * room for side in (each.baseline, each.current))
        name = each.label
        if len(name) > _SHOWN_LABEL:
            name = f"{name[: _SHOWN_LABEL - 1]}…"
        shapes.append(
            f'<g>{_tip(each)}<text x="{_LABEL - 8}" y="{y + 14}" text-anchor="end">'
            f"{escape(name)}</text>"
            f'<rect class="base" x="{_LABEL}" y="{y + 2}" width="{base:.1f}"'
            f' height="8"/><rect class="now" x="{_LABEL}" y="{y + 10}" '
            f'width="{now:.1f}" height="8"/>'
            f'<text x="{_WIDTH}" y="{y + 14}" text-anchor="end">'
            f"{percent(each.baseline)} → {percent(each.current)}</text></g>"
        )
    return len(bins) * _ROW + 4, "".join(shapes)


def _tip(each: Bin) -> str:
    words = f"{each.label}: baseline {percent(each.baseline)}, logged {percent(each.current)}"
    return f"<title>{escape(words)}</title>"


def _sentence(words: str) -> str:
    unbroken = words.replace(" %", "\N{NO-BREAK SPACE}%")
    return f"{unbroken[:1].upper()}{unbroken[1:]}."
