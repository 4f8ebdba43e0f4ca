"""Fingerprints: one digest for equal content, in any process, whatever the memory layout.

Numbers, text and containers are hashed by content; arrays and frames column by column over their
buffers, near memory bandwidth; every other object by its type and its state, as pickle would take
it apart, but never by pickled bytes, because these differ between a slice and its copy, and
between a model and its round trip. Nothing of an object's state is left out, with two exceptions:
source places of code (file names, line numbers), and what Python and scikit-learn note of a
process: caches on classes, addresses in memory, how often a search tree was asked.

Functions count by code, defaults and closure, and importable ones also by their name; the globals
that they read do not count. The order of dicts counts, the order of sets does not.
"""

from __future__ import annotations

import array
import collections
import copyreg
import enum
import functools
import io
import marshal
import sys
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import xxhash

from . import _columns
from ._random_state import is_global_generator
from .errors import MlopsError

_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None)})
# Version 2 has neither back references nor interning flags: bytes follow from content alone.
_MARSHAL = 2
_CLASS_CACHES = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__slotnames__",
        "__firstlineno__",
        "__static_attributes__",
        "_abc_impl",
        "__abstractmethods__",
    }
)
_ENUM_INTERNALS = frozenset(
    {
        "_generate_next_value_",
        "_member_names_",
        "_member_map_",
        "_member_type_",
        "_value2member_map_",
        "_new_member_",
        "_unhashable_values_",
        "_use_args_",
        "_value_repr_",
    }
)

_ADDRESSES = frozenset({"_stop_words_id"})
"""Attributes that hold where in memory something is; scikit-learn's text vectorizers have one."""

_TREES = ("sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree")
_TREE_COUNTS = slice(7, 11)
"""Where scikit-learn's search trees count in their state how often they were searched."""


def fingerprint(value: object) -> str:
    """Return the content digest of ``value``: 32 hex digits of xxh3_128.

    Raises
    ------
    MlopsError
        ``fingerprints.unsupported`` where something in the value has no state that can be read
        (an open file, a lock, a generator), or is nested too deeply.
    """
    try:
        return _Walker().digest(value).hex()
    except RecursionError:
        raise MlopsError(
            "fingerprints.unsupported",
            f"The {type(value).__name__} is nested too deeply for a fingerprint.",
            hint="keep it in a flat container.",
        ) from None
    except MlopsError:
        raise
    except Exception as error:
        raise MlopsError(
            "fingerprints.unsupported",
            f"No fingerprint can be taken of the {type(value).__name__}: {error}.",
            hint="keep open files, locks and connections out of values that other cells use.",
        ) from error


