"""A certificate of reproduction as a page: no scripts, nothing loaded, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

_MARKS = {"identical": "✓", "within tolerance": "≈", "different": "✗", "not compared": "–"}
_CSS = {"identical": "ok", "within tolerance": "ok", "different": "bad", "not compared": "open"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>
<style>
:root{{color-scheme:light dark;--ok:#1b6e2c;--bad:#b3261e;--open:#7a5c00;--line:#8884}}
@media(prefers-color-scheme:dark){{:root{{--ok:#7bd88f;--bad:#ff8a80;--open:#e6c65c}}}}
body{{font:15px/1.5 system-ui,sans-serif;max-width:1040px;margin:32px auto;padding:0 16px}}
h1{{font-size:22px;margin:0 0 4px}}h2{{font-size:17px;margin:28px 0 6px}}
.verdict{{font-size:18px;font-weight:600;margin:0 0 16px}}
table{{border-collapse:collapse;width:100%}}
th,td{{text-align:left;vertical-align:top;padding:5px 14px 5px 0;border-top:1px solid var(--line)}}
th{{font-weight:600;white-space:nowrap}}td:first-child{{white-space:nowrap}}
code{{overflow-wrap:anywhere}}
.ok{{color:var(--ok)}}.bad{{color:var(--bad)}}.open{{color:var(--open)}}
</style></head><body>
<h1>{title}</h1>
<p class="verdict {css}"><span aria-hidden="true">{mark}</span> {summary}</p>
{notes}
<h2>Outputs</h2>
<table><thead><tr><th>verdict</th><th>output</th><th>where</th><th>what</th></tr></thead>
<tbody>
{outputs}
</tbody></table>
<h2>Inputs</h2>
<table><tbody>
{inputs}
</tbody></table>
<p>The signed evidence beside this page is what counts: <code>jupyter mlops reproduce --verify
evidence.json --key {key}</code></p>
</body></html>
"""


def certificate_page(facts: Mapping[str, Any], rows: Iterable[list[Any]], key: str) -> str:
    """Return the page of what evidence says.

    Parameters
    ----------
    rows
        Verdict, output, place and words of each output.
    key
        The fingerprint of the signer's key.
    """
    return _PAGE.format(
        title=escape(f"Reproduction of {facts['run']['name']}"),
        css=_CSS[facts["verdict"]],
        mark=_MARKS[facts["verdict"]],
        summary=escape(facts["summary"]),
        notes=_list([*facts["notes"], *(f"Next: {each}" for each in facts["next_steps"])]),
        outputs="\n".join(map(_row, rows)),
        inputs="\n".join(_fact(name, value) for name, value in _inputs(facts) if value),
        key=escape(key),
    )


def _inputs(facts: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    run, environment, code = facts["run"], facts["environment"], facts["code"]
    yield "run", f"{run['kind']}, {run['started']}, {run['user']}"
    yield "notebook", run["notebook"]
    yield "parameters", ", ".join(f"{name}={value}" for name, value in run["parameters"].items())
    yield "reproduced", f"{facts['ended']}, {facts['actor']}"
    yield "Python", _both(facts["python"])
    yield "platform", _both(facts["platform"])
    yield "commit", code["commit"]
    yield "uncommitted changes", code["diff_sha256"] and f"sha256:{code['diff_sha256']}"
    yield "lock", environment["lock_sha256"] and f"sha256:{environment['lock_sha256']}"
    for each in facts["data"]:
        digest = f"sha256:{each['sha256']}" if each["sha256"] else each["fingerprint"]
        yield f"data {each['source']}", f"{each['state']}, {digest}"
    yield "tolerance", f"{facts['tolerance']:g} relative"
    yield "seconds", ", ".join(f"{name} {taken:g}" for name, taken in facts["seconds"].items())


def _both(values: Mapping[str, str]) -> str:
    if values["run"] == values["here"]:
        return values["run"]
    return f"{values['run']} in the run, {values['here']} here"


def _fact(name: str, value: str) -> str:
    return f"<tr><th>{escape(name)}</th><td><code>{escape(str(value))}</code></td></tr>"


def _row(cells: list[Any]) -> str:
    verdict = cells[0]
    first = f'<td class="{_CSS[verdict]}"><span aria-hidden="true">{_MARKS[verdict]}</span> '
    rest = "".join(f"<td>{escape(str(each))}</td>" for each in cells[1:])
    return f"<tr>{first}{verdict}</td>{rest}</tr>"


def _list(sentences: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in sentences)}</ul>"
