"""A glance at a value: what tells that it has changed, in a few microseconds.

Two glances at one value that differ tell of a change. Two that are equal tell of none only where
the glance was at the whole value; of large arrays and frames it is at samples.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import xxhash

from ..errors import MlopsError
from ..fingerprints import fingerprint

_MOST_PARTS = 200
_MOST_TEXT = 100_000
_MOST_BYTES = 1 << 18
_MOST_COLUMNS = 24
_SAMPLES = 64
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_PLAIN = frozenset({int, float, complex, bool, type(None)})


class Glance(NamedTuple):
    """``whole`` where nothing of the value was left out."""

    token: Any
    whole: bool


def glance(value: Any) -> Glance | None:
    """Look at a value that can change; None where that would take too long."""
    kind = type(value)
    if kind in _CONTAINERS or kind is bytearray:
        return _print(value) if _parts(value, _MOST_PARTS) >= 0 else None
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is getattr(numpy, "ndarray", None):
        return _array(value)
    pandas = sys.modules.get("pandas")
    if pandas is not None and kind is getattr(pandas, "DataFrame", None):
        return _frame(value)
    if pandas is not None and kind is getattr(pandas, "Series", None):
        axes = getattr(getattr(value, "_mgr", None), "axes", ())
        return _columns([value.array], (len(value), *map(_axis, axes), value.name), whole=True)
    if kind.__module__ == "__main__" and _own_state(value):
        return _print(value)
    return None


def _print(value: Any) -> Glance | None:
    try:
        return Glance(fingerprint(value), True)
    except MlopsError:
        return None


def _own_state(value: Any) -> bool:
    state = getattr(value, "__dict__", None)
    return state is not None and _parts(state, _MOST_PARTS) >= 0


def _parts(value: Any, left: int) -> int:
    """Return what is left of ``left`` parts after the parts of ``value``, negative for too many."""
    kind = type(value)
    if kind in _PLAIN:
        return left - 1
    if kind is str or kind is bytes or kind is bytearray:
        return left - 1 - len(value) * _MOST_PARTS // _MOST_TEXT
    if kind not in _CONTAINERS or len(value) > left:
        # What else it may hold is not looked at: that may be anything.
        return -1
    parts = [*value, *value.values()] if kind is dict else value
    for part in parts:
        left = _parts(part, left - 1)
        if left < 0:
            return left
    return left


def _array(value: Any) -> Glance | None:
    token, whole = _bytes(value, _MOST_BYTES)
    return Glance((value.shape, value.dtype.str, token), whole) if token is not None else None


def _frame(value: Any) -> Glance | None:
    manager = getattr(value, "_mgr", None)
    pick = getattr(manager, "iget_values", None)
    axes = getattr(manager, "axes", None)
    if pick is None or axes is None:
        return None
    width = value.shape[1]
    step = max(1, width // _MOST_COLUMNS)
    columns = [pick(place) for place in range(0, width, step)]
    names = (value.shape, *map(_axis, axes))
    return _columns(columns, names, whole=step == 1)


def _axis(axis: Any) -> Any:
    """Return what names an index, which never changes: pandas puts it into new objects at will."""
    if axis.nlevels > 1:
        return id(axis)
    numbers = getattr(axis, "_range", None)
    return numbers if numbers is not None else _token(axis.array, _MOST_BYTES // 8)[0]


def _columns(columns: list[Any], names: tuple[Any, ...], *, whole: bool) -> Glance | None:
    share = _MOST_BYTES // max(1, len(columns))
    found = [_token(column, share) for column in columns]
    return Glance((names, tuple(token for token, _ in found)), whole and all(w for _, w in found))


def _token(column: Any, most: int) -> tuple[int, bool]:
    """Return what tells a column's content, and whether it tells of all of it."""
    numpy: Any = sys.modules["numpy"]
    values = column if type(column) is numpy.ndarray else getattr(column, "_ndarray", None)
    if type(values) is numpy.ndarray:
        token, whole = _bytes(values, most)
        return (id(values) if token is None else token), whole
    # An Arrow array never changes; a column is given another one.
    content = getattr(column, "_pa_array", None)
    return id(column if content is None else content), False


def _bytes(values: Any, most: int) -> tuple[int | None, bool]:
    """Return a digest of an array's memory, or of samples of it, and whether it is of all."""
    if values.dtype.hasobject:
        return None, False
    whole = values.nbytes <= most
    if not whole:
        row = values.reshape(-1) if values.flags.c_contiguous else values[(0,) * (values.ndim - 1)]
        values = row[:: max(1, len(row) // _SAMPLES)]
    return xxhash.xxh3_64_intdigest(values.tobytes()), whole
