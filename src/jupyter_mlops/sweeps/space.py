"""The values that a sweep gives a parameter, from the words of ``-p depth=4,6,8``.

``4,6,8`` are values; ``0.01:0.1:log5`` are five from 0.01 to 0.1, evenly spaced in their logarithm;
``0:1:lin5`` (or ``0:1:5``) evenly; ``1:10`` are all whole numbers of an int, and for `random` and
`tune` the range that is drawn from, with ``1e-4:1e-1:log`` in its logarithm. A bare ``depth`` takes
the choices or the range that the notebook's parameters cell declares; one of floats over three
powers of ten, or more, in its logarithm.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import MlopsError
from ..notebook.document import Notebook
from ..notebook.parameters import Parameter, check_parameters, parameters_cell, read_parameters

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*(lin|log)?\s*(\d+)?\s*)?\Z")
_OPEN, _CLOSE = "([{", ")]}"
_MOST_OF_RANGE = 10_000
_WIDE = 1000
"""A declared range this many times as high as it is low is meant by its logarithm."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; ``count`` of them, or any where None."""

    low: float
    high: float
    log: bool = False
    count: int | None = None
    whole: bool = False

    def values(self) -> list[Any] | None:
        """Return the values in order; None where the range does not say how many."""
        if self.count is None:
            if not self.whole or self.log:
                return None
            return list(range(math.ceil(self.low), math.floor(self.high) + 1))
        found = [self._at(i / (self.count - 1) if self.count > 1 else 0) for i in range(self.count)]
        return list(dict.fromkeys(found))

    def draw(self, share: float) -> Any:
        """Return the value that has ``share`` (0 to 1) of the range below it."""
        if self.whole and not self.log:
            size = math.floor(self.high) - math.ceil(self.low) + 1
            return math.ceil(self.low) + min(int(share * size), size - 1)
        return self._at(share)

    def _at(self, share: float) -> Any:
        if share in (0, 1):  # not moved by rounding
            value = self.high if share else self.low
        elif self.log:
            low, high = math.log(self.low), math.log(self.high)
            value = _short(math.exp(low + share * (high - low)))
        else:
            value = _short(self.low + share * (self.high - self.low))
        return round(value) if self.whole else value


@dataclass(frozen=True, slots=True)
class Choices:
    """Values to try, in order."""

    options: tuple[Any, ...]

    def values(self) -> list[Any]:
        return list(self.options)

    def draw(self, share: float) -> Any:
        """Return the option that has ``share`` (0 to 1) of the others before it."""
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]


Space = Mapping[str, Range | Choices]
"""What each swept parameter may be, in the order given."""


def read_space(notebook: Notebook, given: Mapping[str, str]) -> tuple[dict[str, Any], Space]:
    """Return the parameters that are the same for all points, and those that are swept.

    Parameters
    ----------
    given
        The words for each parameter; empty words for its declared choices or range.

    Raises
    ------
    MlopsError
        ``sweep.range`` for a range that is none, ``sweep.undeclared`` for a bare name of a
        parameter without choices or range, and what `check_parameters` raises.
    """
    declared = {each.name: each for each in read_parameters(notebook)}
    fixed: dict[str, Any] = {}
    space: dict[str, Range | Choices] = {}
    check_parameters(notebook, tuple(declared.values()), _one_of_each(declared, given))
    for name, words in given.items():
        parameter = declared[name]
        found = _read(notebook, parameter, words)
        values = found.values()
        if isinstance(found, Choices) and len(found.options) == 1:
            fixed[name] = found.options[0]
        else:
            for value in values or ():
                check_parameters(notebook, (parameter,), {name: value})
            space[name] = found
    return fixed, space


def _one_of_each(declared: Mapping[str, Parameter], given: Mapping[str, str]) -> dict[str, Any]:
    """Return one value for each parameter, so that all that is wrong is told at once."""
    found: dict[str, Any] = {}
    for name, words in given.items():
        parameter = declared.get(name)
        if parameter is None or not words:
            found[name] = words if parameter is None else parameter.default
        else:
            found[name] = next(iter(_split(words)), words)
            if _is_range(parameter, words):
                found[name] = _number(words.split(":")[0], parameter)
    return {
        name: value
        for name, value in found.items()
        if name not in declared or not (declared[name].secret and not given[name])
    }


