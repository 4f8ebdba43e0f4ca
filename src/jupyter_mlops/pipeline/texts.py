"""How two shown texts compare: numbers within tolerance, without what is new in each run.

Addresses of objects, names of files that stand for cells, times that timing magics tell, progress
bars and the banners of MLflow and of this package belong to the run and not to the result; they are
left out. So is whether the file that ``%%writefile`` writes was there before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from .differences import EQUAL, Difference, close

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
# As `reprlib` and scikit-learn shorten what has an address: `<function tok...x7f6bdb680cc0>`.
_SHORTENED = re.compile(r"(<[A-Za-z_][^<>\n]*?\.\.\.)(?:0?x)?[0-9a-fA-F]{4,}(?=>)")
# As `logging` writes when it was told something; a comma is before the milliseconds.
_ASCTIME = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\b")
# How tracebacks call the code of a cell, in a kernel and in a step.
_CELL = re.compile(
    r"""
    (["'])[^"'\n]*(?:/ipykernel_\d+/\d+\.py|\.ipynb,\ cell\ \d+)\1
    | \S*/ipykernel_\d+/\d+\.py | \S+\.ipynb,\ cell\ \d+
    """,
    re.VERBOSE,
)
_WRITTEN = re.compile(r"^(?:Writing|Overwriting|Appending to) (?=\S+$)", re.MULTILINE)
_OF_THE_RUN = re.compile(
    r"""
    ^\s*(?:CPU\ times:|Wall\ time:|Compiler\ (?:time)?\s*:|Parser\ *:)     # %time
    | ^\s*[\d.]+\s*(?:ns|[uµμ]s|ms|s|min|h)\b.*\bper\ loop\b               # %timeit
    | ^\s*The\ slowest\ run\ took\b
    | ^\s*peak\ memory:.*\bincrement:                                      # %memit
    | \d+%\|.*\|\ *\d+ | \d+(?:it|ex|B)?\ *\[\d\d:\d\d(?::\d\d)?,          # tqdm
    | \d+/\d+\ .*[━─=>.]{5,}.*\d+\s*(?:s|ms|us)\b                          # Keras
    | ^\s*\[Parallel\(n_jobs=                                              # joblib
    | ^\d{4}[/-]\d\d[/-]\d\d\ [\d:.,]+\ (?:INFO|WARNING)\ (?:mlflow|alembic)
    | ^\W*View\ (?:run|experiment)\b.*\bat:                                # MLflow
    | \bjupyter[-_]mlops\b
    """,
    re.VERBOSE,
)
_TOKEN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[^\W\d]\w*|\S")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\Z")
_SHOWN = 60


def settle(text: str, folders: Sequence[str] = ()) -> str:
    """Return a shown text without what belongs to the run.

    ``folders`` are the paths under which the notebook's folder was known to the run.
    """
    text = _ESCAPES.sub("", text)
    for folder in folders:
        text = re.sub(rf"{re.escape(folder)}(?![\w.-])", "(notebook's folder)", text)
    text = _SHORTENED.sub(r"\1x…", _ADDRESS.sub("0x…", text))
    text = _ASCTIME.sub("(a time)", text)
    text = _CELL.sub("(a cell)", text)
    text = _WRITTEN.sub("Writing ", text)
    # A carriage return writes over the line, as progress bars do.
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    return "\n".join(line for line in lines if not _OF_THE_RUN.search(line)).strip("\n")


Sides = tuple[str, str]
SIDES: Sides = ("in the notebook", "in the pipeline")


def compare(notebook: str, pipeline: str, sides: Sides = SIDES) -> Difference:
    """Compare two settled texts; ``sides`` are the words for where each of them is from."""
    if notebook == pipeline:
        return EQUAL
    a, b = _lines(notebook), _lines(pipeline)
    rounded = False
    for number, (one, other) in enumerate(zip(a, b, strict=False), 1):
        if one == other:
            continue
        if not _close(one, other):
            return Difference(
                "different",
                f"line {number}: {_short(one, other)} {sides[0]}, {_short(other, one)} {sides[1]}",
            )
        rounded = True
    if len(a) != len(b):
        words = f"{_count(a)} {sides[0]}, {_count(b)} {sides[1]}"
        return Difference("different", words)
    if rounded:
        return Difference("equal within tolerance", "numbers differ by rounding only")
    return EQUAL


def only_varying(notebook: str, again: str, pipeline: str) -> bool:
    """Tell whether a text differs from the notebook's only where two runs of that differ too."""
    one, two, three = (_TOKEN.findall(text) for text in (notebook, again, pipeline))
    if not len(one) == len(two) == len(three):
        return False
    return all(_same(a, c) or not _same(a, b) for a, b, c in zip(one, two, three, strict=True))


def same_words(notebook: str, pipeline: str) -> bool:
    """Tell whether two texts differ in their numbers only."""
    one, two = _TOKEN.findall(notebook), _TOKEN.findall(pipeline)
    if len(one) != len(two):
        return False
    pairs = zip(one, two, strict=True)
    return all(a == b or (_NUMBER.match(a) and _NUMBER.match(b)) for a, b in pairs)


def visible(html: str) -> str:
    """Return the text of HTML as it is read: names of elements and styles left out."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "\n".join(" ".join(line.split()) for line in "".join(reader.parts).split("\n") if line)


class _Reader(HTMLParser):
    _SILENT = frozenset({"script", "style", "head", "template"})
    _LINES = frozenset({"tr", "p", "div", "br", "li", "h1", "h2", "h3", "h4", "table", "pre"})

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._SILENT
        self.parts.append("\n" if tag in self._LINES else " ")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self._SILENT and self._silent > 0
        self.parts.append("\n" if tag in self._LINES else " ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\n", " "))


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _close(one: str, other: str) -> bool:
    a, b = _TOKEN.findall(one), _TOKEN.findall(other)
    return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))


def _same(x: str, y: str) -> bool:
    if x == y:
        return True
    if not (_NUMBER.match(x) and _NUMBER.match(y)):
        return False
    if x.lstrip("+-").isdigit() and y.lstrip("+-").isdigit():
        return int(x) == int(y)
    return close(float(x), float(y))


def _short(text: str, other: str) -> str:
    """Quote a line, from near where it differs from the other one."""
    start = next((i for i, (x, y) in enumerate(zip(text, other, strict=False)) if x != y), 0)
    start = 0 if len(text) <= _SHOWN else max(0, min(start - 15, len(text) - _SHOWN))
    part = text[start : start + _SHOWN]
    before, after = "…" * (start > 0), "…" * (start + _SHOWN < len(text))
    return f"`{before}{part}{after}`"


def _count(lines: list[str]) -> str:
    return f"{len(lines)} line{'s' * (len(lines) != 1)}"
