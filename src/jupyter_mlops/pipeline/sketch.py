"""A first sketch of a pipeline: a role for every cell without one, and steps of neighbours."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..notebook import tags
from . import reasons
from .step_names import (
    coarse,
    heading_name,
    heading_word,
    merged_name,
    same_work,
    unique,
)
from .study import Study, has_role

Role = Literal["imports", "parameters", "functions", "serve", "skip"]


@dataclass(slots=True)
class Group:
    """Cells that become one step, by their number in the study."""

    cells: list[int]
    heading: str = ""
    activity: str = ""
    name: str = ""
    merged: bool = False


@dataclass(slots=True)
class Sketch:
    """Roles by the cell's number in the study, with the reasons; the other cells, in groups."""

    study: Study
    roles: dict[int, tuple[Role, str]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def merged(self, first: int, last: int) -> Sketch:
        """Return a sketch in which the groups from ``first`` to ``last`` are one."""
        whole = self.groups[first : last + 1]
        group = Group(
            cells=sorted(number for each in whole for number in each.cells),
            heading=whole[0].heading,
            activity=whole[0].activity,
            name=merged_name([each.name for each in whole]),
            merged=True,
        )
        groups = [*self.groups[:first], group, *self.groups[last + 1 :]]
        names = unique([each.name for each in groups])
        for each, name in zip(groups, names, strict=True):
            if each is group:
                each.name = name
        return Sketch(self.study, self.roles, groups)

    def tags(self) -> Iterator[tuple[int, str, str]]:
        """Yield number, tag and reason, in the order of the notebook."""
        found: list[tuple[int, str, str]] = [
            (n, role, why) for n, (role, why) in self.roles.items()
        ]
        for group in self.groups:
            for number in group.cells:
                found.append(
                    (number, f"{tags.STEP_PREFIX}{group.name}", self._reason(group, number))
                )
                if is_metrics(self.study, number):
                    found.append((number, "metrics", reasons.metrics(self.study, number)))
        # A stable sort: a cell's step comes before its `metrics`.
        yield from sorted(found, key=lambda each: each[0])

    def _reason(self, group: Group, number: int) -> str:
        reason = reasons.step(self.study, number)
        others = [self.study.cells[n].position for n in group.cells if n != number]
        if group.merged and others:
            return (
                f"{reason}; one step with {reasons.cells(others)}, which work on the same objects"
            )
        return reason


def sketch(study: Study, without: Collection[str] = (), plain: Collection[int] = ()) -> Sketch:
    """Give every cell that has no role one, but none of the roles in ``without``.

    ``plain`` cells, by their number, become cells of steps whatever they are.
    """
    found = Sketch(study)
    untagged = [number for number, cell in enumerate(study.cells) if not has_role(cell)]
    free = [number for number in untagged if number not in plain]
    if "imports" not in without:
        _imports(found, free)
    if "parameters" not in without:
        _parameters(found, free)
    if "functions" not in without:
        _functions(found, free)
    if "serve" not in without:
        _serve(found, free)
    if "skip" not in without:
        _skip(found, free)
    work = [
        number
        for number in untagged
        if number not in found.roles and study.kinds[number].kind != "nothing"
    ]
    found.groups = _groups(study, work)
    return found


def is_metrics(study: Study, number: int) -> bool:
    """Tell whether a cell could be tagged ``metrics``."""
    has = tags.METRICS & set(study.cells[number].tags)
    return bool(study.kinds[number].numbers) and number in study.trained and not has


def _imports(found: Sketch, free: Sequence[int]) -> None:
    study = found.study
    for number in free:
        effects = study.flow.cells[number].effects
        if study.kinds[number].kind == "imports" and effects.writes_outside is None:
            found.roles[number] = "imports", reasons.imports(study, number)


def _parameters(found: Sketch, free: Sequence[int]) -> None:
    study = found.study
    if any(tags.PARAMETERS & set(cell.tags) for cell in study.notebook.cells):
        return
    candidates = [number for number in free if study.is_parameters(number)]
    if candidates:
        best = max(candidates, key=lambda number: (len(study.constants(number)), -number))
        found.roles[best] = "parameters", reasons.parameters(study, best)


def _functions(found: Sketch, free: Sequence[int]) -> None:
    """Take cells of definitions that need nothing but imports, parameters and each other."""
    study = found.study
    early = set(found.roles)
    early |= {n for n, cell in enumerate(study.cells) if {"imports", "functions"} & set(cell.tags)}
    for number in free:
        if study.kinds[number].kind != "functions":
            continue
        reads = study.flow.cells[number].effects.reads
        makers = {maker for name in reads for maker in study.flow.makers(number, name)}
        if makers <= early:
            early.add(number)
            found.roles[number] = "functions", reasons.functions(study, number)


def _serve(found: Sketch, free: Sequence[int]) -> None:
    study = found.study
    if any(tags.SERVE & set(cell.tags) for cell in study.notebook.cells):
        return
    for number in reversed(free):
        if number not in found.roles and (call := study.answers(number)):
            found.roles[number] = "serve", reasons.serve(call)
            return


def _skip(found: Sketch, free: Sequence[int]) -> None:
    study = found.study
    skipped: set[int] = set()
    for number in reversed(free):
        if number in found.roles or study.kinds[number].kind != "work":
            continue
        if study.may_be_skipped(number, skipped):
            skipped.add(number)
            found.roles[number] = "skip", reasons.skip(study, number)


def _groups(study: Study, work: Sequence[int]) -> list[Group]:
    groups: list[Group] = []
    for number in work:
        heading = study.headings.get(study.cells[number].id, "")
        activity = study.activities[number]
        if groups and _belongs(groups[-1], heading, activity):
            groups[-1].cells.append(number)
            # The first cells may only prepare for what a step is about.
            groups[-1].activity = _stronger(groups[-1].activity, activity)
        else:
            groups.append(Group([number], heading, activity))
    return _named(groups)


def _belongs(group: Group, heading: str, activity: str) -> bool:
    """Tell whether a cell goes on with the step before it."""
    if group.heading != heading:
        # A heading of its own begins a new step, unless it says nothing and neither does the cell.
        return not activity and not heading_word(heading) and not heading_name(heading)
    if not activity or not group.activity:
        return True
    if heading:
        return same_work(group.activity, activity)
    return (
        activity == group.activity
        or {group.activity, activity}
        <= {
            "clean",
            "features",
        }
        or {group.activity, activity} <= {"predict", "evaluate"}
    )


def _stronger(one: str, other: str) -> str:
    if not one:
        return other
    if (one, other) in (("clean", "features"), ("predict", "evaluate")):
        return other
    return one


def _named(groups: list[Group]) -> list[Group]:
    plain = [_plain_name(group) for group in groups]
    for group, name in zip(groups, plain, strict=True):
        own = heading_name(group.heading)
        # Two trainings, each under a heading of its own, are told apart by their headings.
        group.name = own if own and plain.count(name) > 1 and own not in plain else name
    names = unique([group.name for group in groups])
    for group, name in zip(groups, names, strict=True):
        group.name = name
    return groups


def _plain_name(group: Group) -> str:
    word = heading_word(group.heading)
    if word and (not group.activity or same_work(word, group.activity)):
        return word
    if group.activity in ("load", "split", "train", "evaluate", "save"):
        return group.activity
    if group.activity == "predict":
        return "evaluate"
    own = heading_name(group.heading)
    if own and not (word and coarse(group.activity)):
        return own
    return group.activity or "prepare"
