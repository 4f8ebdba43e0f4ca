"""References to outputs in a chain's parameters: ``${prepare.rows}``, and text around them.

``$$`` stands for one ``$``; a ``$`` before anything else but ``{`` is only itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"\$\$|\$\{(?P<inside>[^{}]*)\}|(?P<open>\$\{)")
_INSIDE = re.compile(r"\s*(?P<node>\w[\w-]*)\.(?P<output>[^\s$]+)\s*")


@dataclass(frozen=True, slots=True)
class Reference:
    """An output of a node of the chain: a variable, a parameter or a metric of its notebook."""

    node: str
    output: str

    def __str__(self) -> str:
        return f"${{{self.node}.{self.output}}}"


Part = str | Reference


def parse(text: str) -> tuple[Part, ...]:
    """Return the parts of a text, in order, with no two texts side by side.

    Raises `ValueError` with a sentence about what is no reference.
    """
    parts: list[Part] = []
    words, start = "", 0
    for found in _TOKEN.finditer(text):
        words += text[start : found.start()]
        start = found.end()
        if found["open"]:
            raise ValueError(f"the `${{` in `{text}` is never closed; write `$${{` for the text")
        if found["inside"] is None:
            words += "$"
            continue
        inside = _INSIDE.fullmatch(found["inside"])
        if inside is None:
            raise ValueError(
                f"`{found[0]}` is no reference: write `${{notebook.output}}`, "
                f"or `${found[0]}` for the text"
            )
        if words:
            parts.append(words)
            words = ""
        parts.append(Reference(inside["node"], inside["output"]))
    words += text[start:]
    return (*parts, words) if words else tuple(parts)


def written(parts: tuple[Part, ...]) -> str:
    """Return the text that `parse` reads as these parts."""
    return "".join(str(p) if isinstance(p, Reference) else p.replace("$", "$$") for p in parts)


def references(value: Any) -> Iterator[Reference]:
    """Yield the references in a parameter's value, also within lists and tables.

    Raises `ValueError` as `parse` does.
    """
    match value:
        case str():
            yield from (part for part in parse(value) if isinstance(part, Reference))
        case list() | tuple():
            for each in value:
                yield from references(each)
        case dict():
            for each in value.values():
                yield from references(each)


def filled(value: Any, output: Callable[[Reference], Any], text: Callable[[Any], str]) -> Any:
    """Return a parameter's value with the outputs in place of the references.

    A reference that is the whole of a text gives its output as it is; one within a text gives
    what ``text`` makes of it, which may raise `ValueError`.
    """
    match value:
        case str():
            parts = parse(value)
            if len(parts) == 1 and isinstance(parts[0], Reference):
                return output(parts[0])
            return "".join(p if isinstance(p, str) else text(output(p)) for p in parts)
        case list() | tuple():
            return type(value)(filled(each, output, text) for each in value)
        case dict():
            return {key: filled(each, output, text) for key, each in value.items()}
    return value
