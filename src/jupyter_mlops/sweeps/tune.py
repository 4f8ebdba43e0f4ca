"""Tune: look for the parameters of a notebook that make a metric best, point after point."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..capture.run_names import new_run_name
from ..errors import MlopsError
from ..notebook.document import Notebook, read
from ..notebook.parameters import check_parameters, read_parameters
from ..progress import Event, Progress
from ..project import Project
from ..rerun.installed import require_kernel
from .alone import alone
from .board import Board
from .distributions import size, words_of
from .goal import first_metric, is_highest, judged, judged_row
from .outcome import Ended, Message, Metric, Started
from .plan import make_plan
from .record import Head, Row, Sweep, find, row_of, sweeps
from .runner import Runner
from .setting import Setting
from .space import Space, read_space
from .study import Pruner, Sampler, Search, Study, require_optuna
from .sweep import check_same, ended, make_head, make_runner, run_of, slots, told

TRIALS = 50
_FIRST = 5
"""Where so many trials have failed and none has ended well, no more are tried."""


def tune(
    notebook: Path | str,
    space: Mapping[str, str] | None = None,
    *,
    project: Project | None = None,
    metric: str = "",
    highest: bool | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    workers: int | None = None,
    sampler: Sampler = "tpe",
    pruner: Pruner = "median",
    watched: str = "",
    seed: int = 0,
    timeout: float | None = None,
    share: bool = True,
    on: str = "",
    resume: str | None = None,
) -> Progress[Sweep]:
    """Run a notebook for points that Optuna chooses, until a metric is as good as it gets.

    Each point is a run of its own; the cells that all share are run once. The notebook's own values
    are tried first. The study lies beside the points, see `jupyter_mlops.sweeps.study`.

    Parameters
    ----------
    space
        Words for each parameter, see `jupyter_mlops.sweeps.space`: ``{"depth": "2:12", "lr":
        "1e-4:1e-1:log"}``; empty words take what the notebook declares. Without any, all
        parameters that declare a range or choices are tuned.
    metric, highest
        What to make best: the highest value or the lowest; default: the first metric of the cell
        tagged ``metrics``, in the direction that its name tells.
    trials, seconds
        How many points are tried (default: 50), and how long new ones are begun.
    sampler
        ``tpe``, ``random``, or ``grid``: every point once, in a random order.
    pruner, watched
        Which points are ended early, by the values of a metric that come while they run; default:
        those of ``metric``.
    seed
        With the same seed and one worker the trials are the same.
    workers, timeout, share, on
        As for `jupyter_mlops.sweeps.sweep`.
    resume
        A tuning that was ended early, by name, unique prefix or ``latest``, goes on.

    Raises
    ------
    MlopsError
        ``tune.no-optuna``; what is wrong with notebook, parameters or metric; ``tune.all-failed``
        where the first five trials have failed; the error of a cell that all points share.
    """
    require_optuna()
    path = Path(notebook)
    project = project or Project.find(path)
    source = read(path, name=project.relative(path))
    require_kernel(source.kernel, source)
    if resume is not None:
        tuning = _earlier(project, source, resume, trials)
    else:
        search = Search(dict(space or {}), trials or TRIALS, sampler, pruner, seed, watched)
        tuning = _new(project, source, search, metric, highest)
    with alone(tuning.setting):
        return (
            yield from _run(
                tuning,
                lambda plan, count, prunes: make_runner(
                    tuning.setting, plan, count, on, timeout=timeout, share=share, prunes=prunes
                ),
                workers or slots(on),
                time.monotonic() + seconds if seconds is not None else math.inf,
            )
        )


@dataclass(slots=True)
class _Tuning:
    setting: Setting
    space: Space
    search: Search
    head: Head
    rows: dict[int, Row]
    notice: str = ""


def _new(
    project: Project, source: Notebook, search: Search, metric: str, highest: bool | None
) -> _Tuning:
    given = search.given or dict.fromkeys(_declaring(source), "")
    fixed, space = read_space(source, given)
    if not space:
        raise MlopsError(
            "tune.nothing",
            "No parameter is given more than one value.",
            hint="write for example `-p depth=2:12`, or add the range to its line in the "
            "parameters cell: `# 2..12`.",
            place=source.place(),
        )
    metric = metric or first_metric(source)
    highest = is_highest(metric, source) if highest is None else highest
    watched = search.watched or metric
    upward = highest if watched == metric else is_highest(watched, source)
    count, notice = size(space), ""
    if search.sampler == "grid" and count is None:
        raise _endless(source, space)
    if count is not None and count <= search.trials:
        notice = f"the space has {count} points: each is tried once"
        search = msgspec.structs.replace(search, trials=count, sampler="grid")
    search = msgspec.structs.replace(search, given=given, watched=watched, upward=upward)
    setting = Setting(project, source, new_run_name(source.name), fixed)
    head = msgspec.structs.replace(
        make_head("tune", setting, [], metric, highest),
        swept=list(space),
        space={name: words_of(each) for name, each in space.items()},
        trials=search.trials,
    )
    return _Tuning(setting, space, search, head, {}, notice)


def _endless(source: Notebook, space: Space) -> MlopsError:
    """Return the error of a grid without an end."""
    name, words = next((n, words_of(e)) for n, e in space.items() if size({n: e}) is None)
    kind = "log" if words.endswith(":log") else "lin"
    return MlopsError(
        "sweep.how-many",
        f"A grid needs to know how many values `{name}` has.",
        hint=f"write for example `-p {name}={words.removesuffix(':log')}:{kind}5`, or leave out "
        "`--sampler grid`.",
        place=source.place(),
    )


def _earlier(project: Project, source: Notebook, ref: str, trials: int | None) -> _Tuning:
    """Return what is to go on, with more trials where they are asked for."""
    if ref == "latest":
        own = (each for each in sweeps(project) if each.head.notebook == source.name)
        ref = next((each.name for each in own if each.head.kind == "tune"), ref)
    found = find(project, ref, ("tune",))
    check_same(source, found.head)
    declared = read_parameters(source)
    fixed = check_parameters(source, declared, found.head.fixed)
    setting = Setting(project, source, found.name, fixed)
    search = Search.read(setting.folder)
    _, space = read_space(source, search.given)
    most = size(space) if search.sampler == "grid" else None
    wanted = trials or search.trials
    wanted = wanted if most is None else min(wanted, most)
    ended = (row for row in found.rows if row.status in ("ok", "pruned", "failed"))
    rows = {row.number: judged_row(setting, found.head, row) for row in ended}
    if wanted <= len(rows):
        raise MlopsError(
            "tune.nothing-left",
            f"All {len(rows)} trials of `{found.name}` have ended.",
            hint="it has tried every point of its space."
            if most == len(rows)
            else f"give it more: `--trials {2 * len(rows)}`.",
            place=source.place(),
        )
    search = msgspec.structs.replace(search, trials=wanted)
    head = msgspec.structs.replace(found.head, status="running", trials=wanted)
    return _Tuning(setting, space, search, head, rows)


def _run(
    tuning: _Tuning,
    make: Callable[[Any, int, str], Runner],
    workers: int,
    until: float,
) -> Progress[Sweep]:
    setting, search, head = tuning.setting, tuning.search, tuning.head
    board = Board(setting, head, tuning.rows.values())
    plan = make_plan(setting.notebook, head.swept)
    setting.make_folder()
    search.write(setting.folder)
    board.open(())
    defaults = {each.name: each.default for each in setting.declared}
    study = Study(
        setting.folder,
        tuning.space,
        search,
        metric=head.metric,
        highest=head.highest,
        defaults=defaults,
        rows=tuning.rows,
    )
    with told(setting, board), study:
        lost = study.take_up()
        yield from _announced(tuning, min(workers, search.trials), board, lost)
        if plan.unused():
            names = ", ".join(f"`{name}`" for name in plan.unused())
            yield Event("tune", f"no cell uses {names}")
        prunes = search.watched if search.pruner != "none" else ""
        driver = _Driver(tuning, study, board, until)
        try:
            with make(plan, workers, prunes) as runner:
                yield from driver.run(runner)
        finally:
            study.take_up()
        board.know(study.importances())
    return (yield from ended(setting, board))


def _announced(tuning: _Tuning, workers: int, board: Board, lost: int) -> Progress[None]:
    setting, head, rows = tuning.setting, tuning.head, tuning.rows
    word = "highest" if head.highest else "lowest"
    left = f"{tuning.search.trials} trials"
    if rows:
        left = f"{tuning.search.trials - len(rows)} more of {left}"
    yield Event(
        "tune",
        f"{left} of {setting.notebook.name} for the {word} {head.metric}, {workers} at a time, as "
        f"{setting.name}",
        "started",
        data={"sweep": board.sweep.to_dict()},
    )
    if tuning.notice:
        yield Event("tune", tuning.notice)
    if lost:
        were = "1 that was" if lost == 1 else f"{lost} that were"
        yield Event("tune", f"{len(rows)} trials had ended; {were} cut off begin anew")


class _Driver:
    """Asks for points as there is room, and hands on what comes of them."""

    def __init__(self, tuning: _Tuning, study: Study, board: Board, until: float) -> None:
        self._tuning = tuning
        self._study = study
        self._board = board
        self._until = until
        self._open: set[int] = set()
        self._ended = len(tuning.rows)
        self._ok = sum(row.status != "failed" for row in tuning.rows.values())
        self._failures: list[tuple[int, MlopsError]] = []
        self._steps: Counter[str] = Counter()
        """How often a metric was told, of the point that told it most often."""
        self._told: Counter[tuple[int, str]] = Counter()

    def run(self, runner: Runner) -> Progress[None]:
        """Run points until there have been enough; raises ``tune.all-failed``."""
        setting = self._tuning.setting
        while True:
            while self._wants_more() and runner.free > 0:
                point = self._study.ask()
                if point is None:
                    break
                self._open.add(point.number)
                runner.submit(point, run_of(setting, point))
            if not runner.busy:
                if not self._ok and self._failures:
                    self._give_up()
                yield from self._tip()
                return
            for message in runner.poll():
                yield from self._take(message, runner)
            if not self._ok and len(self._failures) >= _FIRST:
                self._give_up()

    def _wants_more(self) -> bool:
        is_room = self._ended + len(self._open) < self._tuning.search.trials
        return is_room and time.monotonic() < self._until

    def _take(self, message: Message, runner: Runner) -> Progress[None]:
        search = self._tuning.search
        match message:
            case Metric(point, name, value, step, asks):
                self._told[point.number, name] += 1
                self._steps[name] = max(self._steps[name], self._told[point.number, name])
                go = True
                if name == search.watched and search.pruner != "none":
                    go = self._study.report(point.number, value, step)
                if asks:
                    runner.answer(point.number, go=go)
                yield from self._board.take(message)
            case Ended(point, outcome):
                outcome = judged(self._tuning.setting.notebook, self._tuning.head, outcome)
                yield from self._board.take(Ended(point, outcome))
                self._open.discard(point.number)
                self._ended += 1
                self._study.ended(row_of(point, outcome))
                if outcome.status == "failed" and outcome.error is not None:
                    self._failures.append((point.number, outcome.error))
                else:
                    self._ok += 1
            case Started(point, run):
                self._study.started(point.number, run)
                yield from self._board.take(message)
            case _:
                yield from self._board.take(message)

    def _tip(self) -> Progress[None]:
        """Say what points could be ended early by, where they are not."""
        search = self._tuning.search
        often = [name for name, count in self._steps.most_common(1) if count > _FIRST]
        if search.pruner != "none" and self._steps[search.watched] <= 1 and often:
            words = (
                f"`{search.watched}` comes only at the end: `--prune-by {often[0]}` can end trials"
            )
            yield Event("tune", f"{words} that fall behind early")

    def _give_up(self) -> None:
        number, error = min(self._failures, key=lambda each: each[0])
        count = len(self._failures)
        so_far = " so far" if count < self._tuning.search.trials else ""
        what = f"All {count} trials{so_far} have failed" if count > 1 else "The trial has failed"
        raise MlopsError(
            "tune.all-failed",
            f"{what}; trial {number}: {error.message}",
            hint=error.hint,
            place=error.place,
        )


def _declaring(source: Notebook) -> list[str]:
    """Return the parameters that declare choices or a closed range."""
    found = []
    for each in read_parameters(source):
        limits = each.limits
        if limits and not each.secret:
            try:
                _, space = read_space(source, {each.name: ""})
            except MlopsError:
                continue
            found += list(space)
    return found
