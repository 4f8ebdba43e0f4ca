"""The proof as a page of its own: no scripts, nothing loaded, light and dark."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from . import differences

if TYPE_CHECKING:
    from ..notebook.document import Cell
    from .proof import Comparison, Proof

_MARKS = {"equal": "✓", "equal within tolerance": "≈", "random": "⚄", "different": "✗"}
_CSS = {"equal": "ok", "equal within tolerance": "ok", "random": "chance", "different": "bad"}
_KINDS = {
    "output": "value",
    "metric": "metric",
    "serving": "served",
    "printed": "printed",
    "figure": "figure",
}


def page(proof: Proof) -> str:
    """Return the HTML of a proof."""
    marked = _marked_lines(proof)
    return _PAGE.format(
        title=escape(f"Proof of {proof.pipeline}"),
        css="ok" if proof.ok else "bad",
        mark="✓" if proof.ok else "✗",
        words=escape(proof.words),
        counts=_counts(proof),
        notebook=escape(proof.notebook),
        digest=escape(proof.notebook_digest[:16]),
        tolerance=differences.RELATIVE_TOLERANCE,
        attention=_attention(proof),
        steps=_steps(proof),
        cells="\n".join(_cell(cell, marked.get(cell.position, set())) for cell in proof.cells),
        facts=_facts(proof),
    )


def _counts(proof: Proof) -> str:
    counts: dict[str, int] = dict.fromkeys(_MARKS, 0)
    for each in proof.comparisons:
        counts[each.verdict] += 1
    return "".join(
        f'<li class="{_CSS[verdict] if count else "none"}"><b>{count}</b> {verdict}</li>'
        for verdict, count in counts.items()
    )


def _attention(proof: Proof) -> str:
    """Return what differs, in words, before everything that does not."""
    found = [*proof.differences, *proof.accepted]
    if not found:
        return ""
    items = "\n".join(
        f'<li class="{"accepted" if each.accepted else _CSS[each.verdict]}">'
        f"<b>{_code(each.label)}</b>: {_code(each.words)}"
        f"{_accepted(each)} <span>{_link(each)}</span></li>"
        for each in found
    )
    return f"<h2>What differs</h2>\n<ul class='attention'>\n{items}\n</ul>"


def _accepted(each: Comparison) -> str:
    return f" <em>{_code(str(each.accepted))}</em>" if each.accepted else ""


def _steps(proof: Proof) -> str:
    parts = []
    for step, group in groupby(proof.comparisons, key=lambda each: each.step):
        rows = "\n".join(_row(each) for each in group)
        parts.append(
            f"<h2>Step <code>{escape(step)}</code></h2>\n<table>\n<thead><tr><th>verdict</th>"
            "<th>name</th><th>what</th><th>type</th><th>what differs</th><th>cell</th></tr>"
            f"</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
        )
    return "\n".join(parts)


def _row(each: Comparison) -> str:
    css = "accepted" if each.accepted else _CSS[each.verdict]
    words = f"{_code(each.words)}{'<em>accepted</em>' if each.accepted else ''}"
    return (
        f'<tr><td class="{css}"><span aria-hidden="true">{_MARKS[each.verdict]}</span> '
        f"{each.verdict}</td><td><code>{escape(each.name)}</code></td>"
        f"<td>{_KINDS[each.kind]}</td><td>{escape(each.type)}</td><td>{words}</td>"
        f"<td>{_link(each)}</td></tr>"
    )


def _link(each: Comparison) -> str:
    place = each.origin or each.place
    line = f", line {place.line}" if place.line else ""
    return f'<a href="#cell-{place.cell}">cell {place.cell}{line}</a>'


def _cell(cell: Cell, marked: set[int]) -> str:
    lines = "\n".join(
        f'<span class="line{" marked" if number in marked else ""}"><i>{number:>3}</i> '
        f"{escape(line)}</span>"
        for number, line in enumerate(cell.source.split("\n"), 1)
    )
    tags = " ".join(f"<small>{escape(tag)}</small>" for tag in cell.tags)
    return (
        f'<section id="cell-{cell.position}"><h3>Cell {cell.position} {tags}</h3>'
        f'<pre tabindex="0">{lines}</pre></section>'
    )


def _marked_lines(proof: Proof) -> dict[int, set[int]]:
    marked: dict[int, set[int]] = {}
    for each in proof.comparisons:
        if each.origin is not None and each.origin.cell and each.origin.line:
            marked.setdefault(each.origin.cell, set()).add(each.origin.line)
    return marked


def _facts(proof: Proof) -> str:
    facts = proof.facts
    rows: list[tuple[str, Any]] = [
        *((f"run of the {name}", run) for name, run in facts.get("runs", {}).items()),
        ("pipeline ran on", facts.get("target")),
        ("started", facts.get("started")),
        *((f"seconds of the {name}", each) for name, each in facts.get("seconds", {}).items()),
        *((f"parameter {name}", repr(v)) for name, v in facts.get("parameters", {}).items()),
        ("Python", facts.get("python")),
        ("platform", facts.get("platform")),
    ]
    told = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in rows if value
    )
    packages = ", ".join(f"{n} {v}" for n, v in facts.get("packages", {}).items())
    hidden = f"<details><summary>packages</summary>{escape(packages)}</details>"
    return f"<dl>{told}</dl>{hidden if packages else ''}"


def _code(text: str) -> str:
    """Escape a text, and show what stands between backticks as code."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ --text: #1f2328; --soft: #59636e; --back: #fff; --panel: #f6f8fa; --line: #d0d7de;
  --ok: #1a7f37; --bad: #b3261e; --chance: #8a5a00; --link: #0b5cad; --marked: #fff3c4; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --text: #e6edf3; --soft: #9aa4af; --back: #14181d; --panel: #1c2229; --line: #3d444d;
    --ok: #4ac26b; --bad: #ff8a80; --chance: #f0b849; --link: #79b8ff; --marked: #4a3b10; }}
}}
* {{ box-sizing: border-box; }}
body {{ font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ margin-bottom: .2rem; }}
h2 {{ margin: 2rem 0 .5rem; font-size: 1.15rem; }}
h3 {{ margin: 1.2rem 0 .3rem; font-size: 1rem; }}
h3 small {{ font-weight: 400; color: var(--soft); border: 1px solid var(--line);
  border-radius: 1em; padding: 0 .6em; }}
