"""What a rule is, and how one is written.

A rule is any object of the `Rule` protocol. Most are made by the decorator `rule` from a function
that yields what it found. Other packages add theirs by entry points of the group
``jupyter_mlops.rules``, each of which names a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol

from ..errors import MlopsError
from ..notebook.document import Cell
from .context import Context
from .finding import Finding, Severity

GROUP = "jupyter_mlops.rules"


class Rule(Protocol):
    """A kind of finding; ``id`` is the stable word by which it is ignored or asked for."""

    @property
    def id(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def what(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def fix(self) -> str: ...
    @property
    def example(self) -> str: ...

    def check(self, context: Context) -> Iterator[Finding]:
        """Yield what there is to find."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule's function yields; ``fix`` replaces the rule's own where it is given."""

    message: str
    cell: Cell | None = None
    line: int | None = None
    fix: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """A rule made of a function, with the words that all its findings share."""

    id: str
    severity: Severity
    what: str
    why: str
    fix: str
    example: str
    find: Callable[[Context], Iterable[Found]]

    def check(self, context: Context) -> Iterator[Finding]:
        for found in self.find(context):
            yield Finding(
                self.id,
                found.severity or self.severity,
                found.message,
                self.why,
                found.fix or self.fix,
                context.notebook.place(found.cell, found.line),
            )


def rule(
    name: str, severity: Severity, *, what: str, why: str, fix: str, example: str
) -> Callable[[Callable[[Context], Iterable[Found]]], FunctionRule]:
    """Make a function that yields `Found` a rule.

    Parameters
    ----------
    name
        The rule's id, in words with ``-``.
    what, why, fix
        One sentence each: what is found, what it leads to, what to do.
    example
        Code or a tag for which there is a finding.
    """

    def make(find: Callable[[Context], Iterable[Found]]) -> FunctionRule:
        return FunctionRule(name, severity, what, why, fix, example, find)

    return make


def all_rules() -> dict[str, Rule]:
    """Return all rules by id: ours, then those of other packages.

    Raises `MlopsError` ``check.rule-broken`` or ``check.two-rules``.
    """
    from .rules import RULES

    found: dict[str, Rule] = {each.id: each for each in RULES}
    for entry_point in entry_points(group=GROUP):
        try:
            other: Rule = entry_point.load()
            name, _ = other.id, other.check
        except Exception as error:
            raise MlopsError(
                "check.rule-broken",
                f"The rule `{entry_point.name}` cannot be loaded: {type(error).__name__}: {error}.",
                hint=f"mend or uninstall the package that has the entry point "
                f"`{entry_point.value}`.",
            ) from error
        if name in found:
            raise MlopsError(
                "check.two-rules",
                f"Two rules are called `{name}`.",
                hint=f"rename the one of `{entry_point.value}`.",
            )
        found[name] = other
    return found


def chosen(names: Iterable[str], rules: dict[str, Rule]) -> frozenset[str]:
    """Return names of rules as a set; raises `MlopsError` ``check.unknown-rule``."""
    names = frozenset(names)
    for name in sorted(names - set(rules)):
        import difflib

        close = difflib.get_close_matches(name, rules, n=1)
        raise MlopsError(
            "check.unknown-rule",
            f"There is no rule `{name}`.",
            hint=f"did you mean `{close[0]}`?"
            if close
            else "`jupyter mlops check --list-rules` shows them.",
        )
    return names
