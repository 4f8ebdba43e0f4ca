"""Whether the highest or the lowest value of a metric is the best, as its name tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import MlopsError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HIGHER = _words(
    "acc accuracy ap auc auprc auroc bleu completeness correlation dcg dice f1 fbeta gain hits "
    "homogeneity iou jaccard kappa likelihood map matthews mcc meteor mrr ndcg pearson precision "
    "r2 recall reward roc rouge sensitivity silhouette spearman specificity throughput tnr tpr "
    "variance"
)
_LOWER = _words(
    "aic bic brier cer cost crps davies deviance distance divergence duration ece elapsed "
    "entropy err error errors fid fnr fpr hamming hausdorff hinge inertia kl latency logloss loss "
    "losses mae mape mase mdae ms mse msle nll perplexity pinball ppl regret residual rmse rmsle "
    "rss seconds smape sse time wape wer"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d*|\d+")


@dataclass(frozen=True, slots=True)
class Direction:
    """Which value is the best, and why that is thought."""

    highest: bool
    reason: str

    @property
    def word(self) -> str:
        return "highest" if self.highest else "lowest"


def direction(metric: str) -> Direction:
    """Return which value of a metric is the best.

    Raises `MlopsError` ``best.direction`` where the name does not tell, or tells both.
    """
    words = [word.lower() for word in _WORDS.findall(metric)]
    if "neg" in words or "negative" in words[:1]:
        return Direction(True, "it is the negative of what should be low")
    if words[:1] == ["d2"]:
        return Direction(True, "it is a share of what is explained")
    if words[:1] in (["false"], ["true"]) and "rate" in words:
        return Direction(words[0] == "true", f"it is a rate of {words[0]} answers")
    high = [word for word in words if word in _HIGHER]
    low = [word for word in words if word in _LOWER]
    if "log" in words and "likelihood" in words:
        low = []
    if high and not low:
        return Direction(True, f"`{high[0]}` in its name means that more is better")
    if low and not high:
        return Direction(False, f"`{low[0]}` in its name means that less is better")
    if not low and not high and "score" in words:
        return Direction(True, "`score` in its name means that more is better")
    raise MlopsError(
        "best.direction",
        f"Whether more or less of `{metric}` is better is not known.",
        hint=f"say `best {metric} --max` or `best {metric} --min`.",
    )
