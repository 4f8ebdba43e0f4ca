"""A running sweep as HTML, for notebooks: what the terminal shows, in the front end's theme."""

from __future__ import annotations

from html import escape

from ..sweep_standing import PointRow, Standing, columns_of, parameters_words, shown, span

_MOST_ENDED = 10
_SIGNS = {"running": "▸", "failed": "✗", "pruned": "✂", "ok": "✓", "waiting": ""}
# Lines and shades come from the text's own colour, so that the table fits any theme.
_STYLE = """<style>
.mlops-sweep{font-size:13px;line-height:1.45;font-family:var(--jp-ui-font-family,system-ui,\
sans-serif);padding:10px 14px;margin:2px 0;max-width:860px;
border:1px solid color-mix(in srgb,currentColor 18%,transparent);border-radius:8px}
.mlops-sweep header{display:flex;gap:10px;align-items:baseline;flex-wrap:wrap}
.mlops-sweep header b{font-size:14px}
.mlops-sweep .soft{color:color-mix(in srgb,currentColor 62%,transparent)}
.mlops-sweep .bar{height:5px;border-radius:3px;margin:8px 0;overflow:hidden;display:flex;
background:color-mix(in srgb,currentColor 13%,transparent)}
.mlops-sweep .bar i{display:block;height:100%;background:var(--jp-success-color1,#2e7d32)}
.mlops-sweep .bar i.bad{background:var(--jp-error-color1,#c62828)}
.mlops-sweep .counts span{margin-right:16px;white-space:nowrap}
.mlops-sweep .best{margin:4px 0 0;font-weight:600}
.mlops-sweep .scroll{overflow-x:auto;margin-top:6px}
.mlops-sweep.mlops-sweep table{border-collapse:collapse;margin:0;font-size:12px}
.mlops-sweep.mlops-sweep th,.mlops-sweep.mlops-sweep td{padding:2px 12px 2px 0;text-align:right;
white-space:nowrap;background:none;font-variant-numeric:tabular-nums;
border-bottom:1px solid color-mix(in srgb,currentColor 12%,transparent)}
.mlops-sweep.mlops-sweep th{font-weight:400;color:color-mix(in srgb,currentColor 62%,transparent)}
.mlops-sweep.mlops-sweep .words{text-align:left;max-width:340px;overflow:hidden;\
text-overflow:ellipsis}
.mlops-sweep tr.is-best td{font-weight:600}
.mlops-sweep .bad{color:var(--jp-error-color1,#c62828)}
.mlops-sweep .good{color:var(--jp-success-color1,#2e7d32)}
.mlops-sweep .busy{color:var(--jp-brand-color1,#1976d2)}
</style>"""


def html(standing: Standing, note: str = "") -> str:
    """Return how a sweep stands as HTML; ``note`` is a sentence below it."""
    parts = [_header(standing), _bar(standing), _counts(standing), _best(standing)]
    parts += [f'<div class="soft">{escape(words)}</div>' for words in standing.notices[-3:]]
    parts.append(_table(standing))
    if note:
        parts.append(f'<p class="soft">{escape(note)}</p>')
    label = escape(f"{standing.kind} of {standing.notebook}", quote=True)
    return (
        f'{_STYLE}<div class="mlops-sweep" role="group" aria-label="{label}">{"".join(parts)}</div>'
    )


def text(standing: Standing, note: str = "") -> str:
    """Return how a sweep stands in a line or two, for front ends without HTML."""
    if not standing.name:
        return "starting"
    words = f"{standing.kind} {standing.name}: {'; '.join(_parts(standing))}"
    best = f"\n{_best_words(standing)}" if standing.best is not None else ""
    return f"{words}{best}{f'{chr(10)}{note}' if note else ''}"


def _header(standing: Standing) -> str:
    if not standing.name:
        return '<header><span class="soft">starting…</span></header>'
    return (
        f"<header><b>{escape(standing.notebook)}</b>"
        f'<span class="soft">{escape(standing.kind)} {escape(standing.name)}</span></header>'
    )


def _bar(standing: Standing) -> str:
    total = max(standing.total, 1)
    bad = 100 * standing.count("failed") / total
    good = 100 * standing.done / total - bad
    return (
        f'<div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="{standing.total}" '
        f'aria-valuenow="{standing.done}"><i style="width:{good:.1f}%"></i>'
        f'<i class="bad" style="width:{bad:.1f}%"></i></div>'
    )


def _parts(standing: Standing) -> list[str]:
    parts = [f"{standing.done} of {standing.total} points"]
    for status in ("running", "pruned", "failed"):
        if count := standing.count(status):
            parts.append(f"{count} {status}")
    parts.append(span(standing.elapsed))
    if (left := standing.left) is not None:
        parts.append(f"about {span(left)} left")
    if standing.is_sharing:
        parts.append("running the cells that all points share")
    elif standing.shared:
        parts.append(f"{standing.shared} of {standing.cells} cells ran once")
    return parts


def _counts(standing: Standing) -> str:
    if not standing.name:
        return ""
    spans = "".join(f"<span>{escape(words)}</span>" for words in _parts(standing))
    return f'<div class="counts">{spans}</div>'


def _best_words(standing: Standing) -> str:
    best = standing.best
    if best is None:
        return ""
    value = shown(best.metrics.get(standing.metric))
    words = parameters_words(best)
    so_far = "" if standing.done == standing.total else " so far"
    return f"★ best{so_far}: {standing.metric} {value} with {words} (point {best.number})"


def _best(standing: Standing) -> str:
    words = _best_words(standing)
    return f'<div class="best">{escape(words)}</div>' if words else ""


def _table(standing: Standing) -> str:
    rows = [*standing.running(), *standing.ended()[:_MOST_ENDED]]
    if not rows:
        return ""
    metrics = columns_of(standing)
    best = standing.best.number if standing.best is not None else None
    names = ["", "point", *standing.swept, *metrics]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(_row(row, standing, metrics, is_best=row.number == best) for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{head}<th class="words">status</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: PointRow, standing: Standing, metrics: list[str], *, is_best: bool) -> str:
    cells = [
        "★" if is_best else _SIGNS.get(row.status, ""),
        str(row.number),
        *(shown(row.parameters.get(name)) for name in standing.swept),
        *(shown(row.metrics.get(name)) for name in metrics),
    ]
    colour = {"failed": "bad", "running": "busy", "pruned": "soft"}.get(row.status, "")
    if row.status == "running":
        state = f"running {span(standing.clock() - row.began)}"
    elif row.status == "failed":
        state = f"failed: {row.error.partition(chr(10))[0]}"
    else:
        state = f"{'best, ' if is_best else ''}{row.status}, {row.seconds:.1f} s"
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    last = f'<td class="words {colour}" title="{escape(state, quote=True)}">{escape(state)}</td>'
    return f"<tr{' class=is-best' if is_best else ''}>{told}{last}</tr>"
