"""Gates: what a model's metrics must hold, alone and against the champion's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import MlopsError, Place
from ..project import SETTINGS
from ..settings import Gate, RetrainSettings
from ..wording import number, percent

Direction = Literal["minimize", "maximize"]

# Looked for among the words of a metric's name, longest first: `val_log_loss`, `test_r2_score`.
_DIRECTIONS: dict[str, Direction] = {
    **dict.fromkeys(
        ("absolute_error", "squared_error", "percentage_error", "log_loss", "cross_entropy",
         "mae", "rmse", "mse", "rmsle", "msle", "mape", "smape", "wape", "mase", "medae",
         "pinball", "deviance", "brier", "hinge", "crps", "perplexity", "error", "loss"),
        "minimize",
    ),
    **dict.fromkeys(
        ("average_precision", "explained_variance", "cohen_kappa",
         "r2", "accuracy", "acc", "auc", "roc", "auroc", "f1", "fbeta", "precision", "recall",
         "sensitivity", "specificity", "jaccard", "iou", "dice", "ndcg", "mrr", "map", "kappa",
         "mcc", "d2", "gini", "score", "silhouette"),
        "maximize",
    ),
}  # fmt: skip
_BY_LENGTH = sorted(_DIRECTIONS, key=lambda name: (-name.count("_"), list(_DIRECTIONS).index(name)))


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a metric passed a gate of ``mlops.toml``; ``value`` is None where it is absent."""

    gate: Gate
    value: float | None
    passed: bool
    words: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Challenger against champion in the one metric that decides."""

    metric: str
    direction: Direction
    challenger: float
    champion: float
    better: bool
    words: str


def check(gates: Iterable[Gate], metrics: Mapping[str, float]) -> tuple[GateResult, ...]:
    """Hold each gate against the metrics, in the order of the settings.

    A bound is part of what passes. A metric that is absent or not a number does not pass.
    """
    return tuple(_check(gate, metrics) for gate in gates)


def against_champion(
    challenger: Mapping[str, float], champion: Mapping[str, float], settings: RetrainSettings
) -> Comparison:
    """Compare two models' metrics on the same data in the metric that decides.

    That is ``[retrain] metric`` of ``mlops.toml``, else the first of the challenger's metrics
    whose better direction is known and that the champion has too; names that start with
    ``baseline`` are of neither model. The challenger is better where it gains, or loses less than
    ``tolerance`` times the champion's absolute value; with no tolerance an equal one is not
    better. A challenger whose metric is not finite never is; any finite one beats a champion
    whose metric is not a number.

    Raises
    ------
    MlopsError
        ``gates.no-metric`` where no metric can decide.
    """
    metric, direction = _deciding(challenger, champion, settings)
    new, old = float(challenger[metric]), float(champion[metric])
    gain = old - new if direction == "minimize" else new - old
    if not math.isfinite(new):
        better, relation = False, "no finite number, so it cannot beat"
    elif math.isnan(old):
        better, relation = True, "better than"
    elif new == old:
        better, relation = settings.tolerance > 0, "equal to"
    elif gain > 0:
        better, relation = True, "better than"
    else:
        better = -gain <= settings.tolerance * abs(old)
        relation = "worse than"
    words = f"{metric} {number(new)} is {relation} the champion's {number(old)}{_change(new, old)}"
    if better and not gain > 0 and not math.isnan(old):
        words += f", within the tolerance of {percent(settings.tolerance)}"
    return Comparison(metric, direction, new, old, better, words)


def direction_of(metric: str) -> Direction | None:
    """Return which way a metric gets better, from the words of its name; None if unknown."""
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", metric)
    words = "_" + "_".join(re.findall(r"[a-z0-9]+", spelled.lower())) + "_"
    if words.startswith("_neg_"):  # scikit-learn's scorers: greater is better
        return "maximize"
    return next((_DIRECTIONS[name] for name in _BY_LENGTH if f"_{name}_" in words), None)


def _check(gate: Gate, metrics: Mapping[str, float]) -> GateResult:
    wants = _wants(gate)
    if gate.metric not in metrics:
        known = ", ".join(metrics) or "no metrics"
        words = f"{gate.metric} is absent; the gate wants {wants} (the notebook has {known})"
        return GateResult(gate, None, False, words)
    value = float(metrics[gate.metric])
    low = gate.min is None or value >= gate.min
    high = gate.max is None or value <= gate.max
    passed = low and high and not math.isnan(value)
    words = f"{gate.metric} {number(value)}, the gate wants {wants}: "
    return GateResult(gate, value, passed, words + ("passed" if passed else "not passed"))


def _wants(gate: Gate) -> str:
    parts = [
        f"at least {number(gate.min)}" if gate.min is not None else "",
        f"at most {number(gate.max)}" if gate.max is not None else "",
    ]
    return " and ".join(part for part in parts if part) or "a number"


def _deciding(
    challenger: Mapping[str, float], champion: Mapping[str, float], settings: RetrainSettings
) -> tuple[str, Direction]:
    if settings.metric is not None:
        metric = settings.metric
        direction = settings.direction or direction_of(metric)
        if direction is None:
            raise _no_metric(
                f"It is not known whether a greater or a smaller `{metric}` is better.",
                f'set `direction = "minimize"` or "maximize" under [retrain] in {SETTINGS}.',
            )
        for who, metrics in (("challenger", challenger), ("champion", champion)):
            if metric not in metrics:
                raise _no_metric(
                    f"The {who} has no metric `{metric}`; it has {_names(metrics)}.",
                    f"compute `{metric}` in a cell tagged `metrics`, "
                    f"or name another as `metric` under [retrain] in {SETTINGS}.",
                )
        return metric, direction
    shared = [
        name for name in challenger if name in champion and not name.lower().startswith("baseline")
    ]
    for name in shared:
        if direction := direction_of(name):
            return name, settings.direction or direction
    raise _no_metric(
        "No metric can decide between challenger and champion: "
        f"the challenger has {_names(challenger)}, the champion {_names(champion)}.",
        f'set `metric = "…"` and `direction = "minimize"` or "maximize" under [retrain] '
        f"in {SETTINGS}.",
    )


def _no_metric(message: str, hint: str) -> MlopsError:
    return MlopsError("gates.no-metric", message, hint=hint, place=Place(SETTINGS))


def _names(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"`{name}`" for name in metrics) or "none"


def _change(new: float, old: float) -> str:
    if not (math.isfinite(new) and math.isfinite(old)) or old == 0 or new == old:
        return ""
    change = (new - old) / abs(old)
    sign = "−" if change < 0 else "+"
    return f" ({sign}{100 * abs(change):.1f} %)" if abs(change) >= 0.0005 else ""
