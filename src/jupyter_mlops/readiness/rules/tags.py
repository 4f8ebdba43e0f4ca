"""Tags that look like ours and mean nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from ...notebook import tags
from ..context import Context
from ..rule import Found, rule

_WORDS = sorted(
    tags.IMPORTS
    | tags.FUNCTIONS
    | tags.PARAMETERS
    | tags.METRICS
    | tags.SERVE
    | tags.SKIP
    | tags.TEST
)
_PREFIXES = (*tags.STEP_PREFIXES, *tags.AFTER_PREFIXES)
_FOREIGN = frozenset({"injected-parameters", "limit", "image", "annotation", "label", "cache"})
"""Papermill's, and what Kale writes before a `:`."""


@rule(
    "unknown-tag",
    "warning",
    what="a tag that is nearly one of ours",
    why="The tag means nothing, so the cell is treated as if it had none.",
    fix="write the tag as it is meant.",
    example="`stpe:load`",
)
def unknown_tag(context: Context) -> Iterator[Found]:
    for cell in context.notebook.cells:
        for tag in cell.tags:
            meant = _meant(tag)
            if meant is not None:
                yield Found(f"the tag `{tag}` means nothing", cell, fix=f"did you mean `{meant}`?")
            elif cell.kind != "code" and tag.startswith(tags.STEP_PREFIXES):
                yield Found(
                    f"the tag `{tag}` is on a cell that holds no code",
                    cell,
                    fix="move it to a code cell.",
                )


def _meant(tag: str) -> str | None:
    """Return what a tag was probably meant to be, None where it is right or somebody else's."""
    word, colon, name = tag.partition(":")
    if tag in _WORDS or f"{word}:" in _PREFIXES or word in _FOREIGN:
        return None
    if colon:
        close = difflib.get_close_matches(
            word.strip().lower(), [prefix[:-1] for prefix in _PREFIXES], n=1, cutoff=0.7
        )
        return f"{close[0]}:{name.strip()}" if close and name.strip() else None
    for separator in "-_= ":
        first, found, rest = tag.partition(separator)
        if found and rest and first.lower() in ("step", "after"):
            return f"{first.lower()}:{rest}"
    plain = tag.strip().lower()
    if plain in _WORDS:
        return plain
    close = difflib.get_close_matches(plain, _WORDS, n=1, cutoff=0.85)
    return close[0] if close else None
