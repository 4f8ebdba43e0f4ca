"""Proof: what the pipeline's steps left, compared with the notebook's own, name by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from .. import values
from ..errors import MlopsError, Place
from ..values import Observation
from . import differences, work
from .differences import Difference, Verdict
from .model import Pipeline, Step

Kind = Literal["output", "metric", "serving"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One name of one step; ``words`` says what differs."""

    step: str
    name: str
    kind: Kind
    verdict: Verdict
    words: str
    type: str
    place: Place

    def to_dict(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "name": self.name,
            "kind": self.kind,
            "verdict": self.verdict,
            "words": self.words,
            "type": self.type,
            "place": self.place.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """All comparisons of a pipeline run, in the order of the pipeline."""

    pipeline: str
    notebook: str
    notebook_digest: str
    comparisons: tuple[Comparison, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def differences(self) -> tuple[Comparison, ...]:
        return tuple(each for each in self.comparisons if each.verdict == "different")

    @property
    def words(self) -> str:
        """The proof in one line."""
        counts = self._counts()
        if not self.comparisons:
            return "no step leaves a value to compare"
        parts = [f"{count} {verdict}" for verdict, count in counts.items() if count]
        head = "equal to the notebook" if self.ok else "not equal to the notebook"
        return f"{head}: {', '.join(parts)}"

    def summary(self) -> dict[str, Any]:
        return {"ok": self.ok, "words": self.words, **self._counts()}

    def to_dict(self) -> dict[str, Any]:
        return {
            "pipeline": self.pipeline,
            "notebook": self.notebook,
            "notebook_digest": self.notebook_digest,
            "relative_tolerance": differences.RELATIVE_TOLERANCE,
            "summary": self.summary(),
            "comparisons": [each.to_dict() for each in self.comparisons],
        }

    def to_html(self) -> str:
        """Return the proof as a page of its own: no scripts, nothing loaded, light and dark."""
        rows = "\n".join(_row(each) for each in self.comparisons)
        return _PAGE.format(
            title=escape(f"Proof of {self.pipeline}"),
            css="ok" if self.ok else "bad",
            words=escape(self.words),
            notebook=escape(self.notebook),
            digest=escape(self.notebook_digest),
            tolerance=differences.RELATIVE_TOLERANCE,
            rows=rows,
        )

    def _counts(self) -> dict[str, int]:
        counter = Counter(each.verdict for each in self.comparisons)
        order: tuple[Verdict, ...] = ("equal", "equal within tolerance", "different")
        return {verdict: counter[verdict] for verdict in order}


def reference_plan(pipeline: Pipeline, folder: Path) -> tuple[Observation, ...]:
    """Return what to keep of the notebook's own run, so that `compare` finds it in ``folder``."""
    plan: list[Observation] = []
    for step in pipeline.steps:
        if step.outputs:
            plan.append(work.outputs_observation(step, folder))
        if step.metrics:
            plan.append(work.metrics_observation(step, folder))
    if pipeline.serving is not None:
        plan.append(work.serving_observation(pipeline.serving, folder))
    return tuple(plan)


def compare(pipeline: Pipeline, reference: Path, run: Path) -> Proof:
    """Compare what a run of the pipeline left in ``run`` with the notebook's own ``reference``.

    Equal fingerprints are equal values; where they differ, both values are loaded and compared.
    A name that only one side has is different.
    """
    comparisons: list[Comparison] = []
    for step in pipeline.steps:
        comparisons += _compare_folders(
            pipeline,
            step,
            "output",
            step.outputs,
            work.outputs_folder(reference, step.name),
            work.outputs_folder(run, step.name),
        )
        comparisons += _compare_folders(
            pipeline,
            step,
            "metric",
            step.metrics,
            work.metrics_folder(reference, step.name),
            work.metrics_folder(run, step.name),
        )
    serving = pipeline.serving
    if serving is not None:
        comparisons += _compare_folders(
            pipeline,
            pipeline.step(serving.step),
            "serving",
            (*serving.state, work.EXAMPLE, work.PREDICTIONS),
            work.serving_folder(reference, serving.step),
            work.serving_folder(run, serving.step),
        )
    return Proof(pipeline.name, pipeline.notebook, pipeline.notebook_digest, tuple(comparisons))


def _compare_folders(
    pipeline: Pipeline,
    step: Step,
    kind: Kind,
    names: tuple[str, ...],
    reference: Path,
    run: Path,
) -> Iterator[Comparison]:
    if not names:
        return
    cell = step.cells[-1]
    place = Place(pipeline.notebook, cell.position, cell.id)
    sides = _Sides(_Side("notebook", reference), _Side("pipeline", run))
    for name in names:
        if kind == "metric" and not sides.anywhere(name):
            continue  # assigned in a cell tagged `metrics`, but no number
        found = sides.compare(name)
        yield Comparison(
            step.name, name, kind, found.verdict, found.words, sides.type_of(name), place
        )


class _Side:
    """The folder of values of one side; loaded only where fingerprints differ."""

    def __init__(self, label: str, folder: Path) -> None:
        self.label = label
        self.folder = folder
        self.problem = ""
        self._values: dict[str, Any] | None = None
        self._missing: dict[str, str] = {}
        self.names: dict[str, dict[str, str]] = {}
        try:
            index = values.read_index(folder)
        except MlopsError as error:
            self.problem = error.message
        else:
            self.names, self._missing = index["names"], index.get("missing", {})

    def absence(self, name: str) -> str:
        reason = self._missing.get(name) or self.problem
        return f"the {self.label} has no value of it{f': {reason}' if reason else ''}"

    def load(self, name: str) -> Any:
        if self._values is None:
            loaded: dict[str, Any] = {"__name__": "__main__"}
            values.load(self.folder, loaded)
            self._values = loaded
        return self._values[name]


@dataclass(frozen=True, slots=True)
class _Sides:
    notebook: _Side
    pipeline: _Side

    def anywhere(self, name: str) -> bool:
        return name in self.notebook.names or name in self.pipeline.names

    def type_of(self, name: str) -> str:
        known = self.notebook.names.get(name) or self.pipeline.names.get(name) or {}
        return known.get("type", "")

    def compare(self, name: str) -> Difference:
        for side in (self.notebook, self.pipeline):
            if name not in side.names:
                return Difference("different", side.absence(name))
        prints = [side.names[name]["fingerprint"] for side in (self.notebook, self.pipeline)]
        if prints[0] and prints[0] == prints[1]:
            return differences.EQUAL
        try:
            return differences.compare(self.notebook.load(name), self.pipeline.load(name))
        except MlopsError as error:
            return Difference("different", f"it cannot be compared: {error.message}")


def _row(each: Comparison) -> str:
    css = "bad" if each.verdict == "different" else "ok"
    cells = (each.step, each.name, each.kind, each.type)
    plain = "".join(f"<td>{escape(text)}</td>" for text in cells)
    verdict = f'<td class="{css}">{escape(each.verdict)}</td>'
    place = f"cell {each.place.cell}"
    return f"<tr>{plain}{verdict}<td>{escape(each.words)}</td><td>{place}</td></tr>"


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ --text: #1f2328; --back: #fff; --line: #d0d7de; --ok: #1a7f37; --bad: #b3261e; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --text: #e6edf3; --back: #14181d; --line: #3d444d; --ok: #4ac26b; --bad: #ff8a80; }}
}}
body {{ font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }}
.ok {{ color: var(--ok); }}
.bad {{ color: var(--bad); font-weight: 600; }}
code {{ font-size: .9em; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p class="{css}">{words}</p>
<p>The pipeline ran from clean state, and what each step left was compared with what the notebook
<code>{notebook}</code> had after the same cells (code digest <code>{digest}</code>; relative
tolerance of floating point numbers {tolerance}).</p>
<table>
<thead><tr><th>step</th><th>name</th><th>kind</th><th>type</th><th>verdict</th>
<th>what differs</th><th>made until</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""
