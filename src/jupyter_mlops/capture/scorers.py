"""Scikit-learn's metric functions, scorers and ``score`` methods, told of each result.

The functions stay what they are: each is a wrapper that checks its parameters and calls what its
closure holds, and that is replaced. So a name that was imported before is told of too, and what
pickles or fingerprints such a function finds the very same one.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import FrameType, FunctionType, ModuleType
from typing import Any, ClassVar, NamedTuple

_VALIDATION = ("cross_val_score", "cross_validate")
_INNER = "func"
_MARK = "_mlops_told"


class Result(NamedTuple):
    """A call that has returned: of a function, or of a ``score`` method of ``owner``."""

    name: str
    owner: Any
    arguments: tuple[Any, ...]
    words: dict[str, Any]
    value: Any
    function: Callable[..., Any]
    frame: FrameType


class Scorers:
    """Tells ``told`` of results; only of calls that scikit-learn does not make itself.

    ``told`` never raises. What was replaced stays so, and tells the one that was made last.
    """

    _listening: ClassVar[Scorers | None] = None

    def __init__(self, told: Callable[[Result], None]) -> None:
        self._told = told
        Scorers._listening = self

    def stop(self) -> None:
        """Let results pass unseen from now on."""
        if Scorers._listening is self:
            Scorers._listening = None

    def imported(self, module: ModuleType) -> None:
        """Replace what a module of scikit-learn defines; what `ImportWatch` calls."""
        name = module.__name__
        if name == "sklearn.metrics" or name.startswith("sklearn.metrics."):
            for found in list(vars(module).values()):
                if isinstance(found, FunctionType) and found.__name__ in _public(module):
                    self._function(found)
        elif name == "sklearn.model_selection._validation":
            for each in _VALIDATION:
                found = getattr(module, each, None)
                if isinstance(found, FunctionType):
                    self._function(found)
        for kind in list(vars(module).values()):
            if isinstance(kind, type) and kind.__module__ == name and "score" in vars(kind):
                self._method(kind)

    def _function(self, function: FunctionType) -> None:
        place = _inner(function)
        if place is None or hasattr(place.cell_contents, _MARK):
            return
        original = place.cell_contents

        @functools.wraps(original)
        def told(*arguments: Any, **words: Any) -> Any:
            value = original(*arguments, **words)
            # Two frames up: between stands the wrapper that checks parameters.
            _tell(original, None, arguments, words, value, sys._getframe(2))
            return value

        setattr(told, _MARK, True)
        place.cell_contents = told

    def _method(self, kind: type) -> None:
        found = vars(kind)["score"]
        # Of a pipeline and a search it is within what tells whether it is available.
        original = getattr(found, "fn", found)
        if not isinstance(original, FunctionType) or hasattr(original, _MARK):
            return

        @functools.wraps(original)
        def score(self: Any, *arguments: Any, **words: Any) -> Any:
            value = original(self, *arguments, **words)
            _tell(original, self, arguments, words, value, sys._getframe(1))
            return value

        setattr(score, _MARK, True)
        if original is found:
            kind.score = score  # type: ignore[attr-defined]
        else:
            found.fn = score


def _tell(
    function: Callable[..., Any],
    owner: Any,
    arguments: tuple[Any, ...],
    words: dict[str, Any],
    value: Any,
    frame: FrameType,
) -> None:
    listening = Scorers._listening
    if listening is None or not _is_users(frame) or _within_library(frame):
        return
    name = f"{type(owner).__name__}_score" if owner is not None else function.__name__
    listening._told(Result(name, owner, arguments, words, value, function, frame))


def numbers_of(result: Result) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a result with what is added to its name: means of several folds."""
    if result.name not in _VALIDATION:
        numpy: Any = sys.modules.get("numpy")
        kinds = (int, float) if numpy is None else (int, float, numpy.number)
        if isinstance(result.value, kinds) and not isinstance(result.value, bool):
            yield "", float(result.value)
        return
    folds = result.value if isinstance(result.value, dict) else {"": result.value}
    for name, values in folds.items():
        if name.startswith(("test_", "train_")) or not name:
            more = f"_{name}" if name else ""
            yield more, float(values.mean())
            yield f"{more}_std", float(values.std())


def _is_users(frame: FrameType) -> bool:
    """Tell the notebook's code, and that of files of the user's own, from that of libraries."""
    name = frame.f_globals.get("__name__", "")
    if name == "__main__":
        return True
    file = frame.f_code.co_filename
    return not file.startswith(sys.base_prefix) and "site-packages" not in file


def _within_library(frame: FrameType) -> bool:
    """Tell whether scikit-learn called the code that made the call, as it calls own scorers."""
    outer = frame.f_back
    while outer is not None:
        name = outer.f_globals.get("__name__", "")
        if name == "__main__" and outer.f_code.co_name == "<module>":
            return False
        if name.startswith("sklearn."):
            return True
        outer = outer.f_back
    return False


def _inner(function: FunctionType) -> Any:
    names = function.__code__.co_freevars
    if _INNER not in names or function.__closure__ is None:
        return None
    return function.__closure__[names.index(_INNER)]


def _public(module: ModuleType) -> frozenset[str]:
    metrics: Any = sys.modules.get("sklearn.metrics")
    names = getattr(metrics, "__all__", None)
    return frozenset(names if names is not None else vars(module))
