"""Parameter searches: what `GridSearchCV` and its like found best, and every candidate's scores."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from .records import Shown
from .redaction import redact, redact_value
from .scalars import number, text
from .shown import TABLES, shown

BEST = "best_cv_score"


def is_search(estimator: Any) -> bool:
    """Tell whether an estimator is a parameter search that has been fitted."""
    return isinstance(getattr(estimator, "cv_results_", None), dict)


def best(estimator: Any) -> tuple[float | None, dict[str, str]]:
    """Return the best score and the best parameters, under the names that autologging uses."""
    score = number(getattr(estimator, "best_score_", None))
    parameters = getattr(estimator, "best_params_", None) or {}
    values = {f"best_{name}": redact_value(name, text(v)) for name, v in parameters.items()}
    return score, values


def table(order: int, name: str, estimator: Any, folder: Path) -> Shown:
    """Keep all candidates with their scores as ``cv_results_<name>.csv``, and return the record."""
    import csv

    results: dict[str, Any] = estimator.cv_results_
    columns = list(results)
    rows = list(zip(*(results[column] for column in columns), strict=True))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([text(value) for value in row] for row in rows)
    content = redact(file.getvalue()).encode()
    path = f"{TABLES}/{order}-cv_results_{name}.csv"
    return shown(folder, path, content, order, 0, "text/csv", len(rows), len(columns))
