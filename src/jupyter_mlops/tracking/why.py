"""Why a metric, a model or a variable of a run is what it is: the cells that led to it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from ..notebook.document import read
from ..notebook.observed import source_digest
from .backward import backward
from .executions import Execution, executions
from .runs import RunDetail

if TYPE_CHECKING:
    from .store import Store


@dataclass(frozen=True, slots=True)
class Why:
    """What led to a result.

    ``kind`` is metric, model, dataset, parameter or variable. ``executions`` are those of cells
    that led to it, in order; the last of them made it. ``seeds`` are those that were in effect.
    ``unmade`` are variables that they read and no recorded cell had made. ``warnings`` are
    sentences.
    """

    run: str
    notebook: str
    name: str
    kind: str
    value: float | str | None
    executions: list[Execution]
    parameters: dict[str, str]
    datasets: list[dict[str, Any]]
    seeds: list[dict[str, Any]]
    call: str
    unmade: tuple[str, ...]
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "notebook": self.notebook,
            "name": self.name,
            "kind": self.kind,
            "value": self.value,
            "executions": [each.to_dict() for each in self.executions],
            "parameters": self.parameters,
            "datasets": self.datasets,
            "seeds": self.seeds,
            "call": self.call,
            "unmade": list(self.unmade),
            "warnings": self.warnings,
        }


class Lineage:
    """What the artifacts of a run say of how its results came about."""

    def __init__(self, store: Store, run: RunDetail) -> None:
        self.run = run
        self._store = store
        self._content = self._store.document(self.run, "lineage.json") or {}
        self.executions = executions(run.cells, self._store.document(self.run, "flow.json"))
        self.datasets: list[dict[str, Any]] = self._store.document(self.run, "datasets.json") or []
        self.seeds: list[dict[str, Any]] = self._store.document(self.run, "seeds.json") or []
        self.calls: dict[str, str] = self._store.document(self.run, "metric_info.json") or {}

    def why(self, name: str) -> Why:
        """Return what led to a metric, a model or a variable; see `why`."""
        if not self.executions:
            raise MlopsError(
                "why.no-cells",
                f"The run {self.run.run} knows of no cells, so that nothing led to `{name}`.",
                hint="`jupyter mlops show` tells what it has.",
            )
        kind, orders, wanted = self._target(name)
        steps, unmade = backward(self.executions, orders, wanted)
        included = {each.order for each in steps}
        names = {word for each in steps for word in each.reads | each.binds}
        found = Why(
            self.run.run,
            self.run.notebook,
            name,
            kind,
            self._value(kind, name),
            steps,
            self._parameters(included, names),
            [each for each in self.datasets if each["cell"] in included],
            self._seeds(max(included)),
            self.calls.get(name, ""),
            tuple(sorted(unmade)),
        )
        found.warnings.extend(self._warnings(found))
        return found

    def _target(self, name: str) -> tuple[str, list[int], set[str]]:
        """Return the kind of a name, the executions that made it, and the variable that it is."""
        orders = self._content.get("metrics", {}).get(name)
        if orders and any(each.order == orders[-1] for each in self.executions):
            return "metric", orders[-1:], set()
        for kind in ("models", "datasets", "parameters"):
            order = self._content.get(kind, {}).get(name)
            if order is not None:
                return kind[:-1], [order], set()
        makers = [e.order for e in self.executions if name in e.binds | e.changes]
        if makers:
            return "variable", makers[-1:], {name}
        if name == "model" and self._content.get("models"):
            return self._target(list(self._content["models"])[-1])
        raise self._unknown(name)

    def _unknown(self, name: str) -> MlopsError:
        known = dict.fromkeys([*self._content.get("metrics", {}), *self._content.get("models", {})])
        variables = {word for each in self.executions for word in each.binds | each.changes}
        near = difflib.get_close_matches(name, [*known, *sorted(variables - known.keys())], 4, 0.6)
        if near:
            hint = f"did you mean {' or '.join(f'`{each}`' for each in near)}?"
        else:
            hint = f"its metrics and models are: {', '.join(known) or 'none'}."
        return MlopsError(
            "why.unknown",
            f"The run {self.run.run} has no metric, model or variable `{name}`.",
            hint=hint,
        )

    def _value(self, kind: str, name: str) -> float | str | None:
        if kind == "metric":
            return self.run.metrics.get(name)
        return self.run.parameters.get(name) if kind == "parameter" else None

    def _parameters(self, included: set[int], names: set[str]) -> dict[str, str]:
        """Return those that the executions set, or that the run was given, by the plain name."""
        orders: Mapping[str, int] = self._content.get("parameters", {})
        set_here = {n for e in self.executions if e.order in included for n in e.binds}
        found = {}
        for key, value in self.run.parameters.items():
            name = key.partition("/")[0]
            entered = name in set_here or key not in orders or orders[key] in included
            if name in names and entered:
                found[name] = value  # the later value of a name stands behind the earlier
        return found

    def _seeds(self, last: int) -> list[dict[str, Any]]:
        """Return the seeds in effect: generators are shared by cells that do not name them."""
        return list({each["what"]: each for each in self.seeds if each["cell"] <= last}.values())

    def _warnings(self, found: Why) -> Iterator[str]:
        counts: dict[str | None, int] = {}
        for each in self.executions:
            counts[each.cell] = counts.get(each.cell, 0) + 1
        early, failed = [], []
        for cell, steps in _by_cell(found.executions).items():
            place, total = steps[0].place, counts[cell]
            if len({each.source for each in steps}) > 1:
                yield f"{_capital(place)} was edited between its executions, and both count."
            elif total > 1 and cell is not None and steps[-1].again < total:
                which = _listed([f"no {each.order}" for each in steps])
                yield (
                    f"{_capital(place)} was executed {total} times, and later executions do not "
                    f"count: {which} of the run {'does' if len(steps) == 1 else 'do'}."
                )
            if any(each.out_of_order for each in steps):
                early.append(place)
            if any(each.outcome != "ok" for each in steps):
                failed.append(place)
        if early:
            yield (
                f"{_capital(_listed(early))} ran after cells that stand further down: from top "
                "to bottom the notebook may give another result."
            )
        if failed:
            yield f"{_capital(_listed(failed))} failed, but may have changed variables before."
        if found.unmade:
            names = _listed([f"`{name}`" for name in found.unmade])
            yield f"No recorded cell made {names}: made before the recording began."
        yield from self._edits(found)

    def _edits(self, found: Why) -> Iterator[str]:
        """Compare with the notebook as it is saved now."""
        path = self._store.project.root / self.run.notebook
        try:
            cells = {cell.id: cell for cell in read(path).cells}
        except (MlopsError, OSError, ValueError):
            return
        edited, gone = [], []
        for cell, steps in _by_cell(found.executions).items():
            if cell is None or steps[-1].position is None:
                continue
            now = cells.get(cell)
            if now is None:
                gone.append(steps[-1].place)
            elif source_digest(now.source) != source_digest(steps[-1].source):
                edited.append(f"cell {now.position}")
        if edited:
            yield f"Edited since this run, whose code stands here: {_listed(edited)}."
        if gone:
            yield f"Not in the notebook any more: {_listed(gone)}."


def why(store: Store, name: str, run: str) -> Why:
    """Return what led to a metric, a model or a variable of a run.

    Raises `MlopsError` ``why.unknown`` or ``why.no-cells``, and what `Store.run` raises.
    """
    return Lineage(store, store.run(run)).why(name)


def _by_cell(steps: Iterable[Execution]) -> dict[str | None, list[Execution]]:
    found: dict[str | None, list[Execution]] = {}
    for step in steps:
        found.setdefault(step.cell, []).append(step)
    return found


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
