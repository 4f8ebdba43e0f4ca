"""Objects on their way to the writer: pickled to a file, whole or not at all."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import xxhash

from ..os_errors import explain_os_errors


@dataclass(frozen=True, slots=True)
class Spooled:
    """``digest`` is of the pickled bytes: it tells two states of one object apart, no more."""

    digest: str
    bytes: int


class _Writer:
    """Counts, hashes and writes; remembers whether something of the notebook was referred to."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file
        self._hash = xxhash.xxh3_128()
        self.size = 0
        self.of_notebook = False

    def write(self, content: Any) -> int:
        data = memoryview(content).cast("B") if not isinstance(content, bytes) else content
        # Long pieces are the memory of arrays; names are in the short ones between them.
        if len(data) < 1 << 18 and b"__main__" in bytes(data):
            self.of_notebook = True
        self._hash.update(data)
        self.size += len(data)
        if self._file is not None:
            self._file.write(data)
        return len(data)

    def spooled(self) -> Spooled:
        return Spooled(self._hash.hexdigest(), self.size)


def spool(value: Any, path: Path) -> Spooled:
    """Pickle ``value`` to ``path``.

    Raises whatever the value's own pickling raises, and `MlopsError` ``project.disk-full``.
    """
    part = path.with_name(f".{path.name}.part")
    with explain_os_errors(path):
        try:
            try:
                found = _plain(value, part)
            except (pickle.PicklingError, AttributeError, TypeError):
                found = None
            if found is None:
                found = _by_value(value, part)
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return found


def digest(value: Any) -> str:
    """Return the digest that `spool` would give, without writing."""
    try:
        writer = _Writer(None)
        pickle.Pickler(writer, 5).dump(value)
        if not writer.of_notebook:
            return writer.spooled().digest
    except (pickle.PicklingError, AttributeError, TypeError):
        pass
    import cloudpickle

    writer = _Writer(None)
    cloudpickle.Pickler(writer, 5).dump(value)
    return writer.spooled().digest


def _plain(value: Any, path: Path) -> Spooled | None:
    """Pickle by reference, several times as fast; None where that would name the notebook."""
    with path.open("wb", buffering=1 << 20) as file:
        writer = _Writer(file)
        pickle.Pickler(writer, 5).dump(value)
    return None if writer.of_notebook else writer.spooled()


def _by_value(value: Any, path: Path) -> Spooled:
    import cloudpickle

    with path.open("wb", buffering=1 << 20) as file:
        writer = _Writer(file)
        cloudpickle.Pickler(writer, 5).dump(value)
    return writer.spooled()
