"""Errors of the operating system in the words of this package."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import MlopsError, Place


@contextmanager
def explain_os_errors(where: Path | str) -> Iterator[None]:
    """Turn a full disk or a read-only folder into an `MlopsError` that says so."""
    try:
        yield
    except OSError as error:
        place = Place(str(error.filename or where))
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise MlopsError(
                "project.disk-full",
                "The disk is full.",
                hint="free some space, then try again; nothing was changed.",
                place=place,
            ) from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise MlopsError(
                "project.read-only",
                "The project cannot be written to.",
                hint="make it writable, or point JUPYTER_MLOPS_PROJECT to a folder that is.",
                place=place,
            ) from error
        raise
