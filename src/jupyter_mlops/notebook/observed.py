"""What cells were seen to do to the kernel's variables, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import xxhash

from .cell_magic import without_declaration
from .document import Cell

Names = tuple[str, ...]


def source_digest(source: str) -> str:
    """Return the digest that tells whether a cell's source is still the one that ran."""
    source = without_declaration(source)
    return xxhash.xxh3_128_hexdigest(source.strip().encode("utf-8", "surrogatepass"))


class ObservedCell(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one execution of a cell was seen to do.

    Variables that were bound to another object (``binds``), whose object has other content than
    before (``changes``), that are gone (``deletes``), and ``reads``: variables from before the
    cell that its code named, in text that it evaluated too. ``aliases`` are names that share an
    object which can change; those of ``holders`` at the same place only hold it, the others are
    it. Of ``unknown`` variables it could not be told whether they changed. ``full`` tells that all
    variables were looked at, with nothing left out for want of time.
    """

    cell: str
    source_digest: str
    reads: Names = ()
    binds: Names = ()
    changes: Names = ()
    deletes: Names = ()
    aliases: tuple[Names, ...] = ()
    holders: tuple[Names, ...] = ()
    unknown: Names = ()
    full: bool = False

    def sharing(self) -> Iterator[tuple[Names, Names]]:
        """Yield for each shared object the names that are it, and those that hold it."""
        for number, names in enumerate(self.aliases):
            holders = self.holders[number] if number < len(self.holders) else ()
            yield tuple(name for name in names if name not in holders), holders


class ObservedFlow(msgspec.Struct, frozen=True):
    """What the cells of a notebook were seen to do, in the order of execution."""

    cells: tuple[ObservedCell, ...] = ()

    def of(self, cell: Cell) -> ObservedCell | None:
        """Return what the cell was last seen to do; None where its source is another now."""
        digest = source_digest(cell.source)
        found = [e for e in self.cells if e.cell == cell.id and e.source_digest == digest]
        return found[-1] if found else None

    def joined(self, other: ObservedFlow) -> ObservedFlow:
        """Return all that either saw: a cell that both saw did what it did in one of them."""
        merged: dict[tuple[str, str], ObservedCell] = {}
        for each in (*self.cells, *other.cells):
            key = each.cell, each.source_digest
            merged[key] = _both(merged[key], each) if key in merged else each
        return ObservedFlow(tuple(merged.values()))

    def to_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ObservedFlow:
        """Raises `msgspec.ValidationError` where the content is no flow."""
        return msgspec.convert(content, cls)


def _both(one: ObservedCell, other: ObservedCell) -> ObservedCell:
    pairs = dict.fromkeys((*_groups(one), *_groups(other)))
    return ObservedCell(
        one.cell,
        one.source_digest,
        reads=_union(one.reads, other.reads),
        binds=_union(one.binds, other.binds),
        changes=_union(one.changes, other.changes),
        deletes=_union(one.deletes, other.deletes),
        aliases=tuple(names for names, _ in pairs),
        holders=tuple(holders for _, holders in pairs),
        unknown=_union(one.unknown, other.unknown),
        full=one.full and other.full,
    )


def _groups(cell: ObservedCell) -> Iterator[tuple[Names, Names]]:
    for own, holders in cell.sharing():
        yield tuple(sorted((*own, *holders))), holders


def _union(one: Iterable[str], other: Iterable[str]) -> Names:
    return tuple(sorted({*one, *other}))
