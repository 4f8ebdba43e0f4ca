"""The result of a reproduction: a verdict on each output, and the statement that is signed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from ..governance.signing import STATEMENT, plain
from ..wording import number
from .code import Code
from .data import Found
from .environment import OWN, Environment
from .outputs import Output, Verdict, counted, overall
from .recorded import Recorded
from .replay import Replay

PREDICATE = "urn:jupyter-mlops:reproduction:v1"
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What came of a reproduction.

    ``environment_differences`` are (name, version in the run, version here), Python among them.
    ``seconds`` maps the parts of the work to what they took.
    """

    run: Recorded
    replay: Replay
    outputs: tuple[Output, ...]
    code: Code
    data: tuple[Found, ...]
    environment: Environment
    environment_differences: tuple[tuple[str, str, str], ...]
    here: Recorded
    variables: dict[str, str]
    tolerance: float
    actor: str
    began: str
    ended: str
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        return overall(self.outputs)

    @property
    def ok(self) -> bool:
        """Whether all that was compared is identical or within tolerance."""
        return self.verdict in ("identical", "within tolerance")

    def of(self, verdict: Verdict) -> list[Output]:
        return [each for each in self.outputs if each.verdict == verdict]

    @property
    def largest(self) -> float | None:
        """The largest relative difference of what is within tolerance."""
        return max((each.relative for each in self.outputs if each.relative), default=None)

    @property
    def words(self) -> str:
        """The verdict in one line."""
        counts = Counter(each.verdict for each in self.outputs)
        if self.verdict == "not compared":
            return "nothing was compared: the run has left no output that could be"
        total = len(self.outputs) - counts["not compared"]
        parts = []
        for verdict in ("different", "within tolerance", "identical"):
            found = self.of(verdict)
            if found and len(found) == total:
                parts.append(f"{'all ' * (total > 1)}{total} ({counted(found)})")
            elif found:
                head = f"{len(found)} of {total}" if not parts else f"{len(found)} {verdict}"
                parts.append(f"{head} ({counted(found)})")
        if self.largest is not None:
            parts.append(f"largest relative difference {number(self.largest)}")
        if counts["not compared"]:
            parts.append(f"{counts['not compared']} not compared")
        return f"{self.verdict}: {'; '.join(parts)}"

    @property
    def notes(self) -> list[str]:
        """Sentences on what is not as it was, or could not be proven."""
        found = []
        if self.environment_differences:
            some = [f"{n} {a or '–'} → {b or '–'}" for n, a, b in self.environment_differences]
            found.append(f"The environment differs: {_named(some, 'distributions')}.")
        if self.environment.taken:
            places = {str(each.get("from", "")) for each in self.environment.taken.values()}
            dirty = any(each.get("dirty") for each in self.environment.taken.values())
            state = ", which has uncommitted changes" if dirty else ""
            found.append(
                f"Not from an index, but from here as it is now: "
                f"{_named(list(self.environment.taken), 'distributions')} "
                f"({', '.join(sorted(filter(None, places)))}{state})."
            )
        if self.environment.missing:
            found.append(f"Not to be had: {_named(self.environment.missing, 'distributions')}.")
        if self.code.unproven:
            found.append(
                f"Not in git, so used as they are now: {_named(self.code.unproven, 'files')}."
            )
        if self.code.lost:
            found.append(
                "Uncommitted changes of the run were not kept whole, so these are used as they "
                f"are now: {_named(self.code.lost, 'files')}."
            )
        found += [f"{each.words}." for each in self.data if each.words]
        found += [f"Left out: {each}." for each in self.replay.left_out]
        return found

    @property
    def next_steps(self) -> list[str]:
        """What to do about differences, the likeliest first."""
        different = self.of("different")
        if not different:
            return []
        steps = []
        changed = [each.source for each in self.data if each.state in ("changed", "missing")]
        if changed:
            steps.append(f"put the data back as it was: {_named(changed, 'files')}.")
        causes = dict.fromkeys(each.cause for each in different if each.cause)
        chance = next((each for each in causes if "clock" not in each), None)
        if chance:
            steps.append(f"{chance}: set a seed there, and run the notebook again.")
        failed = [each for each in different if each.kind == "error"]
        if failed and not failed[0].words.startswith("it failed in the run"):
            steps.append(
                f"{failed[0].cell} fails here: look for files, modules or variables that the run "
                "had and did not record; `--keep` keeps the clean place to look into."
            )
        if not steps and self.environment_differences:
            steps.append("the environment is not the run's: make what differs the same, first.")
        if not steps and (self.code.unproven or self.code.lost):
            steps.append("look whether a file that is not in git has changed since the run.")
        if not steps:
            steps.append(
                "the code tells no cause; look for threads, the order of sets, or a service that "
                "answers otherwise. `--keep` keeps the clean place to look into."
            )
        return steps

    def to_dict(self) -> dict[str, Any]:
        return {"words": self.words, **self.predicate()}

    def predicate(self) -> dict[str, Any]:
        """Return all facts and findings, JSON-able."""
        found: dict[str, Any] = plain(
            {
                "verdict": self.verdict,
                "ok": self.ok,
                "summary": self.words,
                "tolerance": self.tolerance,
                "largest_relative_difference": self.largest,
                "tool": {"name": OWN, "version": metadata.version(OWN)},
                "actor": self.actor,
                "began": self.began,
                "ended": self.ended,
                "seconds": self.seconds,
                "run": {
                    "name": self.run.run,
                    "kind": self.run.kind,
                    "notebook": self.run.notebook,
                    "started": self.run.started,
                    "user": self.run.user,
                    "parameters": self.replay.parameters or self.run.parameters,
                },
                "python": {"run": self.run.python, "here": self.here.python},
                "platform": {"run": self.run.platform, "here": self.here.platform},
                "variables": self.variables,
                "cells": [
                    {
                        "order": each.order,
                        "cell": each.position,
                        "id": each.id,
                        "sha256": each.digest,
                    }
                    for each in self.replay.executions
                ],
                "left_out": self.replay.left_out,
                "code": {
                    "commit": self.code.commit,
                    "diff_sha256": self.code.diff_sha256,
                    "restored_changes": self.code.changed,
                    "unproven": self.code.unproven,
                    "lost_changes": self.code.lost,
                },
                "environment": {
                    "fresh": self.environment.fresh,
                    "lock_sha256": self.environment.lock_sha256,
                    "lock": self.environment.lock,
                    "distributions": self.here.distributions,
                    "taken_from_here": self.environment.taken,
                    "missing": self.environment.missing,
                    "differences": self.environment_differences,
                },
                "data": [each.to_dict() for each in self.data],
                "notes": self.notes,
                "next_steps": self.next_steps,
                "outputs": [each.to_dict() for each in self.outputs],
            }
        )
        return found

    def statement(self) -> dict[str, Any]:
        """Return the in-toto statement: its subjects are the cells, the lock and the data."""
        subjects = [{"name": self.run.notebook, "digest": {"sha256": self.replay.digest}}]
        if self.environment.lock:
            digest = self.environment.lock_sha256
            subjects.append({"name": "requirements.txt", "digest": {"sha256": digest}})
        subjects += [
            {"name": each.source, "digest": {"sha256": each.sha256}}
            for each in self.data
            if each.sha256
        ]
        return {
            "_type": STATEMENT,
            "subject": subjects,
            "predicateType": PREDICATE,
            "predicate": self.predicate(),
        }


def environment_differences(run: Recorded, here: Recorded) -> tuple[tuple[str, str, str], ...]:
    """Return what differs between two environments, Python first."""
    names = sorted({*run.distributions, *here.distributions})
    pairs = [("python", run.python, here.python)]
    pairs += [(n, run.distributions.get(n, ""), here.distributions.get(n, "")) for n in names]
    return tuple(each for each in pairs if each[1] != each[2])


def _named(words: list[str], what: str) -> str:
    more = len(words) - _MOST_NAMED
    return ", ".join(words[:_MOST_NAMED]) + (f" and {more:,} more {what}" if more > 0 else "")
