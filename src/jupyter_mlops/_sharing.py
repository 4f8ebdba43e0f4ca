"""Arrays that share memory, wherever they hang: written once, so that views stay views.

NumPy pickles every array with a copy of its own, without gaps, that may be written to. Here all
arrays that a pickler meets are noted; where some overlap in memory, that memory is written once and
each array as a view of it. An array with gaps keeps them, so that ``ravel`` is a copy of it where
it was one, and one that is read-only stays so.
"""

from __future__ import annotations

import ctypes
import sys
from bisect import bisect_right
from collections import Counter
from typing import Any


class Arrays:
    """The arrays that one pickler meets, in a first pass, and how they are made, in a second."""

    def __init__(self) -> None:
        self._numpy: Any = sys.modules.get("numpy")
        self._met: dict[int, Any] = {}
        """By identity; kept alive, so that no address is used twice."""
        self._left: dict[int, Any] = {}
        self._compact: dict[int, Any] = {}
        self._starts: list[int] = []
        self._blocks: list[tuple[int, Any]] = []
        """End of each stretch of shared memory, and that memory as an array of bytes."""
        self._roots: set[int] = set()

    def is_array(self, value: Any) -> bool:
        return self._numpy is not None and type(value) is self._numpy.ndarray

    def leave(self, array: Any) -> None:
        """Take an array as one that shares nothing, whatever its memory is."""
        self._left[id(array)] = array

    def compact(self, array: Any) -> None:
        """Take an array as one whose layout does not matter where it shares no memory."""
        self._compact[id(array)] = array

    def reduce(self, array: Any) -> Any:
        """Return how the array is made, where NumPy would make another one of it; or None."""
        if id(array) in self._left:
            return None
        return self._reduce_shared(array) or self._reduce_alone(array)

    def _reduce_shared(self, array: Any) -> Any:
        self._met[id(array)] = array
        if array.dtype.hasobject:
            return self._object_view(array)
        low, high = _bounds(array)
        position = bisect_right(self._starts, low) - 1
        if position < 0 or low >= high or self._blocks[position][0] < high:
            return None
        memory = self._blocks[position][1]
        offset = array.__array_interface__["data"][0] - self._starts[position]
        writeable = array.flags.writeable
        return _view, (memory, array.dtype, array.shape, array.strides, offset, writeable)

    def _reduce_alone(self, array: Any) -> Any:
        if id(array) in self._compact:
            return None
        flags = array.flags
        if not flags.forc and array.dtype.names is None:
            packed = array.copy()
            self.leave(packed)
            may = True if flags.writeable else None if _thawed(array) is None else False
            return _with_gaps, (packed, array.strides, may)
        if flags.writeable:
            return None
        thawed = _thawed(array)
        if thawed is None:
            # Its memory is read-only, and so is the buffer that it is written from.
            if not array.dtype.hasobject:
                return None
            thawed = array.copy()
        self.leave(thawed)
        return _frozen, (thawed,)

    def find_shared(self) -> bool:
        """Look for memory that several of the arrays share; tell whether there is any."""
        plain = [each for each in self._met.values() if not each.dtype.hasobject]
        stretches = sorted({(low, high) for low, high in map(_bounds, plain) if low < high})
        counts = Counter(map(_bounds, plain))
        start = end = shared = 0
        for low, high in stretches:
            if low >= end:
                self._close(start, end, shared)
                start, end, shared = low, high, 0
            end = max(end, high)
            shared += counts[low, high]
        self._close(start, end, shared)
        roots = Counter(
            id(_root(each)) for each in self._met.values() if each.dtype.hasobject and each.size
        )
        self._roots = {root for root, count in roots.items() if count > 1}
        return bool(self._starts or self._roots)

    def _close(self, start: int, end: int, arrays: int) -> None:
        if arrays > 1:
            # All of it lies in memory that the arrays keep alive.
            items = (ctypes.c_char * (end - start)).from_address(start)
            memory = self._numpy.frombuffer(items, self._numpy.uint8)
            self.leave(memory)
            self._starts.append(start)
            self._blocks.append((end, memory))

    def _object_view(self, array: Any) -> Any:
        root = _root(array)
        if root is array or id(root) not in self._roots:
            return None
        address = array.__array_interface__["data"][0]
        offset = (address - root.__array_interface__["data"][0]) // array.itemsize
        return _object_view, (root, array.shape, array.strides, offset)


def _bounds(array: Any) -> tuple[int, int]:
    """Return the first address of an array's memory and the one behind its last."""
    low = high = array.__array_interface__["data"][0]
    if not array.size:
        return low, low
    for length, stride in zip(array.shape, array.strides, strict=True):
        if stride < 0:
            low += (length - 1) * stride
        else:
            high += (length - 1) * stride
    return low, high + array.itemsize


def _root(array: Any) -> Any:
    """Return the array whose items an array of objects shows."""
    while type(array.base) is type(array) and array.base.dtype == array.dtype:
        array = array.base
    return array


def _view(
    memory: Any,
    dtype: Any,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    writeable: bool,
) -> Any:
    array = type(memory)(shape, dtype, memory, offset, strides)
    array.flags.writeable = writeable
    return array


def _with_gaps(packed: Any, strides: tuple[int, ...], writeable: bool | None) -> Any:
    """Make an array with these strides; ``writeable`` is None where it can never be."""
    from numpy.lib.stride_tricks import as_strided

    reach = [(n - 1) * s for n, s in zip(packed.shape, strides, strict=True) if packed.size]
    before = -sum(min(each, 0) for each in reach)
    size = before + sum(max(each, 0) for each in reach) + packed.itemsize
    if packed.dtype.hasobject:
        items = type(packed)(size // packed.itemsize, packed.dtype)
        array = as_strided(items[before // packed.itemsize :], packed.shape, strides)
    else:
        memory = bytearray(size)
        array = type(packed)(packed.shape, packed.dtype, memory, before, strides)
    array[...] = packed
    if writeable is None and not packed.dtype.hasobject:
        return type(packed)(packed.shape, packed.dtype, bytes(memory), before, strides)
    return array if writeable else _frozen(array)


def _thawed(array: Any) -> Any:
    """Return a view of a read-only array that may be written to, None where none can be had."""
    try:
        array.flags.writeable = True
    except ValueError:
        return None
    view = array.view()
    array.flags.writeable = False
    return view


def _frozen(array: Any) -> Any:
    # A view, so that it may be thawed again.
    array = array.view()
    array.flags.writeable = False
    return array


def _object_view(root: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Any:
    from numpy.lib.stride_tricks import as_strided

    flat = root.reshape(-1, order="A")
    return as_strided(flat[offset:], shape, strides)
