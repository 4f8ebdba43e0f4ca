"""The study of a tuning, kept by Optuna beside the points: which point to try next, and why.

The file is Optuna's own journal, so that its dashboard and plots read it; a trial's attributes
``point`` and ``run`` say which point it is. What has been told of a point is first in the point's
file; where a process is killed in between, the study is told when it goes on.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..errors import MlopsError, Place
from ..notebook import moments
from ..os_errors import explain_os_errors
from .distributions import MOST_LISTED, distributions, drawn_as, every, size, values_of
from .points import Point
from .record import Row
from .space import Space

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna import Trial
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import FrozenTrial

FILE = "study.log"
_NAME = "tune"
_SEARCH = "search.json"
_POINT = "point"
_ATTEMPTS = 12
"""How often another point is asked for where one was drawn that has been tried."""
_SEEDS = 2**32

Sampler = Literal["tpe", "random", "grid"]
Pruner = Literal["median", "hyperband", "none"]


class Search(msgspec.Struct, frozen=True):
    """How the points of a tuning are chosen, kept for `--resume`.

    ``given`` are the words for each parameter. ``watched`` is the metric that points are ended
    early by, ``upward`` whether more of it is better.
    """

    given: dict[str, str]
    trials: int
    sampler: Sampler = "tpe"
    pruner: Pruner = "median"
    seed: int = 0
    watched: str = ""
    upward: bool = True

    def write(self, folder: Path) -> None:
        """Keep it in the sweep's folder; raises `MlopsError` ``project.disk-full``."""
        path = folder / _SEARCH
        staged = path.with_name(f".{path.name}.{os.getpid()}")
        with explain_os_errors(folder):
            staged.write_bytes(msgspec.json.encode(self))
            os.replace(staged, path)

    @staticmethod
    def read(folder: Path) -> Search:
        """Read what `write` has kept; raises `MlopsError` ``sweep.damaged``."""
        try:
            return msgspec.json.decode((folder / _SEARCH).read_bytes(), type=Search)
        except (OSError, msgspec.MsgspecError):
            raise _damaged(folder) from None


def require_optuna() -> None:
    """Raise ``tune.no-optuna`` where Optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise MlopsError(
            "tune.no-optuna",
            "Tuning needs Optuna, which is not installed.",
            hint="`pip install 'jupyter-mlops[tune]'`.",
        ) from None


class Study:
    """Chooses points and learns from them; a context manager, in which Optuna logs nothing.

    Parameters
    ----------
    folder
        The sweep's own.
    metric, highest
        What points are compared by, and whether its highest value is the best.
    defaults
        The notebook's own values, which are tried first where they are in the space.
    rows
        The points that have ended, of an earlier try.

    Raises `MlopsError` ``sweep.damaged`` for a study that cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        space: Space,
        search: Search,
        *,
        metric: str,
        highest: bool,
        defaults: Mapping[str, Any],
        rows: Mapping[int, Row] | None = None,
    ) -> None:
        self._folder = folder
        self._space = space
        self._search = search
        self._metric = metric
        self._highest = highest
        self._defaults = dict(defaults)
        self._distributions = distributions(space)
        self._open: dict[int, Trial] = {}
        self._steps: dict[int, set[int]] = {}
        self._ended = {row.number: row for row in (rows or {}).values()}
        self._tried = {_key(row.parameters): row.number for row in self._ended.values()}
        self._every: list[dict[str, Any]] | None = None
        if search.sampler == "grid":
            self._every = every(space, search.seed)
            if drawn_as(space, defaults) is not None:
                self._every.insert(0, {name: defaults[name] for name in space})
        count = size(space)
        self._is_listable = count is not None and count <= MOST_LISTED
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Study:
        self._stack.enter_context(_silent())
        # It takes seconds, which the first cells need anyway.
        threading.Thread(target=_import_importance, daemon=True).start()
        is_new = not (self._folder / FILE).exists()
        self._study = _open(self._folder, self._highest)
        ended = (each for each in self._study.get_trials(deepcopy=False) if each.value is not None)
        self._longest = max((each.last_step or 0 for each in ended), default=0)
        if is_new and self._every is None:
            first = drawn_as(self._space, self._defaults)
            if first is not None:
                self._study.enqueue_trial(first)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def take_up(self) -> int:
        """Bring the study up to the points' files; return how many points were cut off.

        Those are failed trials of the study, and are asked for again before any other.
        """
        from optuna.trial import TrialState

        lost = 0
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            number = trial.user_attrs.get(_POINT, 0)
            row = self._ended.get(number)
            if row is not None:
                self._tell(trial.number, row)
                continue
            lost += 1
            self._open.pop(number, None)
            self._study.tell(trial.number, state=TrialState.FAIL)
            drawn = _drawn(trial)
            if self._every is None and drawn.keys() == self._space.keys():
                self._study.enqueue_trial(drawn)
        self._tried = {key: each for key, each in self._tried.items() if each in self._ended}
        return lost

    def ask(self) -> Point | None:
        """Return the next point to try; None where all have been."""
        from optuna.trial import TrialState

        if self._every is not None:
            left = (each for each in self._every if _key(each) not in self._tried)
            if (wanted := next(left, None)) is None:
                return None
            self._study.enqueue_trial(drawn_as(self._space, wanted) or {})
        for attempt in range(_ATTEMPTS):
            number = len(self._study.get_trials(deepcopy=False)) + 1
            self._study.sampler = self._sampler(number, attempt)
            trial = self._study.ask(self._distributions)
            values = values_of(self._space, trial.params)
            before = self._tried.get(_key(values))
            if before is None or attempt == _ATTEMPTS - 1 or not self._is_listable:
                break
            # What has been tried is not run again; the study learns what came of it.
            if (row := self._ended.get(before)) is not None:
                self._tell(trial.number, row)
            else:
                self._study.tell(trial.number, state=TrialState.FAIL)
        taken = {*self._ended, *self._open}
        point = Point(next(n for n in itertools.count(1) if n not in taken), values)
        trial.set_user_attr(_POINT, point.number)
        self._open[point.number] = trial
        self._tried.setdefault(_key(values), point.number)
        return point

    def started(self, number: int, run: str) -> None:
        """Note which run of the store a point is."""
        self._open[number].set_user_attr("run", run)

    def report(self, number: int, value: float, step: int) -> bool:
        """Take a value of the watched metric; return whether the point is worth going on with."""
        trial, steps = self._open.get(number), self._steps.setdefault(number, set())
        if trial is None or step < 0 or step in steps or not math.isfinite(value):
            return True
        steps.add(step)
        is_like = self._search.upward is self._highest
        trial.report(value if is_like else -value, step)
        self._study.pruner = _pruner(self._search.pruner, self._longest)
        return not trial.should_prune()

    def ended(self, row: Row) -> None:
        """Take how a point has ended; its file must have been written."""
        self._ended[row.number] = row
        trial = self._open.pop(row.number)
        steps = self._steps.pop(row.number, set())
        if row.status == "ok":
            self._longest = max(self._longest, *steps, 0)
        self._tell(trial.number, row)

    def importances(self) -> dict[str, float]:
        """Return what share of the differences each parameter makes, the greatest first.

        Empty where too few points have ended to tell.
        """
        from optuna.importance import get_param_importances

        try:
            with warnings.catch_warnings(action="error"):  # it warns where it guesses
                found = get_param_importances(self._study)
        except (ValueError, RuntimeError, Warning):
            return {}
        shares = {name: round(float(share), 4) for name, share in found.items()}
        return shares if all(map(math.isfinite, shares.values())) and any(shares.values()) else {}

    def _tell(self, number: int, row: Row) -> None:
        from optuna.trial import TrialState

        value = row.metrics.get(self._metric, math.nan)
        if row.status == "ok" and math.isfinite(value):
            self._study.tell(number, value)
        elif row.status == "pruned":
            self._study.tell(number, state=TrialState.PRUNED)
        else:
            self._study.tell(number, state=TrialState.FAIL)

    def _sampler(self, number: int, attempt: int) -> Any:
        """Return the sampler for one trial: one that goes on must not draw the same again."""
        from optuna.samplers import RandomSampler, TPESampler

        seed = (self._search.seed * 1_000_003 + number) % _SEEDS
        if self._search.sampler != "tpe" or attempt > 2:
            return RandomSampler(seed=seed)
        with _not_experimental():
            return TPESampler(seed=seed, multivariate=True, constant_liar=True)


