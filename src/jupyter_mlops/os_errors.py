"""Errors of the operating system in the words of this package."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import MlopsError, Place

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
# SQLite's own words; they come wrapped in the errors of whatever uses it.
_FULL_WORDS = "database or disk is full"
_CLOSED_WORDS = ("attempt to write a readonly database", "unable to open database file")


@contextmanager
def explain_os_errors(where: Path | str) -> Iterator[None]:
    """Turn a full disk or a read-only folder into an `MlopsError` that says so.

    Errors of SQLite and errors that wrap the operating system's own count too.
    """
    try:
        yield
    except MlopsError:
        raise
    except Exception as error:
        explained = _explain(error, where)
        if explained is None:
            raise
        raise explained from error


def _explain(error: Exception, where: Path | str) -> MlopsError | None:
    for each in _chain(error):
        number = each.errno if isinstance(each, OSError) else None
        place = Place(str(getattr(each, "filename", None) or where))
        if number in FULL or _FULL_WORDS in str(each):
            return MlopsError(
                "project.disk-full",
                "The disk is full.",
                hint="free some space, then try again; nothing was changed.",
                place=place,
            )
        if number in _CLOSED or any(words in str(each) for words in _CLOSED_WORDS):
            return MlopsError(
                "project.read-only",
                "The project cannot be written to.",
                hint="make it writable, or point JUPYTER_MLOPS_PROJECT to a folder that is.",
                place=place,
            )
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