def _read(notebook: Notebook, parameter: Parameter, words: str) -> Range | Choices:
    if not words.strip():
        return _declared(notebook, parameter)
    if _is_range(parameter, words):
        return _range(notebook, parameter, words)
    name = parameter.name
    values = [
        check_parameters(notebook, (parameter,), {name: word})[name] for word in _split(words)
    ]
    return Choices(tuple(_distinct(values)))


def _declared(notebook: Notebook, parameter: Parameter) -> Range | Choices:
    limits = parameter.limits
    if limits.choices:
        return Choices(tuple(limits.choices))
    if parameter.type == "bool":
        return Choices((False, True))
    low, high = limits.low, limits.high
    if low is not None and high is not None and parameter.type == "int":
        low = math.floor(low) + 1 if limits.above else math.ceil(low)
        high = math.ceil(high) - 1 if limits.below else math.floor(high)
        return Range(low, high, whole=True) if low < high else Choices((low,))
    if low is not None and high is not None and not (limits.above or limits.below):
        return Range(low, high, log=low > 0 and high >= _WIDE * low)
    cell = parameters_cell(notebook)
    raise MlopsError(
        "sweep.undeclared",
        f"The notebook does not say what `{parameter.name}` may be.",
        hint=f"write for example `-p {parameter.name}=1:10`, or add the range to its line in the "
        "parameters cell: `# 1..10`.",
        place=notebook.place(cell, parameter.line) if cell is not None else notebook.place(),
    )


def _is_range(parameter: Parameter, words: str) -> bool:
    """Tell a range from a time or a text with colons."""
    if parameter.type not in ("int", "float", "any") or ":" not in words:
        return False
    if parameter.type == "any" and not _RANGE.match(words):
        return False
    return not any(sign in words for sign in "'\"{[(")


def _range(notebook: Notebook, parameter: Parameter, words: str) -> Range:
    match = _RANGE.match(words)
    whole = parameter.type == "int" or (
        parameter.type == "any" and isinstance(parameter.default, int)
    )
    reason = "it is of the form LOW:HIGH, LOW:HIGH:lin5 or LOW:HIGH:log5"
    if match is not None:
        low, high = float(match[1]), float(match[2])
        log, count = match[3] == "log", int(match[4]) if match[4] else None
        if not low < high:
            reason = f"{match[1]} is not less than {match[2]}"
        elif log and low <= 0:
            reason = "a logarithm needs a range above 0"
        elif whole and (low != int(low) or high != int(high)):
            reason = f"`{parameter.name}` is a whole number"
        elif count is not None and not 0 < count <= _MOST_OF_RANGE:
            reason = f"{count} values are not between 1 and {_MOST_OF_RANGE:,}"
        else:
            return Range(low, high, log, count, whole)
    raise MlopsError(
        "sweep.range",
        f"`{parameter.name}={words}` is no range: {reason}.",
        hint=f"write for example `-p {parameter.name}=0.01:0.1:log5`.",
        place=notebook.place(parameters_cell(notebook)),
    )


def _split(words: str) -> Iterator[str]:
    """Yield the parts between commas that stand outside of brackets and quotes."""
    depth, quote, part = 0, "", ""
    index = 0
    while index < len(words):
        sign = words[index]
        if quote:
            if sign == "\\":
                part += words[index : index + 2]
                index += 2
                continue
            quote = "" if sign == quote else quote
        elif sign in "\"'" and not part.strip():
            quote = sign
        elif sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
        if sign == "," and not depth and not quote:
            yield _bare(part)
            part = ""
        else:
            part += sign
        index += 1
    yield _bare(part)


def _bare(part: str) -> str:
    text = part.strip()
    is_quoted = len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]
    return text[1:-1] if is_quoted else text


def _number(words: str, parameter: Parameter) -> Any:
    try:
        number = float(words)
    except ValueError:
        return parameter.default
    return int(number) if parameter.type == "int" and number == int(number) else number


def _distinct(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(type(value) is type(each) and value == each for each in found):
            found.append(value)
    return found


def _short(value: float) -> float:
    """Return a value as few digits say it: 0.1, not 0.10000000000000002."""
    return float(f"{value:.12g}")
