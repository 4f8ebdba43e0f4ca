"""Each output of a run beside that of its reproduction, with a verdict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ..capture.records import Shown as Kept
from ..pipeline import differences, shown, texts
from ..pipeline.differences import RELATIVE_TOLERANCE, Difference
from ..pipeline.shown import ExecutedNotebook
from ..pipeline.times import kept_times, only_times_differ, printed_times
from ..tracking.executions import tree_of
from .causes import Causes
from .fitted import Judged
from .judging import SIDES, compare_contents, compare_figures, compare_numbers, digest
from .recorded import Recorded
from .replay import Execution, Replay

Verdict = Literal["identical", "within tolerance", "different", "not compared"]
Kind = Literal["error", "printed", "figure", "table", "metric", "data", "frame", "model"]

_VERDICTS: Mapping[str, Verdict] = {
    "equal": "identical",
    "equal within tolerance": "within tolerance",
    "different": "different",
}
_ORDER: tuple[Verdict, ...] = ("different", "within tolerance", "not compared", "identical")
_KINDS: tuple[Kind, ...] = (
    "error", "data", "metric", "printed", "table", "figure", "model", "frame"
)  # fmt: skip
_OWN = re.compile(r"^\s*%{1,2}mlops\b|\bjupyter_mlops\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Output:
    """One output of one execution.

    ``order`` is the execution's number in the run, None where no execution is known. ``relative``
    is the largest relative difference of what is within tolerance. ``cause`` says what made it
    differ, as far as the code tells, in ``cause_cell``. ``values`` are those of the run and here:
    numbers, or digests of what is longer.
    """

    kind: Kind
    name: str
    cell: str
    order: int | None
    verdict: Verdict
    words: str = ""
    relative: float | None = None
    line: int | None = None
    cause: str = ""
    cause_cell: int | None = None
    values: tuple[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sources:
    """Both sides. ``executed`` are their notebooks with outputs, where the run has one."""

    run: Recorded
    here: Recorded
    replay: Replay
    executed: tuple[ExecutedNotebook | None, ExecutedNotebook]
    folders: tuple[tuple[str, ...], tuple[str, ...]]
    """Under which paths the notebook's folder and the project were known to each side."""
    models: Mapping[str, Judged] = field(default_factory=dict)
    """How models compare whose bytes differ."""


def compare(of: Sources, tolerance: float = RELATIVE_TOLERANCE) -> list[Output]:
    """Compare everything that a run has left; what matters most comes first."""
    found = list(_Comparer(of, tolerance).outputs())
    return sorted(
        found,
        key=lambda each: (
            _ORDER.index(each.verdict),
            _KINDS.index(each.kind),
            each.order or 0,
            each.name,
        ),
    )


def overall(outputs: Sequence[Output]) -> Verdict:
    """Return the verdict on all: the worst of what was compared."""
    compared = [each.verdict for each in outputs if each.verdict != "not compared"]
    return min(compared, key=_ORDER.index, default="not compared")


KIND_WORDS: Mapping[Kind, str] = {
    "error": "error",
    "data": "dataset",
    "metric": "metric",
    "printed": "printed text",
    "table": "table",
    "figure": "figure",
    "model": "model",
    "frame": "frame",
}


def counted(outputs: Iterable[Output]) -> str:
    """Return how many there are of each kind: ``2 metrics, 5 printed texts``."""
    counts = Counter(each.kind for each in outputs)
    return ", ".join(
        f"{counts[kind]} {KIND_WORDS[kind]}{'s' * (counts[kind] != 1)}"
        for kind in _KINDS
        if counts[kind]
    )


