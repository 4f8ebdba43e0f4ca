"""What can explain that the metrics of two runs differ."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Any

from .backward import backward
from .cell_changes import CellChange
from .compare import Comparison, equal
from .executions import executions, tree_of

if TYPE_CHECKING:
    from .store import Store

_MOST_REASONS = 8


def reasons(store: Store, found: Comparison) -> list[str]:
    """Return what differs and can be a cause, in the order in which one should look at it."""
    causes = list(_causes(store, found))
    more = len(causes) - _MOST_REASONS
    if more > 0:
        return [*causes[:_MOST_REASONS], f"{more} more differences stand below"]
    return causes or list(_without_causes(found))


def _causes(store: Store, found: Comparison) -> Iterator[str]:
    one, other = found.runs
    for name, (before, after) in found.parameters.items():
        yield f"parameter {name}: {_word(before)} → {_word(after)}"
    for each in found.data:
        if each["kind"] != "memory" and each["change"] != "same":
            counts = ""
            for what in ("bytes", "rows"):
                if None not in each[what]:
                    counts = f" ({each[what][0]:,} → {each[what][1]:,} {what})"
            yield f"{each['kind']} {each['name']}: {_changed(each['change'])}{counts}"
    leading = _leading(store, found)
    for cell in found.cells:
        if cell.change in ("same", "comments") or _is_parameters(found, cell):
            continue
        if leading is not None and not leading & {(0, cell.orders[0]), (1, cell.orders[1])}:
            continue
        plus = sum(line.startswith("+") for line in cell.diff)
        minus = sum(line.startswith("-") for line in cell.diff)
        yield f"code of {cell.place}: {_changed(cell.change)} (+{plus} −{minus} lines)"
    for name, (before, after) in found.seeds.items():
        yield f"seed {name}: {_word(before)} → {_word(after)}"
    if one.model != other.model:
        yield f"model: {_word(one.model)} → {_word(other.model)}"
    given = {*found.parameters, *found.estimator_parameters} - found.parameters.keys()
    values = set(found.parameters.values())
    for name in sorted(given):
        # An estimator is mostly given what is a parameter of the notebook.
        if found.estimator_parameters[name] not in values:
            before, after = found.estimator_parameters[name]
            yield f"parameter {name} of the model: {_word(before)} → {_word(after)}"
    for side, run in enumerate(found.runs):
        early = [
            c.place for c in found.cells if c.out_of_order[side] and not c.out_of_order[1 - side]
        ]
        if early:
            yield f"order: {', '.join(early)} ran out of order in {run.run} only"
    used = _imported(found)
    for name, (before, after) in found.environment.items():
        if name == "python" or name in used:
            yield f"{name}: {_word(before)} → {_word(after)}"


def _is_parameters(found: Comparison, cell: CellChange) -> bool:
    """Whether a cell is told of by the parameters that it sets."""
    for run, order in zip(found.runs, cell.orders, strict=True):
        tags = next((c["tags"] for c in run.cells if c["order"] == order), ())
        if "parameters" in tags and found.parameters:
            return True
    return False


def _without_causes(found: Comparison) -> Iterator[str]:
    """Tell where to look if no recorded cause differs."""
    if not any(not equal(*pair) for pair in found.metrics.values()):
        return
    for each in found.data:
        if each["change"] == "changed":
            yield (
                f"the first data that differs is {each['name']} (execution {each['cell'][1]}): "
                "nothing recorded before it differs, which points to chance without a seed, or "
                "to something outside the notebook"
            )
            return
    if found.environment:
        yield f"{len(found.environment)} distributions differ, none of which the cells import"
        return
    yield "nothing that was recorded differs: chance without a seed, or something outside"


def _leading(store: Store, found: Comparison) -> set[tuple[int, int | None]] | None:
    """Return the executions that led to metrics which differ, as (run, order); None: not known."""
    changed = [name for name, pair in found.metrics.items() if not equal(*pair)]
    leading: set[tuple[int, int | None]] = set()
    for side, run in enumerate(found.runs):
        orders = (store.document(run, "lineage.json") or {}).get("metrics", {})
        targets = [orders[name][-1] for name in changed if orders.get(name)]
        if not targets:
            return None
        steps = executions(run.cells, store.document(run, "flow.json"))
        leading |= {(side, step.order) for step in backward(steps, targets, set())[0]}
    return leading


def _imported(found: Comparison) -> set[str]:
    """Return the distributions whose modules the cells import."""
    modules: set[str] = set()
    for run in found.runs:
        for cell in run.cells:
            tree = tree_of(cell["source"])
            for node in ast.walk(tree) if tree is not None else ():
                if isinstance(node, ast.Import):
                    modules |= {each.name.partition(".")[0] for each in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    modules.add(node.module.partition(".")[0])
    providers = metadata.packages_distributions()
    names = {each for module in modules for each in providers.get(module, [module])}
    return {name.lower().replace("_", "-").replace(".", "-") for name in names}


def _changed(change: str) -> str:
    return change.replace("only in the first", "gone").replace("only in the second", "new")


def _word(value: Any) -> str:
    return "none" if value is None else str(value)
