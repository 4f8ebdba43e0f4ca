"""A space of parameters as Optuna knows it: numbers are ranges, anything else is picked by words.

Optuna keeps words, numbers and truth values only, so that the options of a parameter (lists, dates,
None, …) go by the words that a table shows them with.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .points import shown
from .space import Choices, Range, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MOST_LISTED = 10_000
"""A space of more points is not listed."""


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return what Optuna draws each parameter from."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    found: dict[str, BaseDistribution] = {}
    for name, each in space.items():
        if not isinstance(each, Range) or each.count is not None:
            found[name] = CategoricalDistribution(list(_options(each)))
        elif each.whole:
            found[name] = IntDistribution(math.ceil(each.low), math.floor(each.high), log=each.log)
        else:
            found[name] = FloatDistribution(each.low, each.high, log=each.log)
    return found


def values_of(space: Space, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notebook's values for what Optuna has drawn."""
    return {
        name: drawn[name] if _is_free(each) else _options(each)[drawn[name]]
        for name, each in space.items()
    }


def drawn_as(space: Space, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what Optuna would draw for these values; None where one is outside of the space."""
    found: dict[str, Any] = {}
    for name, each in space.items():
        value = values.get(name)
        if isinstance(each, Range) and each.count is None:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            if not each.low <= value <= each.high or (each.whole and value != int(value)):
                return None
            found[name] = int(value) if each.whole else float(value)
        else:
            alike = (
                word
                for word, option in _options(each).items()
                if type(option) is type(value) and option == value
            )
            if (word := next(alike, None)) is None:
                return None
            found[name] = word
    return found


def size(space: Space) -> int | None:
    """Return how many points a space has; None where they cannot be counted."""
    columns = [_count(each) for each in space.values()]
    return None if None in columns else math.prod(each for each in columns if each is not None)


def every(space: Space, seed: int) -> list[dict[str, Any]]:
    """Return all points of a space that can be counted, in an order that the seed decides."""
    found = [dict(zip(space, row, strict=True)) for row in itertools.product(*_columns(space))]
    random.Random(seed).shuffle(found)
    return found


def words_of(each: Range | Choices) -> str:
    """Return what a parameter may be, as `-p` would say it."""
    if isinstance(each, Choices):
        return ", ".join(map(shown, each.options))
    end = f":{'log' if each.log else 'lin'}{each.count or ''}" if each.log or each.count else ""
    return f"{each.low:g}:{each.high:g}{end}"


def _columns(space: Space) -> Iterator[list[Any]]:
    for each in space.values():
        if isinstance(each, Range) and each.count is None:
            yield list(range(math.ceil(each.low), math.floor(each.high) + 1))
        else:
            yield each.values() or []


def _count(each: Range | Choices) -> int | None:
    if isinstance(each, Range) and each.count is None:
        return math.floor(each.high) - math.ceil(each.low) + 1 if each.whole else None
    return len(each.values() or ())


def _is_free(each: Range | Choices) -> bool:
    return isinstance(each, Range) and each.count is None


def _options(each: Range | Choices) -> dict[str, Any]:
    """Return the values by the words that stand for them, which are distinct."""
    values = each.values() or []
    words = [shown(value) for value in values]
    if len(set(words)) < len(words):
        words = [f"{number}: {word}" for number, word in enumerate(words, 1)]
    return dict(zip(words, values, strict=True))