def _open(folder: Path, highest: bool) -> OptunaStudy:
    import optuna
    from optuna.storages import JournalStorage

    path = folder / FILE
    try:
        with explain_os_errors(folder), _not_experimental():
            _mend(path)
            return optuna.create_study(
                storage=JournalStorage(_backend(path)),
                study_name=_NAME,
                direction="maximize" if highest else "minimize",
                load_if_exists=True,
            )
    except (ValueError, KeyError, json.JSONDecodeError):
        raise _damaged(folder) from None


def _pruner(name: Pruner, longest: int) -> Any:
    """Return the pruner; in the first fifth of the longest point's steps nothing is lost yet."""
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=max(3, longest // 5))
    return HyperbandPruner() if name == "hyperband" else NopPruner()


def _mend(path: Path) -> None:
    """Cut off the line that a killed process has left unfinished."""
    if path.exists():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)


def _backend(path: Path) -> JournalFileBackend:
    """Return Optuna's journal in a file, without its lock and its wait for the disk.

    Its lock is a file that outlives a killed process for 30 s: the sweep has one of its own. The
    points wait for each line, and what the system has taken no killed process loses.
    """
    from optuna.storages.journal import JournalFileBackend

    class Backend(JournalFileBackend):
        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            lines = (json.dumps(each, separators=(",", ":")) + "\n" for each in logs)
            with explain_os_errors(path), path.open("ab", buffering=0) as file:
                file.write("".join(lines).encode())

    return Backend(str(path))


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Let Optuna print nothing: what there is to say, the events say."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


@contextlib.contextmanager
def _not_experimental() -> Iterator[None]:
    """Let Optuna not warn of what it may change: what is used of it is tried here."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _import_importance() -> None:
    with contextlib.suppress(ImportError):
        import optuna.importance  # noqa: F401


def _drawn(trial: FrozenTrial) -> dict[str, Any]:
    """Return what was drawn for a trial, also where it was only queued."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(moments.plain(dict(values)), sort_keys=True, default=repr)


def _damaged(folder: Path) -> MlopsError:
    return MlopsError(
        "sweep.damaged",
        "What is kept of this tuning cannot be read.",
        hint="start it anew; the runs of its points are in the store.",
        place=Place(str(folder)),
    )
