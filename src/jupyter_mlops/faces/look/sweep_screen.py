"""The live table of a sweep in a terminal: redrawn in place, without flicker."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import threading
import unicodedata
from collections.abc import Iterator
from typing import TextIO

from ...progress import Event
from ..sweep_standing import PointRow, Standing, columns_of, parameters_words, shown, span

_SECONDS_BETWEEN_DRAWS = 0.25
_MOST_ENDED = 8
_LONGEST = 28
_STYLES = {"bold": "1", "dim": "2", "green": "32", "red": "31", "cyan": "36", "yellow": "33"}


class Screen:
    """Shows a sweep's events; use it as a context, and ``take`` each event.

    The last drawing stays. Nothing else may write to the stream meanwhile.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._standing = Standing()
        self._drawn: list[int] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._ascii = "utf" not in (stream.encoding or "").lower().replace("-", "")
        self._colour = "NO_COLOR" not in os.environ
        self._thread = threading.Thread(target=self._follow, name="mlops-sweep", daemon=True)

    @property
    def standing(self) -> Standing:
        return self._standing

    def __enter__(self) -> Screen:
        self._write("\x1b[?25l")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError, ValueError):
            self._draw()
            self._write("\x1b[?25h")

    def take(self, event: Event) -> None:
        """Take note of an event; it is drawn with the next drawing."""
        with self._lock:
            self._standing.take(event)

    def _follow(self) -> None:
        while not self._over.wait(_SECONDS_BETWEEN_DRAWS):
            try:
                self._draw()
            except (OSError, ValueError):  # the terminal is gone
                return

    def _draw(self) -> None:
        with self._lock:
            width, height = self._size()
            pen = Pen(width, ascii_only=self._ascii, colour=self._colour)
            lines = picture(self._standing, pen, height)
            # A terminal that was made narrower has wrapped what was drawn.
            up = sum(max(1, math.ceil(length / width)) for length in self._drawn)
            back = f"\x1b[{up}A" if up else ""
            body = "".join(f"{line}\x1b[K\n" for line in lines)
            # Told as one piece, so that no terminal shows half of it.
            self._write(f"\x1b[?2026h\r{back}{body}\x1b[J\x1b[?2026l")
            self._drawn = [pen.length(line) for line in lines]

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            size = shutil.get_terminal_size()
        return max(size.columns, 20), max(size.lines, 6)

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "ascii"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class Pen:
    """Writes words of a known width, coloured where that is wanted."""

    def __init__(self, width: int, *, ascii_only: bool = False, colour: bool = True) -> None:
        self.width = width
        self.ascii_only = ascii_only
        self._colour = colour

    def style(self, words: str, *styles: str) -> str:
        if not self._colour or not words:
            return words
        codes = ";".join(_STYLES[each] for each in styles)
        return f"\x1b[{codes}m{words}\x1b[0m"

    def mark(self, mark: str, plain: str) -> str:
        """Return a sign, or what stands for it where only ASCII can be written."""
        return plain if self.ascii_only else mark

    def cut(self, words: str, width: int | None = None) -> str:
        """Return words that fit; what was cut off is marked."""
        width = self.width - 1 if width is None else width
        if text_width(words) <= width:
            return words
        end = self.mark("…", "~")
        kept, used = "", 1
        for sign in words:
            used += text_width(sign)
            if used > width:
                break
            kept += sign
        return kept + end

    def length(self, line: str) -> int:
        """Return how wide a line is without its colours."""
        found, rest = 0, line
        while rest:
            before, escape, rest = rest.partition("\x1b")
            found += text_width(before)
            if escape:
                rest = rest.partition("m")[2]
        return found


