"""How values are pickled: notebook functions and classes keep their namespace, handles are refused.

A function of the notebook reads its globals from the namespace that receives it, as it does in
the notebook, instead of from a copy that travels along. A class that the receiving namespace
already defines under its name stays that one class, so that ``isinstance`` holds across steps.
"""

from __future__ import annotations

import collections
import enum
import functools
import gc
import io
import logging
import pickle
import pickletools
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import cloudpickle
from cloudpickle import cloudpickle as internals

from . import _enums, _loggers
from ._random_state import is_global_generator
from ._sharing import Arrays
from .fingerprints import fingerprint, importable

_RECEIVED = "__mlops_classes__"
"""Where a namespace keeps classes that were received, but that no cell of its own defines."""

_GIVEN = "__mlops_given__"
"""Where a namespace keeps which classes it was given by name."""

_SHARED_BLOCKS = "__mlops_blocks__"
"""Where a namespace keeps what makes frames copy on write."""

_receiving: ContextVar[dict[str, Any]] = ContextVar("receiving")
_wanted: ContextVar[frozenset[str]] = ContextVar("wanted")

_HANDLES: tuple[tuple[str, str, str], ...] = (
    ("io", "IOBase", "an open file"),
    ("tempfile", "_TemporaryFileWrapper", "an open file"),
    ("socket", "socket", "a socket"),
    ("types", "GeneratorType", "a generator"),
    ("types", "CoroutineType", "a coroutine"),
    ("types", "AsyncGeneratorType", "an asynchronous generator"),
    ("threading", "Thread", "a thread"),
    ("_thread", "LockType", "a lock"),
    ("_thread", "RLock", "a lock"),
    ("threading", "Condition", "a lock"),
    ("threading", "Semaphore", "a lock"),
    ("threading", "Event", "a lock"),
    ("sqlite3", "Connection", "a database connection"),
    ("sqlite3", "Cursor", "a database cursor"),
    ("sqlalchemy.engine", "Engine", "a database engine"),
    ("sqlalchemy.engine", "Connection", "a database connection"),
    ("duckdb", "DuckDBPyConnection", "a database connection"),
    ("subprocess", "Popen", "a running process"),
    ("concurrent.futures", "Executor", "a pool of workers"),
    ("mmap", "mmap", "a memory map"),
    ("builtins", "memoryview", "a view of memory"),
    ("multiprocessing.shared_memory", "SharedMemory", "memory that processes share"),
    ("multiprocessing.connection", "_ConnectionBase", "a connection to a process"),
    ("tempfile", "TemporaryDirectory", "a folder that ends with its process"),
    ("shelve", "Shelf", "an open database"),
    ("dbm.dumb", "_Database", "an open database"),
    ("tqdm.std", "tqdm", "a progress bar"),
    ("matplotlib.artist", "Artist", "a figure in use"),
)

_DICTS: tuple[dict[Any, Any], ...] = ({}, collections.OrderedDict())
_VIEWS: dict[type, str] = {
    type(getattr(empty, name)()): name for empty in _DICTS for name in ("keys", "values", "items")
}


