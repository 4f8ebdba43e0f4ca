"""Data that cells read: files, queries, packages' own data; each with a digest of its content."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import xxhash

from ..errors import MlopsError
from ..fingerprints import fingerprint
from .names import CellNames, Source
from .records import Dataset
from .redaction import redact

_PIECE = 1 << 20
_MOST_OF_CELL = 200
_LONGEST_QUERY = 2000
_SMALL = 1 << 20
_SCHEMES = ("http://", "https://", "s3://", "gs://", "gcs://", "abfs://", "az://", "hdfs://")

Make = Callable[[], Dataset | None]


class Sources:
    """Makes the records of what cells read; content is hashed in the background.

    Parameters
    ----------
    root
        The project's root: files below it are named as seen from there.
    later
        Runs what makes a record, in the background, and appends it.
    """

    def __init__(self, root: Path, later: Callable[[Make], None]) -> None:
        self._root = root
        self._later = later
        self._order = 0
        self._of_cell: set[str] = set()
        self._hashed: dict[str, tuple[tuple[int, int], str]] = {}
        self._told: dict[str, str] = {}
        """The last digest that was recorded of each source."""

    def begin(self, order: int) -> None:
        self._order, self._of_cell = order, set()

    def file(self, path: str) -> None:
        """Record that the running cell reads a file or an address."""
        if not self._order or len(self._of_cell) >= _MOST_OF_CELL or path in self._of_cell:
            return
        self._of_cell.add(path)
        if path.startswith(_SCHEMES):
            self._later(partial(self._remote, self._order, path))
        else:
            self._later(partial(self._local, self._order, os.path.abspath(path)))

    def query(self, connection: Any, query: str, result: Any) -> None:
        """Record what the running cell asked a database for; ``result`` is a frame."""
        if not self._order or not hasattr(result, "columns"):
            return
        source, words = redact(_database(connection)), redact(query)[:_LONGEST_QUERY]
        make = partial(self._answer, self._order, source, words, result.copy(deep=False))
        self._later(make)

    def collect(self, names: CellNames, namespace: Mapping[str, Any]) -> None:
        """Record what a finished cell read, as far as its source alone tells."""
        for source in names.reads:
            argument = source.argument
            if argument is not None and not source.literal:
                value = namespace.get(argument)
                argument = os.fspath(value) if isinstance(value, str | Path) else None
            if argument is not None and os.path.isfile(argument):
                self.file(argument)
        for name, source in names.sources.items():
            if name in names.bound and name in namespace:
                self._package(name, source, namespace)

    def _package(self, name: str, source: Source, namespace: Mapping[str, Any]) -> None:
        package = _package_of(source.words, namespace)
        if package is None or callable(namespace[name]):
            return
        what = source.words.rpartition(".")[2]
        if source.literal and source.argument:
            what = f"{what} {source.argument}"
        value = namespace[name]
        if hasattr(value, "copy") and hasattr(value, "columns"):
            value = value.copy(deep=False)
        make = partial(self._given, self._order, package, what, name, value)
        # What may be changed in place before the background comes to it is hashed now, if small.
        if getattr(value, "nbytes", _SMALL + 1) <= _SMALL:
            record = make()
            make = partial(_same, record)
        self._later(make)

    def _given(self, order: int, package: str, what: str, name: str, value: Any) -> Dataset | None:
        try:
            digest = fingerprint(value)
        except MlopsError:
            digest = ""
        shape = getattr(value, "shape", None)
        return self._once(
            Dataset(
                time=time.time(),
                order=order,
                name=f"{package.partition('==')[0]} {what}: {name}",
                kind="package",
                source=f"{package} {what}",
                fingerprint=digest,
                rows=shape[0] if shape else None,
                columns=shape[1] if shape and len(shape) > 1 else None,
            )
        )

    def _local(self, order: int, path: str) -> Dataset | None:
        try:
            status = os.stat(path)
            if not os.path.isfile(path):
                return None
            version = status.st_mtime_ns, status.st_size
            known = self._hashed.get(path)
            digest = known[1] if known is not None and known[0] == version else file_digest(path)
        except OSError:
            return None
        self._hashed[path] = version, digest
        package = _installed(path)
        shown = path
        if package is None and Path(path).is_relative_to(self._root):
            shown = Path(path).relative_to(self._root).as_posix()
        if package is not None and _is_code(path):
            return None
        return self._once(
            Dataset(
                time=time.time(),
                order=order,
                name=redact(shown if package is None else f"{package} {Path(path).name}"),
                kind="file" if package is None else "package",
                source=redact(shown if package is None else f"{package} {Path(path).name}"),
                fingerprint=digest,
                bytes=status.st_size,
            )
        )

    def _remote(self, order: int, address: str) -> Dataset | None:
        shown = redact(address)
        return self._once(
            Dataset(time=time.time(), order=order, name=shown, kind="file", source=shown)
        )

    def _answer(self, order: int, source: str, query: str, result: Any) -> Dataset | None:
        try:
            digest = fingerprint(result)
        except MlopsError:
            digest = ""
        return self._once(
            Dataset(
                time=time.time(),
                order=order,
                name=f"{source}: {query}"[:250],
                kind="sql",
                source=source,
                fingerprint=digest,
                rows=len(result),
                columns=len(result.columns),
                bytes=int(result.memory_usage(index=True, deep=False).sum()),
                query=query,
            )
        )

    def _once(self, record: Dataset) -> Dataset | None:
        """Return the record, None where the same content of this source was recorded last."""
        known = self._told.get(record.name)
        if known is not None and known == record.fingerprint:
            return None
        self._told[record.name] = record.fingerprint
        return record


def _same(record: Dataset | None) -> Dataset | None:
    return record


def file_digest(path: str) -> str:
    """Return the digest of a file's bytes, as `fingerprints` takes it of memory."""
    hasher = xxhash.xxh3_128()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return hasher.hexdigest()