class _Walker:
    """Takes one value apart; each container and object becomes a digest of its parts' digests."""

    def __init__(self) -> None:
        # Values are kept alive with their digests: an id must not be used twice during a walk.
        self._known: dict[int, tuple[object, bytes | int]] = {}
        self._depth = 0

    def digest(self, value: Any) -> bytes:
        kind = type(value)
        if kind in _PLAIN:
            return _hash(kind.__name__.encode(), marshal.dumps(value, _MARSHAL))
        known = self._known.get(id(value))
        if known is not None:
            found = known[1]
            # A number is the depth of a value that is being walked: a cycle leads back to it.
            if isinstance(found, bytes):
                return found
            return _hash(b"cycle", str(self._depth - found).encode())
        self._depth += 1
        self._known[id(value)] = (value, self._depth)
        digest = self._walk(kind, value)
        self._known[id(value)] = (value, digest)
        self._depth -= 1
        return digest

    def _walk(self, kind: type, value: Any) -> bytes:
        simple = _WALKS.get(kind)
        if simple is not None:
            return simple(self, value)
        if isinstance(value, type):
            return self._class(value)
        columns = _columns.digest(value, self.digest)
        if columns is not None:
            return columns
        if isinstance(value, types.ModuleType):
            return _hash(b"module", value.__name__.encode())
        return self._object(kind, value)

    def join(self, tag: str, parts: Iterable[Any]) -> bytes:
        hasher = xxhash.xxh3_128(tag.encode() + b"\0")
        for part in parts:
            hasher.update(self.digest(part))
        return hasher.digest()

    def _sequence(self, value: list[Any] | tuple[Any, ...]) -> bytes:
        tag = type(value).__name__
        if set(map(type, value)) <= _PLAIN:
            return _hash(tag.encode() + b" of plain", marshal.dumps(list(value), _MARSHAL))
        return self.join(tag, value)

    def _dict(self, value: dict[Any, Any]) -> bytes:
        hasher = xxhash.xxh3_128(b"dict\0")
        hasher.update(self._sequence(list(value)))
        hasher.update(self._sequence(list(value.values())))
        return hasher.digest()

    def _set(self, value: set[Any] | frozenset[Any]) -> bytes:
        return _hash(type(value).__name__.encode(), b"".join(sorted(map(self.digest, value))))

    def _function(self, function: types.FunctionType) -> bytes:
        if importable(function):
            return self.join("function", [_name(function), function.__code__])
        parts: list[Any] = [
            function.__name__,
            function.__code__,
            function.__defaults__,
            function.__kwdefaults__,
            function.__dict__,
            function.__closure__,
        ]
        return self.join("function", parts)

    def _code(self, code: types.CodeType) -> bytes:
        parts: list[Any] = [
            code.co_code,
            code.co_consts,
            code.co_names,
            code.co_varnames,
            code.co_freevars,
            code.co_cellvars,
            code.co_flags,
            code.co_argcount,
            code.co_posonlyargcount,
            code.co_kwonlyargcount,
            getattr(code, "co_exceptiontable", b""),
        ]
        return self.join("code", parts)

    def _cell(self, cell: types.CellType) -> bytes:
        try:
            return self.join("cell", [cell.cell_contents])
        except ValueError:
            return _hash(b"empty cell", b"")

    def _builtin(self, value: types.BuiltinFunctionType) -> bytes:
        owner = getattr(value, "__self__", None)
        if owner is None or isinstance(owner, types.ModuleType):
            return self.join("builtin", [_name(value)])
        return self.join("builtin", [value.__name__, owner])

    def _memory_file(self, file: io.StringIO | io.BytesIO) -> bytes:
        state: Any = file.__getstate__()
        return self.join(type(file).__name__, [*state[:-1], state[-1] or {}])

    def _class(self, value: type) -> bytes:
        if importable(value):
            return _hash(b"class", _name(value).encode())
        skip = _CLASS_CACHES
        members: list[Any] = []
        if issubclass(value, enum.Enum):
            members = [(each.name, each.value) for each in value]
            names = [each.name for each in value]
            skip = skip | _ENUM_INTERNALS | {*names, "__new__"}
        body = {
            name: attribute
            for name, attribute in sorted(vars(value).items())
            if name not in skip
            and not isinstance(attribute, types.MemberDescriptorType | types.GetSetDescriptorType)
        }
        return self.join("own class", [_name(value), value.__bases__, members, body])

    def _object(self, kind: type, value: Any) -> bytes:
        if is_global_generator(value):
            return _hash(b"global generator", b"")
        reducer = copyreg.dispatch_table.get(kind)
        reduced = reducer(value) if reducer else value.__reduce_ex__(4)
        if isinstance(reduced, str):
            return self.join("global", [kind, reduced])
        function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        if type(state) is dict and not state:
            # Exceptions and others have a dict of their own once somebody has looked for it.
            state = None
        elif isinstance(state, dict) and all(type(name) is str for name in state):
            # The order in which attributes were set says nothing of the object.
            state = {name: state[name] for name in sorted(state) if name not in _ADDRESSES}
        elif isinstance(state, tuple) and kind.__module__ in _TREES:
            state = (*state[: _TREE_COUNTS.start], *state[_TREE_COUNTS.stop :])
        parts = [kind, function, arguments, state]
        if items is not None:
            parts.append(list(items))
        if pairs is not None:
            parts.append(dict(pairs))
        return self.join("object", parts)


