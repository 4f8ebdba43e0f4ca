"""Names for steps: from the headings above their cells, else from what the cells do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ..notebook.document import Cell, Notebook
from .cell_kinds import Activity

_LONGEST = 30
_MOST_WORDS = 3
_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.+?)\s*#*\s*$")
_HTML_HEADING = re.compile(r"<h[1-6][^>]*>(.*?)</h[1-6]>", re.IGNORECASE | re.DOTALL)
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_NOISE = re.compile(r"<[^>]+>|\[([^\]]*)\]\([^)]*\)|[`*_]")
_NUMBER = re.compile(r"^(?:step|part|section|task|chapter)?\s*[\divx]+[.):\s-]+\s*", re.IGNORECASE)
_SMALL_WORDS = frozenset(
    {"a", "all", "an", "and", "as", "at", "by", "for", "from", "in", "into", "is", "it", "its"}
    | {"let", "lets", "now", "of", "on", "or", "our", "s", "some", "the", "then", "to", "us"}
    | {"we", "with", "your", "first", "next", "finally", "using", "this", "that"}
)
_WORDS: tuple[tuple[str, str], ...] = (
    ("split", r"split\w*"),
    ("evaluate", r"evaluat\w+|validat\w+|metrics?|scor(?:e|es|ing)|performance"),
    ("load", r"load\w*|read\w*|fetch\w*|ingest\w*|download\w*|acquire|acquisition|collect\w*"),
    ("clean", r"clean\w*|tidy\w*|missing|impute|imputation"),
    ("features", r"features?|encod(?:e|ing)"),
    ("prepare", r"prepar\w+|preprocess\w*|pre|processing|transform\w*|wrangl\w+|scal(?:e|ing)"),
    ("explore", r"explor\w+|eda|visuali[sz]\w+|plots?|plotting|look|overview|inspect\w*"),
    ("train", r"train\w*|fit|fitting|learn(?:ing)?"),
    ("tune", r"tun(?:e|ing)|hyperparameters?|search|optimi[sz]\w+"),
    ("predict", r"predict\w*|inference|forecast\w*"),
    ("save", r"sav(?:e|ing)|export\w*|persist\w*|stor(?:e|ing)|writ(?:e|ing)"),
)
_WEAK_WORDS: tuple[tuple[str, str], ...] = (
    ("train", r"models?|model+ing|regression|classifier|classification|clustering"),
    ("evaluate", r"test\w*|results?|good|errors?|accuracy"),
    ("load", r"data|datasets?"),
)
_RESERVED = frozenset({"serve"})

_COARSE = {
    **dict.fromkeys(("load", "clean", "features", "prepare", "explore", "split"), "prepare"),
    **dict.fromkeys(("train", "tune"), "train"),
    **dict.fromkeys(("predict", "evaluate"), "evaluate"),
    "save": "save",
}


def headings(notebook: Notebook) -> dict[str, str]:
    """Return for each code cell's id the heading that it stands under, empty where none."""
    found: dict[str, str] = {}
    current = ""
    for cell in notebook.cells:
        if cell.kind == "markdown":
            current = _last_heading(cell) or current
        elif cell.kind == "code":
            found[cell.id] = current
    return found


def heading_word(heading: str) -> str:
    """Return the work that a heading tells of, as a step's name; empty where it tells none.

    ``Load the data`` is ``load``; ``Flights and weather`` tells of no work.
    """
    words = _words(heading)
    for known in (_WORDS[:2], _WORDS[2:], _WEAK_WORDS):
        for word in words:
            for name, pattern in known:
                if re.fullmatch(pattern, word):
                    return name
    return ""


def heading_name(heading: str) -> str:
    """Return a heading of few words as a step's name; empty for questions and sentences."""
    words = [word for word in _words(heading) if word not in _SMALL_WORDS]
    name = "-".join(words)
    if (
        not re.search(r"[a-z]", name)
        or len(words) > _MOST_WORDS
        or len(name) > _LONGEST
        or heading.endswith("?")
    ):
        return ""
    return "" if name in _RESERVED else name


def same_work(one: str, other: str) -> bool:
    """Tell whether two names are of the same part of the work: before, in or after training."""
    return _COARSE.get(one, one) == _COARSE.get(other, other)


def coarse(activity: Activity | str | None) -> str:
    """Return the part of the work that an activity belongs to, empty where there is none."""
    return _COARSE.get(activity or "", "")


def merged_name(names: Sequence[str]) -> str:
    """Return a name for steps that become one."""
    parts = {coarse(name) for name in names}
    if "train" in parts:
        return next(name for name in names if coarse(name) == "train")
    if parts == {"prepare"} and len(set(names)) > 1:
        return "load" if names[0] == "load" and len(names) == 2 else "prepare"
    return names[0]


def unique(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Return the names with numbers where one comes again."""
    used = {name.replace("_", "-") for name in taken} | _RESERVED
    found: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in used:
            candidate, number = f"{name}-{number}", number + 1
        used.add(candidate)
        found.append(candidate)
    return found


def _last_heading(cell: Cell) -> str:
    found = ""
    fenced = False
    for line in cell.source.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (match := _HEADING.match(line)):
            found = match[2]
        elif not fenced and (match := _HTML_HEADING.search(line)):
            found = match[1]
    return _NUMBER.sub("", _NOISE.sub(lambda match: match[1] or "", found).strip())


def _words(heading: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9]+", plain.lower().replace("'", ""))
