"""What a cell showed: read from an executed notebook, and compared with what a step showed.

Printed are standard output and the texts and tables of results; figures are what matplotlib,
Plotly or Altair drew, and other pictures. The standard error stream (warnings, logs, progress) and
widgets are no results and are not compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..notebook.document import Cell
from ..notebook.figure_data import MIME as FIGURE_DATA
from . import differences, figures, texts
from .differences import EQUAL, Difference

Kind = Literal["printed", "figure"]
Bundle = dict[str, Any]
"""One shown object in all its forms, by MIME type."""

_WIDGET = "application/vnd.jupyter.widget-view+json"
_PICTURES = ("image/png", "image/jpeg", "image/gif")
_PLOTLY = "application/vnd.plotly.v1+json"
_VEGA = re.compile(r"application/vnd\.vega(?:lite)?\.v\d+(?:\.\d+)?\+json\Z")
_TEXTS = ("text/html", "text/plain", "text/markdown", "text/latex", "application/json")
_ESTIMATOR = "sk-container-id"
# What scikit-learn shows of a search that was fitted tells how long that took.
_SEARCHED = re.compile(r"^(?:cv_results_|refit_time_) .*?(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
_OWN = re.compile(r"\bmlops-view\b|\bjupyter_mlops\.")


@dataclass(frozen=True, slots=True)
class Shown:
    """What one cell showed, without what belongs to the run."""

    printed: str = ""
    figures: tuple[Bundle, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecutedNotebook:
    """The cells of an executed notebook with their outputs; ``folders`` are as in `texts`."""

    cells: Sequence[Mapping[str, Any]] = ()
    folders: tuple[str, ...] = ()
    _by_id: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, folders: Iterable[str] = ()) -> ExecutedNotebook | None:
        """Read an executed notebook; None where there is none."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        cells = [each for each in content.get("cells", ()) if each["cell_type"] == "code"]
        return cls(cells, tuple(folders), {each.get("id", ""): each for each in cells})

    def shown(self, cell: Cell) -> Shown | None:
        """Return what a cell showed, None where it is not in this notebook."""
        found = self._by_id.get(cell.id)
        if found is None:  # notebooks of old formats get new ids when they run
            same = (each for each in self.cells if _source(each) == cell.source)
            found = next(same, None)
        return _shown(found.get("outputs", ()), self.folders) if found is not None else None


def compare_printed(notebook: Shown, pipeline: Shown) -> Difference:
    """Compare what two runs of a cell printed."""
    return texts.compare(notebook.printed, pipeline.printed)


def compare_figures(notebook: Shown, pipeline: Shown) -> Difference:
    """Compare the figures that two runs of a cell showed, in their order."""
    a, b = notebook.figures, pipeline.figures
    if len(a) != len(b):
        words = f"{_count(a)} in the notebook, {_count(b)} in the pipeline"
        return Difference("different", words)
    worst = EQUAL
    for number, (one, other) in enumerate(zip(a, b, strict=True), 1):
        found = _figure(one, other)
        where = f"figure {number}, " if len(a) > 1 else ""
        if found.verdict == "different":
            return Difference("different", f"{where}{found.words}")
        worst = found if found.verdict != "equal" else worst
    return worst


def _shown(outputs: Iterable[Mapping[str, Any]], folders: Sequence[str]) -> Shown:
    printed: list[str] = []
    results: list[str] = []
    drawn: list[Bundle] = []
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream" and output.get("name") == "stdout":
            printed.append(_text(output.get("text", "")))
        elif kind == "error":
            results.append(f"{output.get('ename')}: {_text(output.get('evalue', ''))}")
        elif kind in ("execute_result", "display_data"):
            bundle = dict(output.get("data") or {})
            if _WIDGET in bundle or _is_own(bundle):
                continue
            if _is_figure(bundle):
                drawn.append(bundle)
            else:
                results += _result(bundle)
    # Streams and results come from a kernel in two ways; only the order within each is sure.
    parts = ("".join(printed), *results)
    whole = "\n".join(settled for part in parts if (settled := texts.settle(part, folders)))
    return Shown(whole, tuple(drawn))


def _result(bundle: Bundle) -> Iterable[str]:
    for kind in _TEXTS:
        if kind not in bundle:
            continue
        if kind == "application/json":
            yield json.dumps(bundle[kind], sort_keys=True)
        elif kind == "text/html":
            html = _text(bundle[kind])
            text = texts.visible(html)
            yield _SEARCHED.sub("", text) if _ESTIMATOR in html else text
        else:
            yield _text(bundle[kind])


def _is_figure(bundle: Bundle) -> bool:
    return any(
        kind in (FIGURE_DATA, _PLOTLY) or kind.startswith("image/") or _VEGA.match(kind)
        for kind in bundle
    )


def _is_own(bundle: Bundle) -> bool:
    """Tell what this package shows of itself, such as the status of a run."""
    return any(_OWN.search(_text(bundle.get(kind, ""))) for kind in ("text/html",))


def _figure(a: Bundle, b: Bundle) -> Difference:
    if FIGURE_DATA in a and FIGURE_DATA in b:
        found = figures.compare_data(a[FIGURE_DATA], b[FIGURE_DATA])
        if found is not None:
            return found
    shared = [kind for kind in a if kind in b]
    for kind in shared:
        if kind == _PLOTLY or _VEGA.match(kind):
            return differences.compare(_drawing(a[kind]), _drawing(b[kind]))
    for kind in _PICTURES:
        if kind in shared:
            return figures.compare_pictures(_text(a[kind]), _text(b[kind]))
    for kind in shared:
        if kind.startswith("image/"):
            return texts.compare(drawing_text(a[kind]), drawing_text(b[kind]))
    forms = " and ".join(", ".join(sorted(each)) for each in (a, b))
    return Difference("different", f"shown in other forms: {forms}")


def _drawing(content: Any) -> Any:
    """Return a drawing's JSON without the names that a library gives anew in each run."""
    if isinstance(content, dict):
        named = {"uid", "$schema", "config"}
        return {key: _drawing(each) for key, each in content.items() if key not in named}
    if isinstance(content, list):
        return [_drawing(each) for each in content]
    return content


def drawing_text(content: Any) -> str:
    """Return the text of an SVG picture without names and dates."""
    text = re.sub(r"<metadata>.*?</metadata>", "", _text(content), flags=re.DOTALL)
    return re.sub(r"(\bid=\"|url\(#|href=\"#)[^\")]*", r"\1", text)


def _source(cell: Mapping[str, Any]) -> str:
    return _text(cell.get("source", ""))


def _text(content: Any) -> str:
    return "".join(content) if isinstance(content, list) else str(content)


def _count(found: Sequence[object]) -> str:
    return f"{len(found)} figure{'s' * (len(found) != 1)}"
