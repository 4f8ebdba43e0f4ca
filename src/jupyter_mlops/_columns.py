"""Digests of arrays, columns and frames, over their buffers and independent of their layout.

NumPy, pandas and pyarrow are looked up among the loaded modules: a value of theirs can only exist
where they are loaded.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import xxhash

Walk = Callable[[Any], bytes]

_CHUNK = 1 << 20
"""Bytes of a copy that is made where memory is not contiguous: it stays in the cache."""
_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None)})


def digest(value: Any, walk: Walk) -> bytes | None:
    """Return the digest of an array, frame or column; None where ``value`` is nothing of these.

    ``walk`` gives the digest of any other value that is found inside.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(value, numpy.ndarray):
        return _ndarray(value, walk)
    if isinstance(value, numpy.generic):
        if isinstance(value, numpy.void):
            return _join("numpy void", walk, [str(value.dtype), value.item()])
        return _join("numpy scalar", walk, [value.dtype.str, value.tobytes()])
    if isinstance(value, numpy.dtype):
        return _join("numpy dtype", walk, [str(value), value.metadata and dict(value.metadata)])
    if isinstance(value, numpy.ufunc):
        return _join("numpy ufunc", walk, [value.__name__])
    pandas = sys.modules.get("pandas")
    # A half imported pandas has no classes yet, and no values either.
    if pandas is not None and hasattr(pandas, "DataFrame"):
        if isinstance(value, pandas.DataFrame | pandas.Series):
            return _frame(value, walk)
        if isinstance(value, pandas.Index):
            return _index(value, walk)
        if isinstance(value, pandas.api.extensions.ExtensionArray):
            return _column(value, walk)
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and hasattr(arrow, "Table"):
        if isinstance(value, arrow.Table | arrow.RecordBatch):
            return _join("arrow table", walk, [str(value.schema), list(value.columns)])
        if isinstance(value, arrow.Array | arrow.ChunkedArray):
            return _arrow(value, walk)
    return None


def _join(tag: str, walk: Walk, parts: list[Any]) -> bytes:
    return _combine(tag, [walk(part) for part in parts])


def _combine(tag: str, digests: list[bytes]) -> bytes:
    return xxhash.xxh3_128_digest(tag.encode() + b"\0" + b"".join(digests))


def _frame(value: Any, walk: Walk) -> bytes:
    tag = type(value).__name__
    digests = [walk(value.index), walk(value.attrs) if value.attrs else b""]
    if hasattr(value, "columns"):
        digests.append(walk(value.columns))
        digests += [_column(column.array, walk) for _, column in value.items()]
    else:
        digests += [walk(value.name), _column(value.array, walk)]
    # A subclass, such as a GeoDataFrame, lists what it carries beside.
    digests += [walk(getattr(value, name, None)) for name in value._metadata if name != "name"]
    return _combine(tag, digests)


def _index(value: Any, walk: Walk) -> bytes:
    import pandas

    tag = type(value).__name__
    names = walk(list(value.names))
    if isinstance(value, pandas.RangeIndex):
        return _combine(tag, [names, walk((value.start, value.stop, value.step))])
    if isinstance(value, pandas.MultiIndex):
        # Levels may hold values that no row uses; rows are what counts.
        levels = [value.get_level_values(level) for level in range(value.nlevels)]
        return _combine(tag, [names, *(_column(level.array, walk) for level in levels)])
    return _combine(tag, [names, _column(value.array, walk)])


def _column(value: Any, walk: Walk) -> bytes:
    """Return the digest of a pandas array; equal for a slice and its copy."""
    import numpy
    import pandas

    arrays: Any = pandas.arrays
    parts = [walk(f"{value.dtype!s}")]
    if isinstance(value, arrays.NumpyExtensionArray):
        parts.append(_ndarray(value.to_numpy(), walk))
    elif isinstance(value, pandas.Categorical):
        categories = _column(value.categories.array, walk)
        parts += [walk(bool(value.ordered)), categories, _ndarray(value.codes, walk)]
    elif isinstance(value, arrays.DatetimeArray | arrays.TimedeltaArray | arrays.PeriodArray):
        parts.append(_ndarray(value.asi8, walk))
    elif isinstance(value, arrays.IntervalArray):
        parts += [_column(end.array, walk) for end in (value.left, value.right)]
    elif hasattr(value, "__arrow_array__") and hasattr(value, "_pa_array"):
        parts.append(_arrow(value._pa_array, walk))
    elif hasattr(value, "_mask") and hasattr(value, "_data"):
        mask, data = value._mask, value._data
        # What stands below the mask is arbitrary.
        data = numpy.where(mask, data.dtype.type(0), data) if mask.any() else data
        parts += [_ndarray(mask, walk), _ndarray(data, walk)]
    else:
        parts.append(_ndarray(numpy.asarray(value, dtype=object), walk))
    return _combine("column", parts)