class Refused(Exception):
    """Something that must not travel; the message names it, such as ``an open file``."""


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles values of one notebook namespace."""

    def __init__(
        self,
        stream: Any,
        namespace: dict[str, Any],
        buffer_callback: Callable[[pickle.PickleBuffer], Any] | None = None,
        arrays: Arrays | None = None,
    ) -> None:
        super().__init__(stream, protocol=5, buffer_callback=buffer_callback)
        self._arrays = arrays if arrays is not None else Arrays()
        self._namespace = namespace
        self._handles = _loaded_handles()
        self._block, self._extension_array = _frame_types()
        self._kept: dict[int, Any] = {}

    def reducer_override(self, value: Any) -> Any:
        """Refuse handles; take apart what belongs to the notebook or to a frame."""
        if isinstance(value, self._handles):
            return self._handle(value)
        if type(value) is functools.cached_property:
            # Before Python 3.12 it holds a lock, which each process makes for itself.
            state = {name: each for name, each in vars(value).items() if name != "lock"}
            return functools.cached_property, (value.func,), state
        if isinstance(value, functools._lru_cache_wrapper) and not importable(value):
            return _cached(value)
        if is_global_generator(value):
            return _global_generator, ()
        if isinstance(value, logging.Logger):
            return _loggers.reduce(value)
        if type(value) in _VIEWS:
            # It goes on to show the dict, which may travel too.
            return _receive_view, (gc.get_referents(value)[0], _VIEWS[type(value)])
        if self._arrays.is_array(value):
            reduced = self._arrays.reduce(value)
            return super().reducer_override(value) if reduced is None else reduced
        if isinstance(value, self._extension_array):
            self._keep(value)
        elif isinstance(value, self._block):
            return self._frame_block(value)
        if isinstance(value, types.FunctionType) and value.__globals__ is self._namespace:
            return self._function(value)
        if isinstance(value, types.CellType):
            return _cell(value)
        reduced = super().reducer_override(value)
        if isinstance(reduced, tuple) and isinstance(value, enum.EnumType):
            reduced = _enums.whole(value, reduced)
        key = self._class_key(value) if isinstance(reduced, tuple) else None
        if key is not None:
            # The last argument but one is for cloudpickle's own tracker of classes, which knows
            # of one process only.
            make, arguments = reduced[0], [*reduced[1]]
            arguments[-2] = None
            slots = vars(value).get("__slots__")
            is_named = issubclass(value, tuple) and hasattr(value, "_fields")
            if slots is not None and make is internals._make_skeleton_class and not is_named:
                # cloudpickle would make a class whose instances take any attribute.
                arguments[3] = {**arguments[3], "__slots__": slots}
            given = (key, reduced[5], reduced[2])
            return _receive_class, (make, key, *arguments), given, None, None, _set_class_state
        return reduced

    def _handle(self, value: Any) -> Any:
        if isinstance(value, io.StringIO | io.BytesIO):
            return super().reducer_override(value)
        for name in ("stdout", "stderr"):
            if value is getattr(sys, name):
                return getattr, (sys, name)
        raise Refused(_describe(value))

    def _function(self, function: types.FunctionType) -> Any:
        state, slots = internals._function_getstate(function)
        slots["__globals__"] = {}
        slots["__closure__"] = None
        code, _, name, defaults, _ = self._function_getnewargs(function)
        # Functions that were made by one call share their variables.
        arguments = (code, _Namespace(), name, defaults, function.__closure__)
        return _receive_function, arguments, (state, slots), None, None, _set_function_state

    def _class_key(self, value: Any) -> str | None:
        """Return how the receiver recognises a class of the notebook; None for any other."""
        if not isinstance(value, type) or value.__module__ != "__main__":
            return None
        for key, received in self._namespace.get(_RECEIVED, {}).items():
            if received is value:
                return str(key)
        if _resolve(self._namespace, value.__qualname__) is value:
            return f"{value.__qualname__} {_definition(value)}"
        return None

    def _frame_block(self, block: Any) -> Any:
        # pandas shares arrays between frames and copies on write, and forgets who shares when it
        # is pickled: after a plain round trip a change of one frame would change the other. An
        # array that was taken out of a frame shares its memory, as long as no other frame does;
        # then the frame takes new memory when it is next changed, here and where it is received.
        function, arguments = block.__reduce__()
        values, *rest = arguments
        if isinstance(values, self._extension_array):
            if any(id(part) in self._kept for part in _parts(values)):
                values = values.copy()
            self._keep(values)
        else:
            values = values.view()
            self._arrays.compact(values)
            if block.refs.has_reference():
                self._arrays.leave(values)
                return _receive_block, (function, values, *rest)
        return function, (values, *rest)

    def _keep(self, array: Any) -> None:
        for part in _parts(array):
            self._kept[id(part)] = part
            self._arrays.leave(part)


def _parts(array: Any) -> list[Any]:
    """Return an extension array and the arrays that hold its values."""
    inner = (getattr(array, name, None) for name in ("_ndarray", "_data", "_mask", "_codes"))
    return [array, *(part for part in inner if part is not None)]


class _Namespace:
    """Stands in the pickle for the namespace that receives it."""

    def __reduce__(self) -> Any:
        return _receiving_namespace, ()


@contextmanager
def receiving(namespace: dict[str, Any], names: Iterable[str] = ()) -> Iterator[None]:
    """Make ``namespace`` the one that functions and classes are bound to while unpickling.

    ``names`` are the variables that it is to be given.
    """
    token, other = _receiving.set(namespace), _wanted.set(frozenset(names))
    try:
        yield
    finally:
        _receiving.reset(token)
        _wanted.reset(other)


def modules(pickled: bytes) -> set[str]:
    """Return the names of the modules that unpickling imports; nothing is executed."""
    found: set[str] = set()
    texts: list[str] = [""]
    memo: list[str] = []
    for opcode, argument, _ in pickletools.genops(pickled):
        name = opcode.name
        if name == "MEMOIZE":
            memo.append(texts[-1])
            continue
        if name == "STACK_GLOBAL":
            module, attribute = texts[-2:]
            found.add(module)
            texts.append(f"{module}.{attribute}")
            continue
        text = ""
        if name in ("BINGET", "LONG_BINGET") and isinstance(argument, int):
            text = memo[argument]
        elif isinstance(argument, str):
            text = argument
        # cloudpickle keeps a module by the call subimport(name).
        if texts[-1] == "cloudpickle.cloudpickle.subimport":
            found.add(text)
        texts.append(text)
    return found


def _receiving_namespace() -> dict[str, Any]:
    return _receiving.get()


def _receive_function(
    code: types.CodeType, namespace: dict[str, Any], name: Any, defaults: Any, closure: Any
) -> types.FunctionType:
    return types.FunctionType(code, namespace, name, defaults, closure)


def _set_function_state(function: types.FunctionType, state: tuple[Any, dict[str, Any]]) -> None:
    attributes, slots = state
    function.__dict__.update(attributes)
    slots.pop("__globals__")
    slots.pop("_cloudpickle_submodules")  # importing them was their purpose
    slots.pop("__closure__")
    for name, value in slots.items():
        setattr(function, name, value)


def _cell(cell: types.CellType) -> Any:
    """Take a variable of a closure apart: what it holds may hold the cell, so it comes later."""
    try:
        held = cell.cell_contents
    except ValueError:  # the cell is empty
        return types.CellType, ()
    return types.CellType, (), (held,), None, None, _fill_cell


def _fill_cell(cell: types.CellType, held: tuple[Any]) -> None:
    (cell.cell_contents,) = held


def _global_generator() -> Any:
    import numpy.random

    return numpy.random.mtrand._rand


def _cached(function: functools._lru_cache_wrapper[Any]) -> Any:
    """Take a function with a cache apart; each process fills a cache of its own."""
    attributes = {name: each for name, each in vars(function).items() if name != "__wrapped__"}
    settings = function.cache_parameters()
    return _receive_cached, (function.__wrapped__, *settings.values()), attributes


def _receive_cached(function: Callable[..., Any], size: int | None, typed: bool) -> Any:
    return functools.lru_cache(size, typed)(function)


def _receive_view(mapping: Any, name: str) -> Any:
    return getattr(mapping, name)()


def _receive_block(make: Callable[..., Any], *arguments: Any) -> Any:
    """Make a block of a frame that is shared with another one, so that it is copied on write."""
    block = make(*arguments)
    _receiving.get().setdefault(_SHARED_BLOCKS, []).append(block.copy(deep=False))
    return block


def _receive_class(make: Callable[..., type], key: str, *arguments: Any) -> type:
    """Return the receiving namespace's own class where it is defined alike, or make it once."""
    namespace = _receiving.get()
    qualname, definition = key.split(" ")
    found = _resolve(namespace, qualname)
    is_own = isinstance(found, type) and found.__module__ == "__main__"
    if is_own and _definition(found) == definition:
        return found  # type: ignore[no-any-return]
    received: dict[str, type] = namespace.setdefault(_RECEIVED, {})
    if key not in received:
        received[key] = make(*arguments)
    return received[key]


