"""Models: the scikit-learn estimators that a cell has fitted, kept once per fit."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .names import CellNames
from .records import EstimatorParameters, Model
from .redaction import redact_value
from .scalars import text
from .spool import digest, spool

_SAMPLE_ROWS = 5


@dataclass(slots=True)
class _State:
    """What an estimator looked like when it was kept."""

    identity: tuple[int, ...]
    digest: str
    file: Path
    sample: Path | None


class Estimators:
    """Finds fitted estimators among a cell's names and keeps each in the journal's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "models"
        self._known: dict[str, _State] = {}
        self._count = 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._known)

    def collect(
        self, order: int, names: CellNames, namespace: Mapping[str, Any]
    ) -> Iterator[tuple[Model, Callable[[], EstimatorParameters]]]:
        """Keep each estimator that the cell fitted, and yield its record.

        An estimator that is part of another one of the cell, such as a pipeline's last step, is
        kept within that one only. The second part of each pair makes the record of the parameters;
        it takes milliseconds, and may run in the background.

        Raises
        ------
        MlopsError
            ``project.disk-full``; and what the estimator's own pickling raises.
        """
        base = getattr(sys.modules.get("sklearn.base"), "BaseEstimator", None)
        if base is None:
            return
        touched = dict.fromkeys((*names.bound, *sorted(names.changed | names.lent)))
        found = {
            name: namespace[name]
            for name in touched
            if not name.startswith("_") and isinstance(namespace.get(name), base)
        }
        fitted = {name: value for name, value in found.items() if _is_fitted(value)}
        if not fitted:
            return
        parts = {id(part) for value in fitted.values() for part in _parts(value)[1:]}
        kept: set[int] = set()
        for name, value in fitted.items():
            if id(value) in parts or id(value) in kept:
                continue
            state = self._known.get(name)
            identity = _identity(value)
            # Fitting sets new attributes. Only what may have been changed in place is compared.
            if state is not None and state.identity == identity:
                may_write = name in names.changed or name in names.lent
                if not may_write or digest(value) == state.digest:
                    continue
            kept.add(id(value))
            model = self._keep(order, name, value, identity, names, namespace)
            parameters = value.get_params(deep=True)
            yield model, partial(_parameters, model, parameters)

    def _keep(
        self,
        order: int,
        name: str,
        value: Any,
        identity: tuple[int, ...],
        names: CellNames,
        namespace: Mapping[str, Any],
    ) -> Model:
        self._folder.mkdir(exist_ok=True)
        self._count += 1
        file = self._folder / f"{self._count}-{name}.pickle"
        spooled = spool(value, file)
        sample = self._sample(name, names, namespace)
        old = self._known.get(name)
        self._known[name] = _State(identity, spooled.digest, file, sample)
        if old is not None:
            old.file.unlink(missing_ok=True)
            if old.sample is not None:
                old.sample.unlink(missing_ok=True)
        kinds = [type(part) for part in _parts(value)]
        return Model(
            time=time.time(),
            order=order,
            name=name,
            type=f"{kinds[0].__module__}.{kinds[0].__qualname__}",
            file=f"models/{file.name}",
            digest=spooled.digest,
            bytes=spooled.bytes,
            predicts=hasattr(value, "predict"),
            regressor=getattr(value, "_estimator_type", None) == "regressor" or _regresses(value),
            modules=tuple(sorted({kind.__module__.partition(".")[0] for kind in kinds})),
            sample=f"models/{sample.name}" if sample is not None else "",
        )

    def _sample(self, name: str, names: CellNames, namespace: Mapping[str, Any]) -> Path | None:
        """Keep a few rows of what the estimator was fitted on, where the cell tells the names."""
        for fit in names.fits:
            if name not in fit.owners or fit.inputs is None:
                continue
            rows = {"inputs": _head(namespace.get(fit.inputs))}
            if fit.targets is not None:
                rows["outputs"] = _head(namespace.get(fit.targets))
            if rows["inputs"] is None:
                return None
            path = self._folder / f"{self._count}-{name}.sample"
            try:
                spool(rows, path)
            except (TypeError, AttributeError, ValueError):
                return None
            return path
        return None


def _is_fitted(estimator: Any) -> bool:
    """Tell as scikit-learn does: by the estimator's own word, else by attributes with a final _."""
    own = getattr(estimator, "__sklearn_is_fitted__", None)
    try:
        if own is not None and not own():
            return False
        # A stateless estimator calls itself fitted before any fit, so its own yes is not enough.
        found = _parts(estimator) if own is not None else [estimator]
        names = (name for part in found for name in vars(part))
        return any(name.endswith("_") and not name.startswith("__") for name in names)
    except Exception:
        return False


def _parts(estimator: Any) -> list[Any]:
    """Return the estimator and those among its parameters, at any depth."""
    kind = sys.modules["sklearn.base"].BaseEstimator
    try:
        values = estimator.get_params(deep=True).values()
    except Exception:
        values = ()
    return [estimator, *(value for value in values if isinstance(value, kind))]


def _identity(estimator: Any) -> tuple[int, ...]:
    return tuple(
        number
        for part in _parts(estimator)
        for number in (id(part), *(id(value) for value in vars(part).values()))
    )


def _regresses(estimator: Any) -> bool:
    base = sys.modules["sklearn.base"]
    try:
        return bool(base.is_regressor(estimator))
    except Exception:
        return False


def _head(value: Any) -> Any:
    """Return the first rows of a frame, series or array, else None."""
    if hasattr(value, "iloc"):
        return value.iloc[:_SAMPLE_ROWS].copy()
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray) and value.ndim:
        return value[:_SAMPLE_ROWS].copy()
    return None


def _parameters(model: Model, parameters: dict[str, Any]) -> EstimatorParameters:
    values = {name: redact_value(name, text(value)) for name, value in parameters.items()}
    return EstimatorParameters(
        time=time.time(), order=model.order, name=model.name, digest=model.digest, values=values
    )
