"""What differs between two values, in words."""

from __future__ import annotations

import inspect
import math
import numbers
import re
import sys
import types
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import MlopsError
from ..fingerprints import fingerprint
from .clock import DURATIONS

Verdict = Literal["equal", "equal within tolerance", "random", "different"]
"""``random`` is what differs from run to run of the notebook itself."""

RELATIVE_TOLERANCE = 1e-9
"""Of floating point numbers; there is no absolute tolerance."""


@dataclass(slots=True)
class Tolerance:
    """How far numbers may be apart, and how far those that were let pass have been."""

    relative: float = RELATIVE_TOLERANCE
    largest: float = 0.0


_tolerance: ContextVar[Tolerance] = ContextVar("tolerance")


@contextmanager
def within(relative: float) -> Iterator[Tolerance]:
    """Compare with another tolerance than the usual one; tells the largest difference let pass."""
    token = _tolerance.set(found := Tolerance(relative))
    try:
        yield found
    finally:
        _tolerance.reset(token)


def tolerance() -> float:
    """Return the relative tolerance that holds now."""
    known = _tolerance.get(None)
    return known.relative if known is not None else RELATIVE_TOLERANCE


def close(x: float, y: float) -> bool:
    """Tell whether two numbers are equal within the tolerance; NaN is close to none."""
    if not math.isclose(x, y, rel_tol=tolerance(), abs_tol=0.0):
        return False
    known = _tolerance.get(None)
    if known is not None and x != y:
        known.largest = max(known.largest, abs(x - y) / max(abs(x), abs(y)))
    return True


_TIME = re.compile(rf"(?:\['|\.|^)(?:{'|'.join(sorted(DURATIONS))})(?:'\])?\Z")
"""Where scikit-learn's searches and cross-validation keep how long they took."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How two values compare; ``words`` says what differs, and is empty where they are equal."""

    verdict: Verdict
    words: str = ""

    def to_dict(self) -> dict[str, str]:
        return {"verdict": self.verdict, "words": self.words}


EQUAL = Difference("equal")
TIMES = Difference("equal within tolerance", "only times differ")
CLOSE = Difference("equal within tolerance", "floating point numbers differ by rounding only")


def compare(notebook: Any, pipeline: Any) -> Difference:
    """Compare a value of the notebook's run with the same variable of the pipeline's run."""
    try:
        return _Comparer().compare(notebook, pipeline, "")
    except RecursionError:
        return Difference("different", "it is nested too deeply to say where it differs")