def _ndarray(value: Any, walk: Walk) -> bytes:
    import numpy

    parts = [walk(value.dtype.str), walk(value.shape)]
    kind = type(value)
    if kind is not numpy.ndarray and kind is not numpy.memmap:
        parts += [walk(kind.__qualname__), walk(getattr(value, "__dict__", None) or None)]
        if isinstance(value, numpy.ma.MaskedArray):
            mask = numpy.ma.getmaskarray(value)
            data = numpy.where(mask, numpy.zeros((), value.dtype), numpy.asarray(value))
            return _combine("masked", [*parts[:3], _ndarray(mask, walk), _ndarray(data, walk)])
        value = value.view(numpy.ndarray)
    if value.dtype.names is not None:
        # Field by field: the padding between fields is arbitrary.
        fields = [_ndarray(value[name], walk) for name in value.dtype.names]
        return _combine("records", [*parts, walk(list(value.dtype.names)), *fields])
    if value.dtype.hasobject or value.dtype.kind == "T":
        return _combine("objects", [*parts, _objects(value.ravel().tolist(), walk)])
    if value.dtype.kind in "mM":
        parts.append(walk(str(value.dtype)))
    hasher = xxhash.xxh3_128()
    for part in _contiguous(value):
        hasher.update(part)
    return _combine("array", [*parts, hasher.digest()])


def _objects(values: list[Any], walk: Walk) -> bytes:
    if set(map(type, values)) <= _PLAIN:
        return xxhash.xxh3_128_digest(marshal.dumps(values, 2))
    hasher = xxhash.xxh3_128()
    for value in values:
        hasher.update(walk(value))
    return hasher.digest()


def _contiguous(value: Any) -> Iterator[memoryview]:
    """Give the bytes of an array in C order, copying by pieces only where they are scattered."""
    numpy: Any = sys.modules["numpy"]
    if value.size == 0:
        return
    if value.ndim == 0:
        value = value.reshape(1)
    if value.flags.c_contiguous:
        yield memoryview(value.reshape(-1).view(numpy.uint8))
        return
    row = max(1, value[0].size * value.itemsize)
    if row > _CHUNK and value.ndim > 1:
        for part in value:
            yield from _contiguous(part)
        return
    rows = max(1, _CHUNK // row)
    for start in range(0, len(value), rows):
        piece = numpy.ascontiguousarray(value[start : start + rows])
        yield memoryview(piece.reshape(-1).view(numpy.uint8))


def _arrow(value: Any, walk: Walk) -> bytes:
    """Return the digest of an Arrow array; chunks, offsets and what stands below nulls are free."""
    import pyarrow

    kinds = pyarrow.types
    chunks = value.chunks if isinstance(value, pyarrow.ChunkedArray) else [value]
    texts = kinds.is_string, kinds.is_large_string, kinds.is_binary, kinds.is_large_binary
    if any(is_text(value.type) for is_text in texts):
        content = _arrow_texts(chunks)
    elif kinds.is_primitive(value.type):
        content = _arrow_numbers(chunks)
    else:
        content = _objects(value.to_pylist(), walk)
    return _combine("arrow", [walk(str(value.type).removeprefix("large_")), content])


def _arrow_texts(chunks: list[Any]) -> bytes:
    numpy: Any = sys.modules["numpy"]
    import pyarrow.compute as compute

    valid, lengths, content = (xxhash.xxh3_128() for _ in range(3))
    for chunk in chunks:
        valid.update(numpy.asarray(chunk.is_valid().to_numpy(zero_copy_only=False)))
        if chunk.null_count:
            chunk = compute.fill_null(chunk, chunk.type.to_pandas_dtype()())
        wide = str(chunk.type).startswith("large_")
        offsets = (
            numpy.frombuffer(chunk.buffers()[1], numpy.int64 if wide else numpy.int32)[
                chunk.offset : chunk.offset + len(chunk) + 1
            ]
            if len(chunk)
            else numpy.zeros(1, int)
        )
        lengths.update(numpy.diff(offsets).astype(numpy.int64, copy=False))
        data = chunk.buffers()[2]
        if data is not None:
            content.update(memoryview(data)[int(offsets[0]) : int(offsets[-1])])
    return valid.digest() + lengths.digest() + content.digest()


def _arrow_numbers(chunks: list[Any]) -> bytes:
    numpy: Any = sys.modules["numpy"]
    import pyarrow

    valid, content = xxhash.xxh3_128(), xxhash.xxh3_128()
    for chunk in chunks:
        valid.update(numpy.asarray(chunk.is_valid().to_numpy(zero_copy_only=False)))
        if pyarrow.types.is_temporal(chunk.type):
            chunk = chunk.view(pyarrow.int64() if chunk.type.bit_width == 64 else pyarrow.int32())
        if chunk.null_count:
            chunk = chunk.fill_null(False if pyarrow.types.is_boolean(chunk.type) else 0)
        content.update(numpy.ascontiguousarray(chunk.to_numpy(zero_copy_only=False)))
    return valid.digest() + content.digest()