_Walk = Callable[[_Walker, Any], bytes]

_DICTS: tuple[dict[Any, Any], ...] = ({}, collections.OrderedDict())

_WALKS: dict[type, _Walk] = {
    list: _Walker._sequence,
    tuple: _Walker._sequence,
    dict: _Walker._dict,
    set: _Walker._set,
    frozenset: _Walker._set,
    bytearray: lambda walker, value: _hash(b"bytearray", value),
    memoryview: lambda walker, value: walker.join(
        "memoryview", [value.format, value.shape, value.tobytes()]
    ),
    array.array: lambda walker, value: walker.join("array", [value.typecode, value.tobytes()]),
    types.FunctionType: _Walker._function,
    types.CodeType: _Walker._code,
    types.CellType: _Walker._cell,
    types.BuiltinFunctionType: _Walker._builtin,
    types.WrapperDescriptorType: lambda walker, value: walker.join("slot", [_owned(value)]),
    types.MethodDescriptorType: lambda walker, value: walker.join("slot", [_owned(value)]),
    types.ClassMethodDescriptorType: lambda walker, value: walker.join("slot", [_owned(value)]),
    types.MemberDescriptorType: lambda walker, value: walker.join("slot", [_owned(value)]),
    types.GetSetDescriptorType: lambda walker, value: walker.join("slot", [_owned(value)]),
    types.MethodType: lambda walker, value: walker.join("method", [value.__func__, value.__self__]),
    types.MappingProxyType: lambda walker, value: walker.join("mapping", [dict(value)]),
    staticmethod: lambda walker, value: walker.join("staticmethod", [value.__func__]),
    classmethod: lambda walker, value: walker.join("classmethod", [value.__func__]),
    property: lambda walker, value: walker.join("property", [value.fget, value.fset, value.fdel]),
    functools._lru_cache_wrapper: lambda walker, value: walker.join(
        "cached", [value.__wrapped__, value.cache_parameters()]
    ),
    functools.cached_property: lambda walker, value: walker.join(
        "cached_property", [value.func, value.attrname]
    ),
    # As pickle takes it apart, it has a dict of its own once somebody has looked for it.
    functools.partial: lambda walker, value: walker.join(
        "partial", [value.func, value.args, value.keywords, vars(value)]
    ),
    **{
        type(view): lambda walker, value: walker.join(type(value).__name__, [list(value)])
        for empty in _DICTS
        for view in (empty.keys(), empty.values(), empty.items())
    },
    # A file in memory has a dict of its own, too, once somebody has looked for it.
    io.StringIO: _Walker._memory_file,
    io.BytesIO: _Walker._memory_file,
    weakref.ref: lambda walker, value: walker.join("weakref", [value()]),
    type(Ellipsis): lambda walker, value: _hash(b"Ellipsis", b""),
    type(NotImplemented): lambda walker, value: _hash(b"NotImplemented", b""),
}


def _hash(tag: bytes, content: Any) -> bytes:
    hasher = xxhash.xxh3_128(tag + b"\0")
    hasher.update(content)
    return hasher.digest()


def _name(value: Any) -> str:
    module = getattr(value, "__module__", None)
    return f"{module}:{getattr(value, '__qualname__', value.__name__)}"


def _owned(value: Any) -> str:
    return f"{_name(value.__objclass__)}.{value.__name__}"


def importable(value: Any) -> bool:
    """Tell whether another process finds the very same thing by its name."""
    module = getattr(value, "__module__", None)
    if module is None or module == "__main__":
        return False
    found: Any = sys.modules.get(module)
    for part in getattr(value, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return found is value
