"""The page at ``/``: the release, its contract, and a command that asks it."""

from __future__ import annotations

import json
import shlex
from html import escape

from .service import Service

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


def render(service: Service, url: str, *, key: bool) -> str:
    """Return the HTML page. ``url`` is how the reader reached it; ``key`` whether one is needed."""
    predictor = service.predictor
    example = json.dumps({"rows": predictor.examples["rows"][:1]})
    header = " -H 'Authorization: Bearer '\"$MLOPS_API_KEY\"" if key else ""
    command = (
        f"curl {shlex.quote(url + '/predict')}{header} "
        f"-H 'Content-Type: application/json' \\\n  -d {shlex.quote(example)}"
    )
    first = json.dumps(predictor.examples["predictions"][:1])
    rows = "".join(
        f"<tr><th scope=row><code>{escape(column.name)}</code></th><td>{column.type}"
        f"{' or null' if column.nullable else ''}</td><td>{escape(column.seen or '–')}</td></tr>"
        for column in service.contract.columns
    )
    outputs = "".join(
        f"<li><code>{escape(output.name)}</code>: {output.type}"
        f"{' of shape ' + str(list(output.shape)) if output.shape else ''}</li>"
        for output in service.contract.outputs
    )
    return _PAGE.format(
        endpoint=escape(service.endpoint),
        release=escape(predictor.ref),
        command=escape(command),
        first=escape(first),
        rows=rows,
        outputs=outputs,
    )


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{endpoint}: {release}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }}
pre, code {{ font-family: ui-monospace, monospace; font-size: .875rem; }}
pre {{ padding: 1rem; overflow-x: auto; border: 1px solid GrayText; border-radius: 6px; }}
.table {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .3rem .8rem .3rem 0; vertical-align: top;
  border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }}
th {{ font-weight: 600; }}
</style>
</head>
<body>
<h1>{endpoint}</h1>
<p>serves release <strong>{release}</strong>. <a href="openapi.json">OpenAPI</a> ·
<a href="metrics">metrics</a> · <a href="v2/health/ready">readiness</a></p>
<h2>Ask it</h2>
<pre>{command}</pre>
<p>answers with the notebook's own prediction: <code>{first}</code></p>
<h2>Rows</h2>
<div class="table"><table>
<thead><tr><th scope="col">column</th><th scope="col">type</th>
<th scope="col">in training</th></tr></thead>
<tbody>{rows}</tbody>
</table></div>
<h2>Predictions</h2>
<ul>{outputs}</ul>
</body>
</html>
"""
