"""Models: the scikit-learn estimators that a cell has fitted, kept once per fit."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import searches
from .names import CellNames
from .records import EstimatorParameters, Model
from .redaction import redact_value
from .scalars import text
from .spool import digest, spool

_SAMPLE_ROWS = 5


@dataclass(slots=True)
class _Found:
    """An estimator among a cell's names. Its parameters are asked for once: that takes a while."""

    name: str
    value: Any
    parameters: dict[str, Any]

    def parts(self) -> list[Any]:
        """Return the estimator and those among its parameters, at any depth."""
        kind = sys.modules["sklearn.base"].BaseEstimator
        inner = (value for value in self.parameters.values() if isinstance(value, kind))
        return [self.value, *inner]

    def is_fitted(self) -> bool:
        """Tell as scikit-learn does: by its own word, else by attributes with a final ``_``."""
        own = getattr(self.value, "__sklearn_is_fitted__", None)
        if own is not None and not own():
            return False
        # A stateless estimator calls itself fitted before any fit, so its own yes is not enough.
        parts = self.parts() if own is not None else [self.value]
        names = (name for part in parts for name in vars(part))
        return any(name.endswith("_") and not name.startswith("__") for name in names)

    def identity(self) -> tuple[int, ...]:
        """Return what differs after a fit, which sets new attributes."""
        return tuple(
            number
            for part in self.parts()
            for number in (id(part), *(id(value) for value in vars(part).values()))
        )


@dataclass(slots=True)
class _State:
    """What an estimator looked like when it was kept, and where."""

    identity: tuple[int, ...]
    digest: str
    files: tuple[Path, ...]


class Estimators:
    """Finds fitted estimators among a cell's names and keeps each in the journal's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "models"
        self._known: dict[str, _State] = {}
        self._count = 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._known)

    def move(self, folder: Path) -> None:
        """Go on in another journal's folder, which has the files of this one."""
        before, self._folder = self._folder.parent, folder / "models"
        for state in self._known.values():
            state.files = tuple(folder / file.relative_to(before) for file in state.files)

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
            ``project.disk-full``; and what the estimator's own methods and pickling raise.
        """
        fitted = [found for found in _estimators(names, namespace) if found.is_fitted()]
        done = {id(part) for found in fitted for part in found.parts()[1:]}
        for found in fitted:
            if id(found.value) in done:
                continue
            state, identity = self._known.get(found.name), found.identity()
            if state is not None and state.identity == identity:
                # Only where the cell may have changed it in place its content is compared.
                may_write = found.name in names.changed or found.name in names.lent
                if not may_write or digest(found.value) == state.digest:
                    continue
            done.add(id(found.value))
            model = self._keep(order, found, names, namespace)
            files = tuple(self._folder.parent / file for file in (model.file, model.sample) if file)
            self._known[found.name] = _State(identity, model.digest, files)
            best = searches.best(found.value)[1] if searches.is_search(found.value) else {}
            old = state.files if state is not None else ()
            yield model, partial(_parameters, model, found.parameters, best, old)

    def _keep(
        self, order: int, found: _Found, names: CellNames, namespace: Mapping[str, Any]
    ) -> Model:
        self._folder.mkdir(exist_ok=True)
        self._count += 1
        file = self._folder / f"{self._count}-{found.name}.pickle"
        spooled = spool(found.value, file)
        sample = self._sample(found.name, names, namespace)
        kinds = [type(part) for part in found.parts()]
        return Model(
            time=time.time(),
            order=order,
            name=found.name,
            type=f"{kinds[0].__module__}.{kinds[0].__qualname__}",
            file=f"models/{file.name}",
            digest=spooled.digest,
            bytes=spooled.bytes,
            predicts=hasattr(found.value, "predict"),
            regressor=bool(sys.modules["sklearn.base"].is_regressor(found.value)),
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


def _estimators(names: CellNames, namespace: Mapping[str, Any]) -> Iterator[_Found]:
    """Yield the estimators that the cell bound, changed or lent, in the order of binding."""
    base = getattr(sys.modules.get("sklearn.base"), "BaseEstimator", None)
    if base is None:
        return
    for name in dict.fromkeys((*names.bound, *sorted(names.changed | names.lent))):
        value = namespace.get(name)
        if not name.startswith("_") and isinstance(value, base):
            yield _Found(name, value, value.get_params(deep=True))


def _head(value: Any) -> Any:
    """Return the first rows of a frame, series or array, else None."""
    if hasattr(value, "iloc"):
        return value.iloc[:_SAMPLE_ROWS].copy()
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray) and value.ndim:
        return value[:_SAMPLE_ROWS].copy()
    return None


def _parameters(
    model: Model, parameters: dict[str, Any], found: dict[str, str], old: tuple[Path, ...]
) -> EstimatorParameters:
    # Now that the new one is in the journal, nobody needs the old one.
    for file in old:
        file.unlink(missing_ok=True)
    values = {name: redact_value(name, text(value)) for name, value in parameters.items()} | found
    return EstimatorParameters(
        time=time.time(), order=model.order, name=model.name, digest=model.digest, values=values
    )
