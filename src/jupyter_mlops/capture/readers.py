"""Pandas' and numpy's readers, told of each file and query that they read.

Not their public functions are replaced but what these call to open a file: a name that was imported
before is told of too. An audit hook would see every file, and makes ``id()`` five times as slow for
the life of the kernel.
"""

from __future__ import annotations

import builtins
import functools
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

from .imports import Then

File = Callable[[str], None]
Query = Callable[[Any, str, Any], None]

_MARK = "_mlops_told"
_DATABASES = ("SQLDatabase", "SQLiteDatabase", "ADBCDatabase")


class Readers:
    """Tells of reads until it is stopped; of several the one that was made last.

    Parameters
    ----------
    file
        Called, and never raises, with a path or an address that is read.
    query
        Called with the connection, the query or the table's name, and the frame that came of it.
    """

    _listening: ClassVar[Readers | None] = None

    def __init__(self, file: File, query: Query) -> None:
        self._file = file
        self._query = query
        Readers._listening = self

    def stop(self) -> None:
        if Readers._listening is self:
            Readers._listening = None

    @property
    def imports(self) -> dict[str, Then]:
        """What `ImportWatch` calls with which module."""
        return {
            "pandas.io.common": self._handles,
            "pandas.io.parquet": self._parquet,
            "pandas.io.sql": self._sql,
            "numpy.lib._npyio_impl": self._numpy,
            "numpy.lib._datasource": self._text,
        }

    def _handles(self, common: ModuleType) -> None:
        self._everywhere(common, "get_handle", lambda path, mode="r", *_, **__: (path, mode))

    def _parquet(self, parquet: ModuleType) -> None:
        self._everywhere(
            parquet,
            "_get_path_or_handle",
            lambda path, fs=None, storage_options=None, mode="rb", *_, **__: (path, mode),
        )

    def _numpy(self, module: ModuleType) -> None:
        # The module calls the built-in one: a name of its own comes before that.
        if not hasattr(vars(module).get("open"), _MARK):
            given = lambda path, mode="r", *_, **__: (path, mode)  # noqa: E731
            vars(module)["open"] = self._told(builtins.open, given)

    def _text(self, module: ModuleType) -> None:
        self._everywhere(module, "open", lambda path, mode="r", *_, **__: (path, mode))

    def _sql(self, sql: ModuleType) -> None:
        for name in _DATABASES:
            kind = getattr(sql, name, None)
            for method in ("read_query", "read_table"):
                original = vars(kind).get(method) if kind is not None else None
                if original is not None and not hasattr(original, _MARK):
                    setattr(kind, method, self._queried(original))

    def _everywhere(self, module: ModuleType, name: str, given: Callable[..., Any]) -> None:
        """Replace a function of a package's own wherever its modules have imported it."""
        original = getattr(module, name, None)
        if original is None or hasattr(original, _MARK):
            return
        told = self._told(original, given)
        package = module.__name__.rpartition(".")[0]
        for other, loaded in list(sys.modules.items()):
            if other.startswith(package) and vars(loaded).get(name) is original:
                vars(loaded)[name] = told
        vars(module)[name] = told

    def _told(
        self, original: Callable[..., Any], given: Callable[..., tuple[Any, str]]
    ) -> Callable[..., Any]:
        @functools.wraps(original)
        def told(*arguments: Any, **words: Any) -> Any:
            result = original(*arguments, **words)
            listening = Readers._listening
            if listening is not None:
                path, mode = given(*arguments, **words)
                if isinstance(path, str | os.PathLike) and not set(mode) & set("wax+"):
                    listening._file(os.fspath(path))
            return result

        setattr(told, _MARK, True)
        return told

    def _queried(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def told(database: Any, query: Any, *arguments: Any, **words: Any) -> Any:
            result = original(database, query, *arguments, **words)
            listening = Readers._listening
            if listening is not None:
                listening._query(database.con, str(query), result)
            return result

        setattr(told, _MARK, True)
        return told
