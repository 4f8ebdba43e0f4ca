"""Which variables share an object that can change: by identity, and arrays by their memory."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from .variables import is_fixed

Group = tuple[frozenset[str], frozenset[str]]
"""Names that share one object, and those of them that only hold it."""

_DEPTH = 3
_MOST_OBJECTS = 20_000
_MOST_ARRAYS = 60
_FROZEN = frozenset({tuple, frozenset})


@dataclass(slots=True)
class _Shared:
    """Who reaches one object: by being it, or by holding it."""

    own: set[str] = field(default_factory=set)
    holders: set[str] = field(default_factory=set)

    @property
    def names(self) -> set[str]:
        return self.own | self.holders


@dataclass(frozen=True, slots=True)
class _Memory:
    """An array's memory; ``isolated`` where others that see it are never changed through it."""

    name: str
    array: Any
    held: bool
    isolated: bool


def quick_groups(values: Mapping[str, Any], names: Iterable[str]) -> Iterator[Group]:
    """Yield what ``names`` share with other variables: only what is seen at once.

    ``values`` are all variables that can change.
    """
    by_id: dict[int, _Shared] = {}
    for name, value in values.items():
        if type(value) not in _FROZEN:
            by_id.setdefault(id(value), _Shared()).own.add(name)
    wanted: list[_Shared] = []
    for name in names:
        if name not in values:
            continue
        for thing, held in ((values[name], False), *((t, True) for t in _parts(values[name], 50))):
            shared = by_id.get(id(thing))
            if shared is not None:
                wanted.append(shared)
                if held:
                    shared.holders.add(name)
    yield from _same(wanted)


def all_groups(values: Mapping[str, Any]) -> set[Group]:
    """Return all that variables that can change share, down to a small depth."""
    shared: dict[int, _Shared] = {}
    memories: dict[int, list[_Memory]] = {}
    for name, value in values.items():
        for thing, held in _reach(value):
            known = shared.setdefault(id(thing), _Shared())
            (known.holders if held else known.own).add(name)
            for array, isolated in _arrays(thing):
                owner = _owner(array)
                memories.setdefault(id(owner), []).append(_Memory(name, array, held, isolated))
    found: dict[frozenset[str], frozenset[str]] = {}
    for group in (*_same(shared.values()), *_overlapping(memories.values())):
        names, holders = group
        # Of what the same names share, the strongest says it all.
        if names not in found or len(holders) < len(found[names]):
            found[names] = holders
    return set(found.items())


def _same(shared: Iterable[_Shared]) -> Iterator[Group]:
    for each in shared:
        if len(each.names) > 1:
            yield frozenset(each.names), frozenset(each.holders - each.own)


def _overlapping(memories: Iterable[list[_Memory]]) -> Iterator[Group]:
    numpy = sys.modules.get("numpy")
    for found in memories:
        for one, other in combinations(found[:_MOST_ARRAYS], 2):
            if one.name == other.name or (one.isolated and other.isolated):
                continue
            if numpy is not None and numpy.may_share_memory(one.array, other.array):
                holders = {memory.name for memory in (one, other) if memory.held}
                yield frozenset({one.name, other.name}), frozenset(holders)


def _reach(value: Any) -> Iterator[tuple[Any, bool]]:
    """Yield the objects that can change and that ``value`` is or holds, with whether it holds."""
    seen: set[int] = set()
    level, depth = [value], 0
    while level and depth <= _DEPTH:
        below: list[Any] = []
        for thing in level:
            if id(thing) in seen or len(seen) > _MOST_OBJECTS:
                continue
            seen.add(id(thing))
            if is_fixed(thing):
                continue
            if type(thing) not in _FROZEN and (depth == 0 or _can_be_held(thing)):
                yield thing, depth > 0
            if depth < _DEPTH:
                below += _parts(thing, _MOST_OBJECTS)
        level, depth = below, depth + 1


def _can_be_held(thing: Any) -> bool:
    """Tell whether a thing inside others is more than a token that everybody shares."""
    return isinstance(thing, list | dict | set | bytearray) or _is_array(thing) or _state(thing)


def _parts(value: Any, most: int) -> list[Any]:
    kind = type(value)
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)[:most] if len(value) <= most else []
    if isinstance(value, dict):
        return list(value.values()) if len(value) <= most else []
    if kind is types.FunctionType:
        cells = [c.cell_contents for c in value.__closure__ or () if _filled(c)]
        return [*cells, *(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
    if kind is types.MethodType:
        return [value.__self__]
    if _is_frame(value) or _is_array(value):
        return []
    state = getattr(value, "__dict__", None)
    return list(state.values()) if type(state) is dict and len(state) <= most else []


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _state(value: Any) -> bool:
    return type(getattr(value, "__dict__", None)) is dict


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, getattr(numpy, "ndarray", ()))


def _is_frame(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    kinds = getattr(pandas, "DataFrame", ()), getattr(pandas, "Series", ())
    return pandas is not None and isinstance(value, kinds)


def _arrays(value: Any) -> Iterator[tuple[Any, bool]]:
    """Yield the memory of an array or frame; pandas keeps its own objects apart from version 3."""
    if _is_array(value):
        yield value, False
    elif _is_frame(value):
        isolated = str(sys.modules["pandas"].__version__).partition(".")[0] not in ("0", "1", "2")
        for block in getattr(getattr(value, "_mgr", None), "blocks", ()):
            array = getattr(block.values, "_ndarray", block.values)
            if _is_array(array):
                yield array, isolated


def _owner(array: Any) -> Any:
    while True:
        base = getattr(array, "base", None)
        if base is None:
            return array
        array = base
