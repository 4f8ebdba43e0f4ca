"""Differences that the user accepts by name: ``variable``, ``step.variable`` or ``cell 7``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MlopsError, Place
from ..notebook.document import Cell
from . import work
from .model import Pipeline

if TYPE_CHECKING:
    from .proof import Comparison

_CELL = re.compile(r"cell\s*(\d+)\Z", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """That a difference was accepted: under which name, by whom and when (UTC).

    ``release`` is the earlier release with which it was accepted; then it counts for nothing but
    the same: ``of`` are that difference's step, kind and verdict.
    """

    name: str
    by: str
    at: str
    release: str = ""
    of: tuple[str, str, str] | None = None

    def __str__(self) -> str:
        carried = f", carried over from {self.release}" if self.release else ""
        return f"accepted as `{self.name}` by {self.by} {self.at}{carried}"

    def covers(self, comparison: Comparison) -> bool:
        """Tell whether it accepts what was found."""
        is_same = self.of in (None, (comparison.step, comparison.kind, comparison.verdict))
        return is_same and self.name in names_of(comparison)

    def to_dict(self) -> dict[str, str]:
        content = {"name": self.name, "by": self.by, "at": self.at}
        return {**content, "release": self.release} if self.release else content


@dataclass(frozen=True, slots=True)
class Accepted:
    """The names that a user accepts, once checked against the pipeline; see `read_accepted`."""

    acceptances: tuple[Acceptance, ...] = ()

    def of(self, comparison: Comparison) -> Acceptance | None:
        """Return what accepts a comparison, None where nothing does."""
        for each in self.acceptances:
            if each.covers(comparison):
                return each
        return None

    def unneeded(self, comparisons: Iterable[Comparison]) -> tuple[str, ...]:
        """Return the names under which nothing differs."""
        needed = {each.accepted.name for each in comparisons if each.accepted is not None}
        names = dict.fromkeys(each.name for each in self.acceptances)
        return tuple(name for name in names if name not in needed)

    def joined(self, other: Accepted) -> Accepted:
        """Return what either accepts; this one's acceptances come first."""
        return Accepted((*self.acceptances, *other.acceptances))


def names_of(comparison: Comparison) -> tuple[str, ...]:
    """Return the names under which a difference can be accepted, the exact one last."""
    if comparison.kind in ("printed", "figure"):
        return (comparison.name,)
    return comparison.name, f"{comparison.step}.{comparison.name}"


def read_accepted(pipeline: Pipeline, names: Iterable[str], root: Path) -> Accepted:
    """Check names that a user accepts, and note who accepts them.

    Raises `MlopsError` ``proof.unknown-name`` for a name that nothing in the pipeline has.
    """
    asked = list(dict.fromkeys(_plain(name) for name in names))
    if not asked:
        return Accepted()
    from ..governance.audit import actor

    known = _known(pipeline)
    for name in asked:
        if name not in known and not _may_be_compared(pipeline, name):
            raise _unknown(pipeline, name, known)
    by, at = actor(root), datetime.now(UTC).isoformat(timespec="seconds")
    return Accepted(tuple(Acceptance(name, by, at) for name in asked))


def carry_over(
    pipeline: Pipeline,
    release: str,
    records: Iterable[Mapping[str, str]],
    cells: Sequence[Cell],
) -> tuple[Accepted, tuple[str, ...]]:
    """Return the acceptances of an earlier release that still fit, and the names of the others.

    A variable fits where its step still has it, what a cell shows where the cell is as it was.

    Parameters
    ----------
    records
        The release's ``proof.accepted``.
    cells
        The cells of the notebook of that release.
    """
    known = _known(pipeline)
    before = {cell.position: cell.source for cell in cells}
    fitting: list[Acceptance] = []
    others: dict[str, None] = {}
    for record in records:
        name, step, kind = record["name"], record["step"], record["kind"]
        if cell := _CELL.match(name):
            now = {c.position: c.source for s in pipeline.steps if s.name == step for c in s.cells}
            position = int(cell[1])
            fits = position in now and now[position] == before.get(position)
        else:
            variable = f"{step}.{name.removeprefix(f'{step}.')}"
            fits = variable in known or _may_be_compared(pipeline, variable)
        if fits:
            of = (step, kind, record["verdict"])
            fitting.append(Acceptance(name, record["by"], record["at"], release, of))
        else:
            others[name] = None
    return Accepted(tuple(fitting)), tuple(others)


def _plain(name: str) -> str:
    cell = _CELL.match(name.strip())
    return f"cell {int(cell[1])}" if cell else name.strip()


def _known(pipeline: Pipeline) -> list[str]:
    """Return the names that are compared, as far as the code tells."""
    known: dict[str, None] = {}
    for step in pipeline.steps:
        for name in (*step.outputs, *step.metrics):
            known[name] = known[f"{step.name}.{name}"] = None
        known |= {f"cell {cell.position}": None for cell in step.cells}
    serving = pipeline.serving
    if serving is not None:
        for name in (*serving.state, work.EXAMPLE, work.PREDICTIONS):
            known[name] = known[f"{serving.step}.{name}"] = None
    return list(known)


def _may_be_compared(pipeline: Pipeline, name: str) -> bool:
    """Tell of names in the steps' code: a run may show that more of them are passed on."""
    first, dot, rest = name.partition(".")
    steps = [step for step in pipeline.steps if not dot or step.name == first]
    written = {
        word for step in steps for cell in step.cells for word in _IDENTIFIER.findall(cell.source)
    }
    return (rest if dot else first) in written


def _unknown(pipeline: Pipeline, name: str, known: list[str]) -> MlopsError:
    close = difflib.get_close_matches(name, known, n=1)
    names = ", ".join(f"`{each}`" for each in known if "." not in each)
    hint = f"did you mean `{close[0]}`?" if close else f"these are compared: {names}."
    return MlopsError(
        "proof.unknown-name",
        f"The name `{name}` cannot be accepted: nothing of that name is compared.",
        hint=hint,
        place=Place(pipeline.notebook),
    )