a {{ color: var(--link); }}
table {{ border-collapse: collapse; width: 100%; table-layout: fixed; }}
th, td {{ text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }}
th {{ color: var(--soft); font-weight: 600; font-size: .85em; }}
th:nth-child(1) {{ width: 13rem; }} th:nth-child(2) {{ width: 16%; }}
th:nth-child(3) {{ width: 5.5rem; }} th:nth-child(4) {{ width: 14%; }}
th:nth-child(6) {{ width: 8.5rem; }}
.verdict {{ font-size: 1.15rem; margin: 0 0 1rem; font-weight: 600; }}
.counts {{ display: flex; flex-wrap: wrap; gap: .6rem; padding: 0; list-style: none; }}
.counts li {{ background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
  padding: .3rem .9rem; }}
.counts b {{ font-size: 1.3em; }}
.counts .none {{ color: var(--soft); }}
.attention {{ padding: 0; list-style: none; }}
.attention li {{ padding: .3rem .8rem; margin: .5rem 0; background: var(--panel);
  border-left: 4px solid var(--bad); overflow-wrap: anywhere; }}
.attention li.chance, .attention li.accepted {{ border-color: var(--chance); }}
.attention li, .attention em {{ color: var(--text); font-weight: 400; }}
.attention a {{ white-space: nowrap; }}
.ok {{ color: var(--ok); }}
.bad {{ color: var(--bad); font-weight: 600; }}
.chance, .accepted {{ color: var(--chance); font-weight: 600; }}
em {{ display: block; color: var(--soft); font-weight: 400; }}
summary {{ cursor: pointer; }}
code, pre {{ font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }}
pre {{ background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
  padding: .6rem 0; margin: 0; overflow-x: auto; line-height: 1.45; }}
.line {{ display: inline-block; min-width: 100%; padding: 0 .8rem; white-space: pre; }}
.line i {{ color: var(--soft); font-style: normal; user-select: none; margin-right: .8rem; }}
.marked {{ background: var(--marked); }}
section:target pre {{ border-color: var(--link); }}
dl {{ display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .2rem 1rem; }}
dt {{ color: var(--soft); }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
@media (max-width: 45rem) {{
  table {{ table-layout: auto; }} th, td {{ padding: .3rem; }} dl {{ display: block; }}
}}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="verdict {css}"><span aria-hidden="true">{mark}</span> {words}</p>
<ul class="counts">{counts}</ul>
<p>The pipeline ran from clean state, and what each step left and showed was compared with what the
notebook <code>{notebook}</code> left and showed in a clean kernel (code digest
<code>{digest}</code>; relative tolerance of floating point numbers {tolerance}).</p>
{attention}
{steps}
<h2>The cells</h2>
{cells}
<h2>How it was come by</h2>
{facts}
</main>
</body>
</html>
"""