def _set_class_state(value: type, state: tuple[str, Callable[..., Any], Any]) -> None:
    """Set a class' attributes, unless another step has given the class itself by its name."""
    key, set_state, content = state
    given: set[str] = _receiving.get().setdefault(_GIVEN, set())
    if key.partition(" ")[0].partition(".")[0] in _wanted.get():
        given.add(key)
    elif key in given:
        return
    set_state(value, content)


def _definition(value: type) -> str:
    """Return a digest of a class' code and bases; data that hangs on the class does not count."""
    parts: list[Any] = [
        (name, type(attribute).__name__, [each.__code__ for each in _functions(attribute)])
        for name, attribute in sorted(vars(value).items())
        if any(_functions(attribute))
    ]
    for base in value.__bases__:
        own = base.__module__ == "__main__"
        parts.append(_definition(base) if own else f"{base.__module__}.{base.__qualname__}")
    return fingerprint(parts)


def _functions(attribute: Any) -> list[types.FunctionType]:
    if isinstance(attribute, property):
        found = [attribute.fget, attribute.fset, attribute.fdel]
    else:
        found = [getattr(attribute, "__func__", attribute)]
    return [each for each in found if isinstance(each, types.FunctionType)]


def _resolve(namespace: dict[str, Any], qualname: str) -> Any:
    first, *rest = qualname.split(".")
    found = namespace.get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found


def _loaded_handles() -> tuple[type, ...]:
    return tuple(
        kind
        for module, name, _ in _HANDLES
        if isinstance(kind := getattr(sys.modules.get(module), name, None), type)
    )


def _describe(value: Any) -> str:
    for module, name, words in _HANDLES:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and isinstance(value, kind):
            return words
    return f"a {type(value).__name__}"


def _frame_types() -> tuple[Any, Any]:
    pandas = sys.modules.get("pandas")
    block = getattr(sys.modules.get("pandas._libs.internals"), "Block", ())
    extensions = getattr(getattr(pandas, "api", None), "extensions", None)
    return block, getattr(extensions, "ExtensionArray", ())