class _Comparer:
    def __init__(self, of: Sources, tolerance: float) -> None:
        self._of = of
        self._tolerance = tolerance
        executions = of.replay.executions
        self._by_order = {each.order: each for each in executions}
        # The rebuilt notebook executes cell by cell: the first here is the first there.
        cells = dict(zip((each.order for each in executions), of.here.cells, strict=False))
        self._here = {order: cell for order, cell in cells.items() if _has_ended(cell)}
        self._orders = {order: cell["order"] for order, cell in cells.items()}
        self._causes = Causes(executions, of.folders[1][0])
        trees = [(each.as_cell(), tree) for each in executions if (tree := tree_of(each.source))]
        self._times = printed_times(trees)
        self._time_names = kept_times(trees)
        self._stopped = self._first_failure()

    def outputs(self) -> Iterator[Output]:
        """Yield all outputs, differences with their causes."""
        for each in self._all():
            if each.verdict == "different" and not each.cause:
                each = self._with_cause(each)
            yield each

    def _all(self) -> Iterator[Output]:
        yield from self._errors()
        if self._of.executed[0] is not None:
            yield from self._cells(self._of.executed[0])
        else:
            yield from self._untold()
            yield from self._kept()
        yield from self._metrics()
        yield from self._data()
        yield from self._frames()
        yield from self._models()

    def _first_failure(self) -> Execution | None:
        """Return the execution that failed here and not in the run: nothing follows it."""
        for each in self._of.replay.executions:
            cell = self._here.get(each.order)
            if cell is None:
                return each
            if cell["outcome"] != "ok" and not each.error:
                return each
        return None

    def _errors(self) -> Iterator[Output]:
        for each in self._of.replay.executions:
            cell = self._here.get(each.order)
            if cell is None:
                continue
            failed = cell["outcome"] != "ok"
            if not failed and not each.error:
                continue
            here = texts.settle(cell["error"], self._of.folders[1]) if failed else ""
            there = texts.settle(each.error, self._of.folders[0]) if each.error else ""
            output = Output("error", "", each.place, each.order, "identical", line=cell["line"])
            if not each.error:
                words = f"it fails here, and did not in the run: {here}"
                yield replace(output, verdict="different", words=words)
            elif not failed:
                words = f"it failed in the run, and does not here: {there}"
                yield replace(output, verdict="different", words=words, line=each.line)
            elif cell["line"] != each.line:
                words = (
                    f"it fails in line {cell['line']}, and failed in line {each.line} in the run"
                )
                yield replace(output, verdict="different", words=words)
            else:
                yield self._judged(output, partial(texts.compare, there, here, SIDES))

    def _cells(self, executed: ExecutedNotebook) -> Iterator[Output]:
        """Compare what cells printed and drew, from both executed notebooks."""
        for each in self._of.replay.executions:
            cell = each.as_cell()
            one = executed.shown(cell)
            if one is None or _OWN.search(each.source):
                continue
            other = self._of.executed[1].shown(cell) or shown.Shown()
            printed = Output("printed", "", each.place, each.order, "identical")
            figure = Output("figure", "", each.place, each.order, "identical")
            reached = each.order in self._here
            if one.printed or other.printed:
                yield self._printed(printed, cell.id, one.printed, other.printed, reached)
            if one.figures or other.figures:
                if not reached:
                    yield self._not_reached(figure)
                else:
                    yield self._judged(figure, partial(compare_figures, one, other))

    def _printed(self, output: Output, cell: str, one: str, other: str, reached: bool) -> Output:
        if not reached:
            return self._not_reached(output)
        output = replace(output, values=(digest(one), digest(other)))
        found = self._judged(output, partial(texts.compare, one, other, SIDES))
        if found.verdict == "different" and only_times_differ(
            self._times.get(cell, ()), one, other
        ):
            return replace(found, verdict="within tolerance", words="only times differ")
        return found

    def _untold(self) -> Iterator[Output]:
        """Say of printed text that no journal keeps it."""
        printing = [
            each.position or each.order
            for each in self._of.replay.executions
            if (seen := self._of.executed[1].shown(each.as_cell())) and seen.printed
        ]
        if printing:
            cells = list(dict.fromkeys(printing))
            some = f"cell{'s' * (len(cells) > 1)} {', '.join(map(str, cells[:8]))}"
            some += " …" if len(cells) > 8 else ""
            words = "the run was interactive: printed text is not kept, tables and figures are"
            yield Output("printed", "", some, None, "not compared", words)

    def _kept(self) -> Iterator[Output]:
        """Compare figures and tables that the journals have kept."""
        for (order, number), one in sorted(self._of.run.shown.items()):
            each = self._by_order.get(order)
            if each is None:
                continue
            kind: Kind = "figure" if one.kind == "figure" else "table"
            output = Output(kind, str(number), each.place, order, "identical")
            if order not in self._here:
                yield self._not_reached(output)
                continue
            other = self._of.here.shown.get((self._orders[order], number))
            if other is None:
                yield replace(output, verdict="different", words=f"no {kind} is shown here")
                continue
            yield self._kept_one(output, one, other)

    def _kept_one(self, output: Output, one: Kept, other: Kept) -> Output:
        output = replace(output, values=(one.digest, other.digest))
        if one.digest and one.digest == other.digest:
            return output
        sides = [
            side.content(kept.file) if kept.file else None
            for side, kept in ((self._of.run, one), (self._of.here, other))
        ]
        if sides[0] is None or sides[1] is None:
            words = "it was too large to be kept, and is another by its digest"
            return replace(output, verdict="not compared", words=words)
        return self._judged(
            output, partial(compare_contents, Path(one.file).suffix, sides[0], sides[1])
        )

    def _metrics(self) -> Iterator[Output]:
        times = {name for names in self._time_names.values() for name in names}
        for name, values in self._of.run.metrics.items():
            order = self._of.run.set_by.get(name)
            output = self._output("metric", name, order)
            here = self._of.here.metrics.get(name)
            if order not in self._here and not here:
                yield self._not_reached(output)
            elif here is None:
                yield replace(output, verdict="different", words="it has no value here")
            elif len(values) != len(here) and self._of.run.folder is not None:
                words = f"{len(values)} values in the run, {len(here)} here"
                yield replace(output, verdict="different", words=words)
            else:
                pairs = list(zip(values, here[-len(values) :], strict=True))
                found = self._judged(output, partial(compare_numbers, pairs))
                if found.verdict == "different" and name in times:
                    found = replace(found, verdict="within tolerance", words="it is a time")
                yield replace(found, values=(repr(values[-1]), repr(here[-1])))

    def _data(self) -> Iterator[Output]:
        """Compare what was read from outside, by fingerprint: was it really the same?"""
        here = {self._key(each, 1): each["fingerprint"] for each in self._of.here.data}
        wanted = {self._key(each, 0): each for each in self._of.run.data}
        for key, each in wanted.items():
            output = self._output("data", each["name"], each["cell"])
            if not each["fingerprint"]:
                words = "no fingerprint of it was taken"
                yield replace(output, verdict="not compared", words=words)
            elif key in here:
                output = replace(output, values=(each["fingerprint"], here[key]))
                if here[key] != each["fingerprint"]:
                    words = f"fingerprint {each['fingerprint'][:12]}… in the run, "
                    words += f"{here[key][:12]}… here"
                    yield replace(output, verdict="different", words=words)
                else:
                    yield output
            elif each["cell"] not in self._here:
                yield self._not_reached(output)
            else:
                yield replace(output, verdict="different", words="it was not read here")

    def _key(self, each: Mapping[str, Any], side: int) -> tuple[str, str]:
        name = each["name"]
        for folder in self._of.folders[side]:
            name = name.replace(f"{folder}/", "")
        return each["kind"], name

    def _frames(self) -> Iterator[Output]:
        here = {(each["cell"], each["name"]): each for each in self._of.here.frames}
        for each in self._of.run.frames:
            output = self._output("frame", each["name"], each["cell"])
            if each["cell"] not in self._here:
                yield self._not_reached(output)
                continue
            other = here.get((self._orders[each["cell"]], each["name"]))
            if other is None:
                yield replace(output, verdict="different", words="there is no such frame here")
            elif not each["fingerprint"] or not other["fingerprint"]:
                words = "no fingerprint of it was taken"
                yield replace(output, verdict="not compared", words=words)
            elif each["fingerprint"] != other["fingerprint"]:
                output = replace(output, values=(each["fingerprint"], other["fingerprint"]))
                shapes = [f"{side['rows']:,} × {side['columns']}" for side in (each, other)]
                words = "its content is another; the run keeps fingerprints of frames, not copies"
                if shapes[0] != shapes[1]:
                    words = f"{shapes[0]} in the run, {shapes[1]} here"
                yield replace(output, verdict="different", words=words)
            else:
                yield replace(output, values=(each["fingerprint"], other["fingerprint"]))

    def _models(self) -> Iterator[Output]:
        for name, (pickled, order, _) in self._of.run.models.items():
            judged = self._of.models.get(name)
            output = self._output("model", name, order)
            other = self._of.here.models.get(name)
            if order not in self._here:
                yield self._not_reached(output)
            elif other is None:
                yield replace(output, verdict="different", words="no such model is fitted here")
            elif other.digest != pickled and judged is not None:
                yield replace(
                    output,
                    verdict=_VERDICTS[judged.verdict],
                    words=judged.words,
                    relative=judged.relative or None,
                    values=(pickled, other.digest),
                )
            elif other.digest != pickled:
                words = "its pickled bytes differ, which those of equal models may, too"
                both = (pickled, other.digest)
                yield replace(output, verdict="not compared", words=words, values=both)
            else:
                yield replace(output, values=(pickled, other.digest))

    def _output(self, kind: Kind, name: str, order: int | None) -> Output:
        each = self._by_order.get(order) if order is not None else None
        return Output(kind, name, each.place if each else "", order, "identical")

    def _judged(self, output: Output, judge: Callable[[], Difference]) -> Output:
        with differences.within(self._tolerance) as tolerance:
            found = judge()
        verdict = _VERDICTS[found.verdict]
        relative = tolerance.largest if verdict == "within tolerance" else None
        return replace(output, verdict=verdict, words=found.words, relative=relative or None)

    def _not_reached(self, output: Output) -> Output:
        stopped = self._stopped
        words = f"{stopped.place} failed before" if stopped else "it was not executed here"
        return replace(output, verdict="not compared", words=words)

    def _with_cause(self, output: Output) -> Output:
        each = self._by_order.get(output.order) if output.order is not None else None
        cause = self._causes.of(each, output.name) if each is not None else None
        if cause is None:
            return output
        return replace(output, cause=cause.words, cause_cell=cause.cell)


def _has_ended(cell: Mapping[str, Any]) -> bool:
    return cell["outcome"] in ("ok", "failed")