def _database(connection: Any) -> str:
    """Return the address of what a connection leads to, without a password."""
    engine = getattr(connection, "engine", None)
    url = getattr(engine, "url", None)
    if url is not None and hasattr(url, "render_as_string"):
        return str(url.render_as_string(hide_password=True))
    sqlite: Any = sys.modules.get("sqlite3")
    if sqlite is not None and isinstance(connection, sqlite.Connection):
        # A cursor of our own: the connection may turn rows into something else.
        cursor = connection.cursor()
        cursor.row_factory = None
        for _, name, file in cursor.execute("PRAGMA database_list").fetchall():
            if name == "main":
                return f"sqlite:///{file}" if file else "sqlite://"
    return f"{type(connection).__module__}.{type(connection).__qualname__}"


def _package_of(words: str, namespace: Mapping[str, Any]) -> str | None:
    """Return the package, with its version, whose own data a call or an import gives."""
    base, _, rest = words.partition(".")
    found = namespace.get(base)
    module = getattr(found, "__name__", base) if _is_module(found) else ""
    if not module:
        owner = getattr(found, "__module__", None) if callable(found) else base
        module = owner or ""
    if module.startswith("sklearn") and ".datasets" not in f"{module}.{rest}":
        return None
    top = module.partition(".")[0]
    loaded = sys.modules.get(top)
    file = getattr(loaded, "__file__", None)
    # Readers of the user's own files are packages as well: what they read is told by `Readers`.
    if file is None or _installed(file) is None or top in ("pandas", "numpy", "polars", "joblib"):
        return None
    return _version(top)


def _is_module(value: Any) -> bool:
    return isinstance(value, type(sys))


@cache
def _version(package: str) -> str:
    # Imported late: it takes longer than all else of loading capture.
    from importlib import metadata

    for name in _distributions().get(package, [package]):
        try:
            return f"{name}=={metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    return package


def _distributions() -> Mapping[str, list[str]]:
    return {"sklearn": ["scikit-learn"]}


def _installed(path: str) -> str | None:
    """Return the package, with its version, that a file belongs to; None for the user's own."""
    for folder in _folders():
        if path.startswith(folder + os.sep):
            top = path[len(folder) + 1 :].partition(os.sep)[0]
            return _version(top.removesuffix(".py"))
    return None


@cache
def _folders() -> tuple[str, ...]:
    import sysconfig

    paths = sysconfig.get_paths()
    return tuple(dict.fromkeys(paths[name] for name in ("purelib", "platlib", "stdlib")))


def _is_code(path: str) -> bool:
    return path.endswith((".py", ".pyc", ".so", ".json.schema", ".ttf", ".mplstyle"))
