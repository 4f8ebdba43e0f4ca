"""A proof: what was compared, with which verdict, and what of it is accepted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..errors import MlopsError, Place
from ..notebook.document import Cell
from . import differences
from .acceptance import Acceptance, Accepted, names_of
from .differences import Verdict

Kind = Literal["output", "metric", "serving", "printed", "figure"]

_EQUAL: tuple[Verdict, ...] = ("equal", "equal within tolerance")


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
