"""Gradient boosting: the evaluations of LightGBM and XGBoost, round by round, as they come.

Keys are those of MLflow's autologging, ``valid_0-binary_logloss``. MLflow itself is not loaded into
the kernel for that: its import takes seconds, and its own hooks write to the store while training
waits.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

from .imports import Then

Told = Callable[[str, float, int], None]

_MARK = "_mlops_told"


class Boosting:
    """Adds a callback to each training until it is stopped; the one that was made last is told.

    Parameters
    ----------
    told
        Called with a metric, its value and the round; never raises.
    """

    _listening: ClassVar[Boosting | None] = None

    def __init__(self, told: Told) -> None:
        self._told = told
        Boosting._listening = self

    def stop(self) -> None:
        if Boosting._listening is self:
            Boosting._listening = None

    @property
    def imports(self) -> dict[str, Then]:
        """What `ImportWatch` calls with which module."""
        return {
            "lightgbm.engine": functools.partial(self._replace, _of_lightgbm),
            "xgboost.training": functools.partial(self._replace, _of_xgboost),
        }

    def _replace(self, callback: Callable[[], Any], module: ModuleType) -> None:
        """Give ``train`` one more callback wherever the package has imported it."""
        original = getattr(module, "train", None)
        if original is None or hasattr(original, _MARK):
            return

        @functools.wraps(original)
        def train(*arguments: Any, **words: Any) -> Any:
            if Boosting._listening is not None:
                words["callbacks"] = [*(words.get("callbacks") or ()), callback()]
            return original(*arguments, **words)

        setattr(train, _MARK, True)
        package = module.__name__.partition(".")[0]
        for name, loaded in list(sys.modules.items()):
            if name.partition(".")[0] == package and vars(loaded).get("train") is original:
                vars(loaded)["train"] = train


def _of_lightgbm() -> Callable[[Any], None]:
    """Return a callback of LightGBM's."""

    def after_round(environment: Any) -> None:
        for data, metric, value, *_ in environment.evaluation_result_list or ():
            _tell(data, metric, value, environment.iteration)

    # Before early stopping, which ends the round by raising.
    after_round.order = 5  # type: ignore[attr-defined]
    return after_round


def _of_xgboost() -> Any:
    base: Any = sys.modules["xgboost.callback"].TrainingCallback

    class AfterRound(base):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            for data, metrics in evals_log.items():
                for metric, values in metrics.items():
                    last = values[-1]
                    _tell(data, metric, last[0] if isinstance(last, tuple) else last, epoch)
            return False

    return AfterRound()


def _tell(data: str, metric: str, value: Any, step: int) -> None:
    listening = Boosting._listening
    if listening is not None:
        listening._told(f"{data}-{metric}".replace("@", "_at_"), float(value), step)
