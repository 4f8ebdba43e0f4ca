"""``%%mlops step train``: a cell's tags in its first line, equal to those in its metadata.

Magics that run the rest of their cell as Python, such as ``%%time``, may stand around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import MlopsError, Place
from . import tags

_LINE = re.compile(r"%%mlops(?=\s|$)(.*)")
_AROUND = re.compile(r"%%(?:capture|memit|prun|time)(?=\s|$)")
_AFTER = "--after"
_STEP = "step"
ROLES = ("parameters", "imports", "functions", "metrics", "test", "serve", "skip")
"""Words that are tags by themselves."""
VERBS = frozenset({"note"})
"""Words after which ``%%mlops`` means something else than tags."""
_HINT = f"write `%%mlops step NAME [{_AFTER} STEP]` or one of {', '.join(ROLES)}."


def is_declaration(source: str) -> bool:
    """Tell whether a cell's first line says what the cell is, rightly or not."""
    found = _words(source)
    return bool(found) and found[0] not in VERBS


def declared_tags(source: str, place: Place | None = None) -> tuple[str, ...]:
    """Return the tags that a cell's first line declares, none where it declares none.

    Raises `MlopsError` ``cell.magic`` for a line that begins so, and goes on otherwise.
    """
    if not is_declaration(source):
        return ()
    found: dict[str, None] = {}
    words = iter(_words(source))
    for word in words:
        name, equals, value = word.partition("=")
        if word == _STEP or (name == _AFTER and (value or not equals)):
            value = value or next(words, "")
            if not value or value.startswith("-"):
                raise _wrong(source, f"`{word}` says no name", place)
            prefix = tags.STEP_PREFIX if word == _STEP else tags.AFTER_PREFIXES[0]
            found[f"{prefix}{value}"] = None
        elif word in ROLES:
            found[word] = None
        else:
            raise _wrong(source, f"`{word}` is none of its words", place)
    return tuple(found)


def tags_of(source: str) -> tuple[str, ...]:
    """Return what `declared_tags` does, and none where that would raise."""
    try:
        return declared_tags(source)
    except MlopsError:
        return ()


def joined_tags(given: Iterable[str], source: str, place: Place | None = None) -> tuple[str, ...]:
    """Return the tags of a cell's metadata, and those that its first line declares.

    Raises `MlopsError` ``cell.magic``, and ``cell.two-steps`` where each names another step.
    """
    given = tuple(given)
    more = declared_tags(source, place)
    if not more:
        return given
    steps = [tag for tag in more if tag.startswith(tags.STEP_PREFIX)]
    named = [tag for tag in given if tag.startswith(tags.STEP_PREFIXES) and tag not in steps]
    if steps and named:
        raise MlopsError(
            "cell.two-steps",
            f"The cell's first line says `{steps[0]}`, and its metadata say `{named[0]}`.",
            hint="change the line, or remove the tag in JupyterLab's property inspector.",
            place=place,
        )
    return tuple(dict.fromkeys((*given, *more)))


def without_declaration(source: str) -> str:
    """Return a cell's source with a comment in place of the line that declares its tags.

    What stands below keeps its line numbers. Where that is another cell magic, which must be a
    cell's first line, nothing is left in place.
    """
    if not is_declaration(source):
        return source
    lines = source.split("\n")
    number = _number(lines)
    assert number is not None
    if lines[number + 1 : number + 2] and lines[number + 1].startswith("%%"):
        del lines[number]
    else:
        lines[number] = f"# {' '.join(_words(source))}"
    return "\n".join(lines)


def _words(source: str) -> list[str]:
    if "%%mlops" not in source:
        return []
    lines = source.split("\n")
    number = _number(lines)
    found = _LINE.match(lines[number]) if number is not None else None
    return found[1].split() if found is not None else []


def _number(lines: list[str]) -> int | None:
    """Return which line declares tags: the first, or one below magics that run the cell."""
    for number, line in enumerate(lines):
        if _LINE.match(line):
            return number
        if line.strip() and not _AROUND.match(line):
            break
    return None


def _wrong(source: str, what: str, place: Place | None) -> MlopsError:
    line = f"%%mlops {' '.join(_words(source))}"
    return MlopsError("cell.magic", f"`{line}` cannot be read: {what}.", hint=_HINT, place=place)
