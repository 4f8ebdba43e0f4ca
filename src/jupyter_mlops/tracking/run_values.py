"""The names that a run has values for: facts, metrics, parameters and tags."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..errors import MlopsError
from .runs import RunSummary

FACTS = ("run", "notebook", "kind", "model", "seconds", "started", "status", "user")
"""Names that every run has; where it has a metric, parameter or tag of that name: ``run.kind``."""
_KINDS = {
    "metric": "metrics",
    "metrics": "metrics",
    "param": "parameters",
    "params": "parameters",
    "parameter": "parameters",
    "parameters": "parameters",
    "tag": "tags",
    "tags": "tags",
}


@dataclass(frozen=True, slots=True)
class Name:
    """A name and what it is of: ``facts``, ``metrics``, ``parameters`` or ``tags``."""

    kind: str
    name: str

    def value(self, run: RunSummary) -> Any:
        """Return the run's value: a number, text, or None where it has none."""
        match self.kind:
            case "facts":
                return getattr(run, self.name)
            case "metrics":
                return run.metrics.get(self.name)
            case "parameters":
                return run.parameters.get(self.name, run.estimator_parameters.get(self.name))
        return run.tags.get(self.name)


@dataclass(slots=True)
class Names:
    """All names that some runs have values for.

    A bare name is that of a metric, else of a parameter, else of a tag, else of a fact;
    ``parameters.depth`` and ``run.status`` name their kind.
    """

    metrics: dict[str, None] = field(default_factory=dict)
    parameters: dict[str, None] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)

    @classmethod
    def of(cls, runs: Iterable[RunSummary]) -> Names:
        """Collect the names, the notebook's own parameters before those of estimators."""
        found = cls()
        estimators: dict[str, None] = {}
        for run in runs:
            found.metrics.update(dict.fromkeys(run.metrics))
            found.parameters.update(dict.fromkeys(run.parameters))
            estimators.update(dict.fromkeys(run.estimator_parameters))
            found.tags.update(dict.fromkeys(run.tags))
        found.parameters.update(estimators)
        return found

    def find(self, word: str) -> Name | None:
        """Return what a word names, None where no run has it."""
        for kind in ("metrics", "parameters", "tags"):
            if word in getattr(self, kind):
                return Name(kind, word)
        scope, dot, rest = word.partition(".")
        bare = rest if dot and scope == "run" else word
        if bare in FACTS:
            return Name("facts", bare)
        kind = _KINDS.get(scope, "")
        if dot and kind and rest in getattr(self, kind):
            return Name(kind, rest)
        return None

    def get(self, word: str) -> Name:
        """Return what a word names; raises `MlopsError` ``runs.name`` with the nearest names."""
        found = self.find(word)
        if found is not None:
            return found
        bare = word.partition(".")[2] if word.partition(".")[0] in _KINDS else word
        known = [*self.metrics, *self.parameters, *self.tags, *FACTS]
        lower = {name.lower(): name for name in reversed(known)}
        near = [lower[n] for n in difflib.get_close_matches(bare.lower(), lower, 4, 0.5)]
        near += [n for n in known if bare.lower() in n.lower() and n not in near][: 4 - len(near)]
        hint = f"did you mean {_or(near)}?" if near else f"names are {_some(known)}."
        raise MlopsError(
            "runs.name",
            f"None of these runs has a metric, parameter or tag `{word}`.",
            hint=hint,
        )


def _or(names: list[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _some(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
