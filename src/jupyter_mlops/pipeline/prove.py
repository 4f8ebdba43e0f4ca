"""Proof: what the pipeline's steps left, compared with the notebook's own, name by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from .. import values
from ..errors import MlopsError, Place
from ..notebook.document import Cell
from ..values import Observation
from . import differences, shown, work
from .acceptance import Acceptance, Accepted, names_of
from .apart import Question, compare_apart
from .differences import Difference, Verdict
from .model import Pipeline, Step
from .shown import ExecutedNotebook

Kind = Literal["output", "metric", "serving", "printed", "figure"]

_EQUAL: tuple[Verdict, ...] = ("equal", "equal within tolerance")
_IN_IMAGE = "/notebook"
"""Where the notebook's folder is found inside of the training image."""
_TOOL = re.compile(r"^\s*%mlops\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One name of one step, or what one of its cells showed; ``words`` says what differs.

    ``place`` is the cell that leaves it; ``origin`` where a random value is drawn.
    ``fingerprints`` are the notebook's and the pipeline's, empty where there is none.
    """

    step: str
    name: str
    kind: Kind
    verdict: Verdict
    words: str
    type: str
    place: Place
    fingerprints: tuple[str, str] = ("", "")
    origin: Place | None = None
    accepted: Acceptance | None = None

    @property
    def key(self) -> tuple[str, Kind, str]:
        return self.step, self.kind, self.name

    @property
    def equal(self) -> bool:
        return self.verdict in _EQUAL

    @property
    def label(self) -> str:
        """How a sentence calls it: ```model` of step train``."""
        if self.kind == "printed":
            return f"what {self.name} prints"
        if self.kind == "figure":
            return f"the figure of {self.name}"
        return f"`{self.name}` of step {self.step}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "name": self.name,
            "kind": self.kind,
            "verdict": self.verdict,
            "words": self.words,
            "type": self.type,
            "place": self.place.to_dict(),
            "fingerprints": dict(zip(("notebook", "pipeline"), self.fingerprints, strict=True)),
            "origin": self.origin.to_dict() if self.origin else None,
            "accepted": self.accepted.to_dict() if self.accepted else None,
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """All comparisons of a pipeline run, in the order of the pipeline.

    ``facts`` tell how it was come by: runs, times, versions. ``cells`` are those of the steps.
    """

    pipeline: str
    notebook: str
    notebook_digest: str
    comparisons: tuple[Comparison, ...]
    cells: tuple[Cell, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing differs, but for what is accepted."""
        return not self.differences

    @property
    def differences(self) -> tuple[Comparison, ...]:
        """What differs, or is random, and nobody has accepted; the former comes first."""
        found = [each for each in self.comparisons if not each.equal and not each.accepted]
        return tuple(sorted(found, key=lambda each: each.verdict != "different"))

    @property
    def accepted(self) -> tuple[Comparison, ...]:
        return tuple(each for each in self.comparisons if each.accepted)

    @property
    def words(self) -> str:
        """The proof in one line."""
        if not self.comparisons:
            return "no step leaves a value to compare"
        parts = [f"{count} {verdict}" for verdict, count in self._counts().items() if count]
        if self.accepted:
            parts.append(f"{len(self.accepted)} of these accepted by name")
        if not self.ok:
            head = "not equal to the notebook"
        elif self.accepted:
            head = "equal to the notebook but for what was accepted"
        else:
            head = "equal to the notebook"
        return f"{head}: {', '.join(parts)}"

    def accepting(self, accepted: Accepted) -> Proof:
        """Return this proof with the differences accepted that the user accepts by name."""
        comparisons = tuple(
            each if each.equal else replace(each, accepted=accepted.of(each))
            for each in self.comparisons
        )
        return replace(self, comparisons=comparisons)

    def error(self) -> MlopsError:
        """Return the error that refuses a promotion: the first difference, and how to go on."""
        found = self.differences
        first = found[0]
        more = f" {len(found) - 1} more differ{'s' * (len(found) == 2)}." if found[1:] else ""
        names = " ".join(f'--accept "{names_of(each)[-1]}"' for each in found[:5])
        names += " …" * (len(found) > 5)
        if first.verdict == "random":
            code, fix = "promote.random", "seed it, or fix what makes it differ"
        else:
            code, fix = "promote.different", "merge steps that share a changed object"
        return MlopsError(
            code,
            f"The pipeline is not equal to the notebook: {first.label}: {first.words}.{more}",
            hint=f"{fix}; or accept it by name: {names}",
            place=first.origin or first.place,
        )

    def summary(self) -> dict[str, Any]:
        accepted = [
            {"step": each.step, "kind": each.kind, "verdict": each.verdict, "words": each.words}
            | each.accepted.to_dict()
            for each in self.comparisons
            if each.accepted is not None
        ]
        return {"ok": self.ok, "words": self.words, **self._counts(), "accepted": accepted}

    def to_dict(self) -> dict[str, Any]:
        return {
            "pipeline": self.pipeline,
            "notebook": self.notebook,
            "notebook_digest": self.notebook_digest,
            "relative_tolerance": differences.RELATIVE_TOLERANCE,
            "summary": self.summary(),
            **self.facts,
            "comparisons": [each.to_dict() for each in self.comparisons],
        }

    def to_html(self) -> str:
        """Return the proof as a page of its own: no scripts, nothing loaded, light and dark."""
        from .proof_page import page

        return page(self)

    def _counts(self) -> dict[str, int]:
        counter = Counter(each.verdict for each in self.comparisons)
        order: tuple[Verdict, ...] = (*_EQUAL, "random", "different")
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


def compare(pipeline: Pipeline, reference: Path, run: Path, *, cwd: Path | None = None) -> Proof:
    """Compare what a run of the pipeline left in ``run`` with the notebook's own ``reference``.

    Equal fingerprints are equal values; where they differ, both values are loaded and compared, in
    a process that works in ``cwd``, the notebook's folder. A name that only one side has is
    different. What cells showed is compared where ``reference`` holds the executed notebook.
    """
    found = list(_compare(pipeline, reference, run, cwd))
    questions = [each for each in found if isinstance(each, _Open)]
    answers = iter(compare_apart([each.question for each in questions], cwd))
    comparisons = tuple(
        each.answered(next(answers)) if isinstance(each, _Open) else each for each in found
    )
    cells = {cell.id: cell for step in pipeline.steps for cell in (*step.prelude, *step.cells)}
    return Proof(
        pipeline.name,
        pipeline.notebook,
        pipeline.notebook_digest,
        comparisons,
        tuple(sorted(cells.values(), key=lambda cell: cell.position)),
    )


@dataclass(frozen=True, slots=True)
class _Open:
    """A comparison of which only the values themselves can tell."""

    comparison: Comparison
    question: Question

    def answered(self, found: Difference) -> Comparison:
        return replace(self.comparison, verdict=found.verdict, words=found.words)


def _compare(
    pipeline: Pipeline, reference: Path, run: Path, cwd: Path | None
) -> Iterator[Comparison | _Open]:
    folders = (str(cwd.resolve()),) if cwd is not None else ()
    executed = ExecutedNotebook.read(reference / work.EXECUTED, folders)
    serving = pipeline.serving
    for step in pipeline.steps:
        kinds: list[tuple[Kind, tuple[str, ...], Any]] = [
            ("output", step.outputs, work.outputs_folder),
            ("metric", step.metrics, work.metrics_folder),
        ]
        if serving is not None and serving.step == step.name:
            names = (*serving.state, work.EXAMPLE, work.PREDICTIONS)
            kinds.append(("serving", names, work.serving_folder))
        for kind, names, folder in kinds:
            sides = (folder(reference, step.name), folder(run, step.name))
            yield from _compare_folders(pipeline, step, kind, names, *sides)
        if executed is not None:
            yield from _compare_shown(pipeline, step, executed, executed_step(run, step, cwd))


def executed_step(run: Path, step: Step, cwd: Path | None) -> ExecutedNotebook | None:
    """Return what the cells of a step showed in a run of the pipeline."""
    folders = (str(cwd.resolve()), _IN_IMAGE) if cwd is not None else ()
    return ExecutedNotebook.read(work.step_folder(run, step.name) / work.EXECUTED, folders)


def _compare_folders(
    pipeline: Pipeline,
    step: Step,
    kind: Kind,
    names: tuple[str, ...],
    reference: Path,
    run: Path,
) -> Iterator[Comparison | _Open]:
    if not names:
        return
    cell = step.cells[-1]
    if kind == "serving" and pipeline.serving is not None:
        cell = pipeline.serving.cell
    place = Place(pipeline.notebook, cell.position, cell.id)
    notebook, pipeline_side = _Side("notebook", reference), _Side("pipeline", run)
    for name in names:
        sides = [side.names.get(name) for side in (notebook, pipeline_side)]
        if kind == "metric" and not any(sides):
            continue  # assigned in a cell tagged `metrics`, but no number
        one, other = ((side or {}).get("fingerprint", "") for side in sides)
        known = next((side["type"] for side in sides if side), "")
        comparison = Comparison(step.name, name, kind, "equal", "", known, place, (one, other))
        absent = [side for side in (notebook, pipeline_side) if name not in side.names]
        if absent:
            yield replace(comparison, verdict="different", words=absent[0].absence(name))
        elif one and one == other:
            yield comparison
        else:
            yield _Open(comparison, Question(str(reference), str(run), name))


def _compare_shown(
    pipeline: Pipeline,
    step: Step,
    executed: ExecutedNotebook,
    executed_step: ExecutedNotebook | None,
) -> Iterator[Comparison]:
    for cell in step.cells:
        notebook = executed.shown(cell)
        if notebook is None or _TOOL.search(cell.source):
            continue  # a cell that talks to this tool, which says nothing in a step
        ran = executed_step.shown(cell) if executed_step is not None else None
        other = ran or shown.Shown()
        place = Place(pipeline.notebook, cell.position, cell.id)
        name = f"cell {cell.position}"
        if notebook.printed or other.printed:
            found = shown.compare_printed(notebook, other)
            yield Comparison(step.name, name, "printed", found.verdict, found.words, "text", place)
        if notebook.figures or other.figures:
            found = shown.compare_figures(notebook, other)
            yield Comparison(step.name, name, "figure", found.verdict, found.words, "figure", place)


class _Side:
    """The folder of values of one side, as its index tells."""

    def __init__(self, label: str, folder: Path) -> None:
        self.label = label
        self.problem = ""
        self.names: dict[str, dict[str, str]] = {}
        self._missing: dict[str, str] = {}
        try:
            index = values.read_index(folder)
        except MlopsError as error:
            self.problem = error.message
        else:
            self.names, self._missing = index["names"], index.get("missing", {})

    def absence(self, name: str) -> str:
        reason = self._missing.get(name) or self.problem
        return f"the {self.label} has no value of it{f': {reason}' if reason else ''}"
