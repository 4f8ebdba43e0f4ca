"""How a list of runs is told: a table with the columns that say something."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..tracking.run_values import Name
from .views import Table, View

if TYPE_CHECKING:
    from ..tracking.best import Best
    from ..tracking.runs import RunSummary
    from ..tracking.selection import Chosen

_MOST_METRICS = 3
_MOST_PARAMETERS = 4
_LONGEST = 24


def runs(chosen: Chosen, *, narrowed: bool = False) -> View:
    """Tell of runs; ``narrowed`` says that not all of them were asked for."""
    found = chosen.runs
    data = [run.to_dict() for run in found]
    if not found and narrowed:
        return View(["No run fits; `jupyter mlops runs` lists all."], data=data)
    if not found:
        return View(["No runs yet: run a notebook with `%load_ext jupyter_mlops` in it."], data=[])
    table, hidden = run_table(found, chosen.asked)
    lines = []
    if len(notebooks := {run.notebook for run in found}) == 1:
        lines.append(f"{_runs(len(found))} of {notebooks.pop()}")
    if chosen.total is None:
        lines.append(f"The first {len(found)} runs; there are more: give a higher `--limit`.")
    elif len(found) < chosen.total:
        lines.append(
            f"{len(found)} of {chosen.total} runs; `--limit {chosen.total}` lists them all."
        )
    if shown := next((run for run in found if run.parts), None):
        lines.append(f"Parts are folded: `--of {shown.run}` lists those of one run, `--all` all.")
    if hidden:
        lines.append(f"{hidden} more metrics and parameters differ; `--json` has them.")
    return View(lines, [table], data)


def best(found: Best) -> View:
    """Tell which run is the best, and what was compared."""
    value, word = found.run.metrics[found.metric], found.direction.word
    others = f"of {found.compared} runs" if found.compared > 1 else "of the one run that has it"
    lines = [
        f"{found.run.run} is the best: {found.metric} {value:.6g}, the {word} {others} "
        f"({found.direction.reason})."
    ]
    if found.ties > 1:
        lines.append(f"{found.ties} runs are as good; this is the oldest of them.")
    if found.nan:
        lines.append(
            f"{found.nan} runs were left out, as their {found.metric} is no finite number."
        )
    failed = found.run.status not in ("FINISHED", "RUNNING")
    if failed:
        lines.append(f"Mind that this run ended as {found.run.status}.")
    table, _ = run_table(found.runs, [Name("metrics", found.metric)])
    return View(lines, [table], found.to_dict())


def run_table(found: Sequence[RunSummary], asked: Iterable[Name] = ()) -> tuple[Table, int]:
    """Return a table of runs, and how many columns that differ had no place in it.

    What was asked for always has a column; other facts, metrics and parameters where they differ.
    """
    columns: dict[str, Callable[[RunSummary], Any]] = {"run": lambda run: run.run}
    if _differ(run.notebook for run in found):
        columns["notebook"] = lambda run: run.notebook
    if _differ(run.kind for run in found):
        columns["kind"] = lambda run: run.kind
    if _differ(run.model for run in found):
        columns["model"] = lambda run: run.model
    if any(run.parts for run in found):
        columns["parts"] = _parts
    columns["started"] = lambda run: run.started[:16].replace("T", " ")
    columns["status"] = lambda run: run.status.lower()
    columns["seconds"] = lambda run: run.seconds
    for each in asked:
        columns.setdefault(each.name, each.value)
    metrics = _telling(found, [run.metrics for run in found], columns)
    parameters = _telling(found, [run.parameters for run in found], columns)
    estimators = _telling(found, [run.estimator_parameters for run in found], columns)
    # Of a single run nothing differs, and most of these are as the library has them.
    estimators = [name for name in estimators if name not in parameters and len(found) > 1]
    for name in metrics[:_MOST_METRICS]:
        columns[name] = _getter(name, "metrics")
    told = (parameters + estimators)[:_MOST_PARAMETERS]
    for name in told:
        columns[name] = _getter(
            name, "parameters" if name in parameters else "estimator_parameters"
        )
    if any(run.tags for run in found):
        columns["tags"] = lambda run: tag_words(run.tags)
    rows = [[_short(value(run)) for value in columns.values()] for run in found]
    hidden = max(0, len(metrics) - _MOST_METRICS) + len(parameters + estimators) - len(told)
    return Table("", tuple(columns), rows), hidden


def _parts(run: RunSummary) -> str | None:
    if not run.parts:
        return None
    words = {"sweep": "point", "tune": "trial"}.get(run.kind, "run")
    return f"{run.parts} {words}{'' if run.parts == 1 else 's'}"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _telling(
    found: Sequence[RunSummary], values: list[Mapping[str, Any]], columns: Mapping[str, Any]
) -> list[str]:
    """Return the names in which the runs differ; of a single run all of them."""
    names = dict.fromkeys(name for each in values for name in each)
    return [
        name
        for name in names
        if name not in columns
        and (len(found) == 1 or _differ(repr(each.get(name)) for each in values))
    ]


def _differ(values: Iterable[Any]) -> bool:
    return len(set(values)) > 1


def _getter(name: str, kind: str) -> Callable[[RunSummary], Any]:
    return lambda run: getattr(run, kind).get(name)


def tag_words(tags: Mapping[str, str]) -> str:
    """Return tags as they are written: a word, or a name and a value."""
    return " ".join(
        key if value in ("", "true") else f"{key}={value}" for key, value in tags.items()
    )


def _short(value: Any) -> Any:
    if isinstance(value, str):
        line = " ".join(value.split())
        return number if (number := _number(line)) is not None else _cut(line)
    return value


def _number(text: str) -> int | float | None:
    # Parameters are text in the store, but columns of numbers are read from their right end.
    for kind in (int, float):
        try:
            found: int | float = kind(text)
        except ValueError:
            continue
        return found if str(found) == text else None
    return None


def _cut(text: str) -> str:
    # Names of runs are longer, and people copy them.
    return text if len(text) <= 2 * _LONGEST else f"{text[: 2 * _LONGEST - 1]}…"