class _Comparer:
    def __init__(self) -> None:
        self._open: set[tuple[int, int]] = set()

    def compare(self, a: Any, b: Any, path: str) -> Difference:
        if _same_print(a, b):
            return EQUAL
        pair = (id(a), id(b))
        if pair in self._open:
            return EQUAL
        self._open.add(pair)
        try:
            return self._compare(a, b, path)
        finally:
            self._open.discard(pair)

    def _compare(self, a: Any, b: Any, path: str) -> Difference:
        if _type_name(a) != _type_name(b):
            words = f"{_type_name(a)} in the notebook, {_type_name(b)} in the pipeline"
            return _different(path, words)
        if isinstance(a, numbers.Number) and not isinstance(a, bool):
            return _numbers(a, b, path)
        if isinstance(a, str | bytes | bool | None):
            return _different(path, f"{_short(a)} in the notebook, {_short(b)} in the pipeline")
        found = _arrays(a, b, path)
        if found is not None:
            return found
        if isinstance(a, Mapping):
            return self._mappings(a, b, path)
        if isinstance(a, KeysView | ValuesView | ItemsView):
            return self._sequences(list(a), list(b), path)
        if isinstance(a, list | tuple):
            return self._sequences(a, b, path)
        if isinstance(a, set | frozenset):
            return _sets(a, b, path)
        return self._objects(a, b, path)

    def _mappings(self, a: Mapping[Any, Any], b: Mapping[Any, Any], path: str) -> Difference:
        for one, other, where in ((a, b, "notebook"), (b, a, "pipeline")):
            for key in one:
                if key not in other:
                    return _different(path, f"the key {_short(key)} is only in the {where}")
        parts = ((f"{path}[{_short(key)}]", value, b[key]) for key, value in a.items())
        return self._join(parts, "the same keys in another order")

    def _sequences(self, a: Any, b: Any, path: str) -> Difference:
        if len(a) != len(b):
            return _different(path, f"{len(a)} items in the notebook, {len(b)} in the pipeline")
        parts = ((f"{path}[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b, strict=True)))
        return self._join(parts, "")

    def _objects(self, a: Any, b: Any, path: str) -> Difference:
        one, other = _state(a), _state(b)
        if one is None or other is None:
            return _different(path, f"two {_type_name(a)} that cannot be looked into")
        for first, second, where in ((one, other, "notebook"), (other, one, "pipeline")):
            for name in first:
                if name not in second:
                    return _different(path, f"the attribute `{name}` is only in the {where}")
        parts = ((f"{path}{_dot(name)}", one[name], other[name]) for name in one)
        found = self._join(parts, "")
        if found.verdict == "equal":
            return _different(path, f"two {_type_name(a)} whose state differs")
        return found

    def _join(self, parts: Iterable[tuple[str, Any, Any]], otherwise: str) -> Difference:
        """Return the first difference, else that all are close, else ``otherwise``."""
        close: Difference | None = None
        for path, a, b in parts:
            found = self.compare(a, b, path)
            if found.verdict == "different":
                if not (_TIME.search(path) and _type_name(a) == _type_name(b)):
                    return found
                found = TIMES
            if found.verdict != "equal":
                close = close or found
        if close is not None:
            return close
        return Difference("equal within tolerance", otherwise) if otherwise else EQUAL


def _same_print(a: Any, b: Any) -> bool:
    try:
        return fingerprint(a) == fingerprint(b)
    except MlopsError:
        return False


def _numbers(a: Any, b: Any, path: str) -> Difference:
    if a == b or (a != a and b != b):
        return EQUAL
    is_float = isinstance(a, numbers.Real) and not isinstance(a, numbers.Integral)
    if is_float and close(float(a), float(b)):
        return CLOSE
    return _different(path, f"{a!r} in the notebook, {b!r} in the pipeline")


def _arrays(a: Any, b: Any, path: str) -> Difference | None:
    """Compare arrays, columns and frames; None where ``a`` is none of these."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(a, numpy.ndarray):
        return _ndarrays(a, b, path)
    pandas: Any = sys.modules.get("pandas")
    if pandas is None:
        return None
    if isinstance(a, pandas.DataFrame):
        return _frames(a, b, path)
    if isinstance(a, pandas.Series):
        if str(a.name) != str(b.name):
            return _different(
                path, f"the name is {a.name!r} in the notebook, {b.name!r} in the pipeline"
            )
        index = _indexes(a.index, b.index, path)
        return index if index.verdict == "different" else _worse(index, _columns(a, b, path))
    if isinstance(a, pandas.Index):
        return _indexes(a, b, path)
    return None


def _ndarrays(a: Any, b: Any, path: str) -> Difference:
    import numpy

    for what, one, other in (("shape", a.shape, b.shape), ("dtype", a.dtype, b.dtype)):
        if one != other:
            return _different(path, f"{what} {one} in the notebook, {other} in the pipeline")
    a, b = numpy.asarray(a), numpy.asarray(b)
    if a.dtype.kind in "fc":
        if numpy.allclose(a, b, rtol=tolerance(), atol=0.0, equal_nan=True):
            return CLOSE
        with numpy.errstate(all="ignore"):
            apart = numpy.abs(a - b)
        unequal = ~numpy.isclose(a, b, rtol=tolerance(), atol=0.0, equal_nan=True)
        largest = numpy.nanmax(apart) if not numpy.isnan(apart).all() else numpy.nan
        return _different(
            path,
            f"{int(unequal.sum())} of {a.size} values differ, by {largest:.6g} at most",
        )
    if a.dtype.names is not None or a.dtype.hasobject:
        unequal = numpy.array([x != y for x, y in zip(a.flat, b.flat, strict=True)], dtype=bool)
    else:
        unequal = (a != b).ravel()
    if not unequal.any():
        return EQUAL
    first = numpy.unravel_index(int(unequal.argmax()), a.shape)
    where = ", ".join(str(int(i)) for i in first)
    words = f"{int(unequal.sum())} of {a.size} values differ, the first at [{where}]: "
    return _different(path, f"{words}{_short(a[first])} in the notebook, {_short(b[first])}")


def _frames(a: Any, b: Any, path: str) -> Difference:
    if list(a.columns) != list(b.columns):
        only = [name for name in a.columns if name not in set(b.columns)]
        more = [name for name in b.columns if name not in set(a.columns)]
        words = "the columns stand in another order"
        if only:
            words = f"the column {_short(only[0])} is only in the notebook"
        elif more:
            words = f"the column {_short(more[0])} is only in the pipeline"
        return _different(path, words)
    if len(a) != len(b):
        return _different(path, f"{len(a)} rows in the notebook, {len(b)} in the pipeline")
    found = _indexes(a.index, b.index, path)
    for position, name in enumerate(a.columns):
        if found.verdict == "different":
            break
        column = _columns(a.iloc[:, position], b.iloc[:, position], path)
        if column.verdict == "different":
            if not (_TIME.search(str(name)) and a.dtypes.iloc[position] == "float64"):
                return Difference("different", f"column {_short(name)}: {column.words}")
            column = TIMES
        found = _worse(found, column)
    return found


def _indexes(a: Any, b: Any, path: str) -> Difference:
    if len(a) != len(b):
        return _different(path, f"{len(a)} rows in the notebook, {len(b)} in the pipeline")
    if _type_name(a) != _type_name(b) or list(a.names) != list(b.names):
        words = f"the index is {_type_name(a)} {list(a.names)} in the notebook, "
        return _different(path, f"{words}{_type_name(b)} {list(b.names)} in the pipeline")
    if a.nlevels > 1:
        levels = [
            _indexes(a.get_level_values(level), b.get_level_values(level), path)
            for level in range(a.nlevels)
        ]
        return next((each for each in levels if each.verdict != "equal"), EQUAL)
    found = _columns(a.to_series(index=range(len(a))), b.to_series(index=range(len(b))), path)
    if found.verdict == "different":
        return Difference("different", f"the index: {found.words}")
    return found


def _columns(a: Any, b: Any, path: str) -> Difference:
    """Compare two Series of one length by position."""
    import numpy

    if str(a.dtype) != str(b.dtype):
        return _different(path, f"dtype {a.dtype} in the notebook, {b.dtype} in the pipeline")
    if _same_print(a.array, b.array):
        return EQUAL
    if isinstance(a.dtype, numpy.dtype) and a.dtype.kind in "fc":
        close = _ndarrays(a.to_numpy(), b.to_numpy(), path)
        if close.verdict != "different":
            return close
        unequal = ~numpy.isclose(
            a.to_numpy(), b.to_numpy(), rtol=tolerance(), atol=0.0, equal_nan=True
        )
    else:
        left, right = a.astype(object).to_numpy(), b.astype(object).to_numpy()
        empty_left, empty_right = a.isna().to_numpy(), b.isna().to_numpy()
        unequal = numpy.array(
            [
                bool(no != nothing) or (not no and not _is_equal(x, y))
                for x, y, no, nothing in zip(left, right, empty_left, empty_right, strict=True)
            ],
            dtype=bool,
        )
    if not unequal.any():
        return EQUAL
    first = int(unequal.argmax())
    label = a.index[first]
    return _different(
        path,
        f"{int(unequal.sum())} of {len(a)} rows differ, the first at {_short(label)}: "
        f"{_short(a.iloc[first])} in the notebook, {_short(b.iloc[first])} in the pipeline",
    )


def _is_equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except (TypeError, ValueError):
        return _same_print(a, b)


def _sets(a: Any, b: Any, path: str) -> Difference:
    for one, other, where in ((a, b, "notebook"), (b, a, "pipeline")):
        for item in sorted(one - other, key=repr):
            return _different(path, f"{_short(item)} is only in the {where}")
    return EQUAL


def _state(value: Any) -> dict[Any, Any] | None:
    """Return what an object is made of, as pickle would take it apart."""
    if isinstance(value, types.FunctionType):
        kept = inspect.getclosurevars(value).nonlocals
        return {"__defaults__": value.__defaults__, **vars(value), **kept}
    if isinstance(value, type):
        return {name: each for name, each in vars(value).items() if not name.startswith("_")}
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:
        return None
    if not isinstance(reduced, tuple):
        return None
    _, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    parts: dict[Any, Any] = dict(state) if isinstance(state, dict) else {0: state}
    # The first argument is the class, of which two runs have two.
    parts |= {i + 1: each for i, each in enumerate(arguments) if not isinstance(each, type)}
    if items is not None:
        parts[-1] = list(items)
    if pairs is not None:
        parts[-2] = dict(pairs)
    return parts


def _worse(one: Difference, other: Difference) -> Difference:
    return other if one.verdict == "equal" else one


def _different(path: str, words: str) -> Difference:
    return Difference("different", f"{path.removeprefix('.')}: {words}" if path else words)


def _dot(name: Any) -> str:
    return f".{name}" if isinstance(name, str) else ""


def _type_name(value: Any) -> str:
    kind = type(value)
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