def text_width(words: str) -> int:
    """Return how many columns of a terminal words take."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in words
    )


def picture(standing: Standing, pen: Pen, height: int) -> list[str]:
    """Return the lines that show how a sweep stands, fewer than ``height`` and none too wide."""
    if not standing.name:
        return [pen.style(pen.cut(f"starting  {span(standing.elapsed)}"), "dim")]
    lines = [_title(standing, pen), _bar(standing, pen), *_counts(standing, pen)]
    if (best := _best(standing, pen)) is not None:
        lines.append(best)
    lines += [pen.style(pen.cut(words), "yellow") for words in standing.notices[-2:]]
    room = height - len(lines) - 3
    running = standing.running()[: max(room, 0)]
    ended = standing.ended()[: max(min(room - len(running), _MOST_ENDED), 0)]
    if running or ended:
        lines += ["", *_table(standing, pen, running, ended)]
    return lines[: height - 1]


def _title(standing: Standing, pen: Pen) -> str:
    words = pen.cut(f"{standing.kind} of {standing.notebook}   {standing.name}")
    first = len(f"{standing.kind} of {standing.notebook}")
    return pen.style(words[:first], "bold") + pen.style(words[first:], "dim")


def _bar(standing: Standing, pen: Pen) -> str:
    width = min(pen.width - 1, 72)
    full = round(width * standing.done / standing.total) if standing.total else 0
    done, rest = pen.mark("━", "#") * full, pen.mark("─", "-") * (width - full)
    return pen.style(done, "red" if standing.count("failed") else "green") + pen.style(rest, "dim")


def _counts(standing: Standing, pen: Pen) -> Iterator[str]:
    failed = standing.count("failed")
    parts = [(f"{standing.done} of {standing.total} points", "bold")]
    if running := standing.count("running"):
        parts.append((f"{running} running", "cyan"))
    if pruned := standing.count("pruned"):
        parts.append((f"{pruned} pruned", "yellow"))
    if failed:
        parts.append((f"{failed} failed", "red"))
    parts.append((span(standing.elapsed), ""))
    if (left := standing.left) is not None:
        parts.append((f"about {span(left)} left", "dim"))
    if standing.is_sharing:
        parts.append(("running the cells that all points share", "dim"))
    elif standing.shared:
        parts.append((f"{standing.shared} of {standing.cells} cells ran once", "dim"))
    line, used = "", 0
    for words, style in parts:
        if used and used + 3 + text_width(words) >= pen.width:
            yield line
            line, used = "", 0
        cut = pen.cut(words)
        line += ("   " if used else "") + (pen.style(cut, style) if style else cut)
        used += text_width(cut) + (3 if used else 0)
    yield line


def _best(standing: Standing, pen: Pen) -> str | None:
    row = standing.best
    if row is None:
        return None
    value = shown(row.metrics.get(standing.metric))
    words = pen.cut(
        f"{pen.mark('★', '*')} best  {standing.metric} {value}   {parameters_words(row)}   "
        f"(point {row.number})"
    )
    return pen.style(words, "green")


def _table(
    standing: Standing, pen: Pen, running: list[PointRow], ended: list[PointRow]
) -> Iterator[str]:
    metrics = columns_of(standing)
    best = standing.best.number if standing.best is not None else None
    head = ["", "point", *standing.swept, *metrics, ""]
    rows = [
        [
            _sign(row, pen, is_best=row.number == best),
            str(row.number),
            *(_short(shown(row.parameters.get(name)), pen) for name in standing.swept),
            *(shown(row.metrics.get(name)) for name in metrics),
            _state(row, standing.clock(), pen),
        ]
        for row in [*running, *ended]
    ]
    widths = [max(text_width(row[index]) for row in [head, *rows]) for index in range(len(head))]
    while sum(widths[:-1]) + 2 * len(widths) >= pen.width and len(widths) > 3:
        # Parameters and the metric that decides say more than further metrics do.
        drop = len(head) - 2
        for row in [head, *rows]:
            del row[drop]
        del widths[drop]
    last = pen.width - 1 - sum(widths[:-1]) - 2 * (len(widths) - 1)
    yield pen.style(_line(head, widths, pen, last), "dim")
    for row, point in zip(rows, [*running, *ended], strict=True):
        line = _line(row, widths, pen, last)
        style = {"failed": "red", "running": "cyan", "pruned": "dim"}.get(point.status, "")
        if point.number == best:
            style = "green"
        yield pen.style(line, style) if style else line


def _line(row: list[str], widths: list[int], pen: Pen, last: int) -> str:
    cells = [
        " " * (width - text_width(word)) + word for word, width in zip(row, widths, strict=True)
    ]
    cells[-1] = pen.cut(row[-1], max(last, 1))
    return pen.cut("  ".join(cells).rstrip())


def _sign(row: PointRow, pen: Pen, *, is_best: bool) -> str:
    if is_best:
        return pen.mark("★", "*")
    signs = {"running": ("▸", ">"), "failed": ("✗", "x"), "pruned": ("✂", "-"), "ok": ("✓", "+")}
    return pen.mark(*signs.get(row.status, (" ", " ")))


def _state(row: PointRow, now: float, pen: Pen) -> str:
    if row.status == "running":
        return f"running {span(now - row.began)}"
    if row.status == "failed":
        return f"failed: {row.error.partition(chr(10))[0]}"
    return f"{'pruned ' if row.status == 'pruned' else ''}{row.seconds:.1f} s"


def _short(words: str, pen: Pen) -> str:
    return pen.cut(words, _LONGEST)
