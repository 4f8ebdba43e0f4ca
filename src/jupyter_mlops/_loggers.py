"""How loggers travel: by name, with what the notebook has set on them.

A logger belongs to its process, and what a cell sets on it would be missed by the next step. Of
its handlers those travel along that write to the standard streams, to text in memory or to a file,
which is opened again to be continued; others stay where they are.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class _Kept:
    """A handler of a logger: where it writes to, and what is set on it."""

    target: Any
    settings: dict[str, Any]

    def made(self) -> logging.Handler:
        handler: logging.Handler
        if isinstance(self.target, str):
            handler = logging.FileHandler(self.target, delay=True)
        else:
            handler = logging.StreamHandler(self.target)
        return self.set(handler)

    def set(self, handler: logging.Handler) -> logging.Handler:
        vars(handler).update(self.settings)
        return handler

    def is_of(self, handler: logging.Handler) -> bool:
        target = _target(handler)
        return target is self.target or (isinstance(target, str) and target == self.target)


def reduce(logger: logging.Logger) -> tuple[Any, ...]:
    """Take a logger apart, as pickle does."""
    state = {name: vars(logger)[name] for name in ("level", "propagate", "disabled", "filters")}
    handlers = [
        _Kept(target, {name: vars(each)[name] for name in ("level", "formatter", "filters")})
        for each in logger.handlers
        if (target := _target(each)) is not None
    ]
    reduced: Any = logger.__reduce__()
    return (*reduced[:2], (state, handlers), None, None, _set)


def _set(logger: logging.Logger, given: tuple[dict[str, Any], list[_Kept]]) -> None:
    state, handlers = given
    vars(logger).update(state)
    logger.setLevel(logger.level)  # which loggers below it may have looked up already
    own = [each for each in logger.handlers if _target(each) is not None]
    for handler in own:
        logger.removeHandler(handler)
    for kept in handlers:
        # One that a cell of this process has made stays the same object.
        known = next((each for each in own if kept.is_of(each)), None)
        logger.addHandler(kept.set(known) if known is not None else kept.made())


def _target(handler: logging.Handler) -> Any:
    """Return the stream or the path to which a handler writes; None where it cannot travel."""
    if type(handler) is logging.FileHandler:
        path, here = handler.baseFilename, Path.cwd()
        # In a container the notebook's folder is another one.
        return os.path.relpath(path, here) if Path(path).is_relative_to(here) else path
    if type(handler) is logging.StreamHandler:
        stream = handler.stream
        if stream is sys.stdout or stream is sys.stderr or isinstance(stream, io.StringIO):
            return stream
    return None
