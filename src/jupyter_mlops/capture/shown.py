"""What cells show: figures and tables, kept as small files in the journal's folder."""

from __future__ import annotations

import base64
import binascii
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from ..os_errors import explain_os_errors
from .records import Shown
from .redaction import redact, redact_all, redact_value

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

FIGURES, TABLES = "figures", "tables"
_MOST_ROWS = 100
_MOST_COLUMNS = 100
_MOST_BYTES = 16 << 20
_AT_ONCE = 1 << 20
"""Larger ones are written in the background."""
_MOST_OF_CELL = 20
_LONGEST_VALUE = 500

# The form that tells most comes first; plain text and HTML are no figures.
_FIGURES = {
    "application/vnd.plotly.v1+json": "plotly.json",
    "application/vnd.vegalite.v6+json": "vega.json",
    "application/vnd.vegalite.v5+json": "vega.json",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
}

Make = Callable[[], Shown]


class Displays:
    """Looks at all that ``shell`` displays, and keeps figures and tables of the running cell.

    What is kept when it is displayed is in the journal before the cell goes on. Of many, and of
    those that are updated in place, the last one is kept at the end of the cell.

    Parameters
    ----------
    keep
        Runs what makes a record, at once, and appends it; never raises.
    later
        The same in the background.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        folder: Path,
        keep: Callable[[Make], None],
        later: Callable[[Make], None],
    ) -> None:
        self._shell = shell
        self._folder = folder
        self._keep = keep
        self._later = later
        self._order = 0
        self._number = 0
        self._last: Make | None = None
        self._wrapped: list[tuple[Any, str]] = []

    def register(self) -> None:
        """Look at every way in which IPython shows something."""
        shell = self._shell
        self._wrap(shell.display_pub, "publish", self._published)
        self._wrap(shell.displayhook, "write_format_data", self._shown)
        self._wrap(shell.display_formatter, "format", self._formatted)

    def unregister(self) -> None:
        for owner, name in self._wrapped:
            vars(owner).pop(name, None)
        self._wrapped = []

    def move(self, folder: Path) -> None:
        """Go on in another journal's folder."""
        self._folder = folder

    def begin(self, order: int) -> None:
        self._order, self._number, self._last = order, 0, None

    def end(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            self._keep(last)

    def _wrap(self, owner: Any, name: str, look: Callable[..., None]) -> None:
        if owner is None:
            return
        original = getattr(owner, name)

        def wrapped(*arguments: Any, **words: Any) -> Any:
            result = original(*arguments, **words)
            try:
                look(*arguments, **words)
            except Exception as error:
                self._keep(partial(_fail, error))
            return result

        # On the object itself: other shells of the process are left alone.
        vars(owner)[name] = wrapped
        self._wrapped.append((owner, name))

    def _published(
        self, data: Any = None, metadata: Any = None, *rest: Any, update: bool = False, **more: Any
    ) -> None:
        self._figure(data, update=update)

    def _shown(self, format_dict: Any, md_dict: Any = None) -> None:
        self._figure(format_dict)

    def _formatted(self, given: Any, *rest: Any, **more: Any) -> None:
        pandas = sys.modules.get("pandas")
        if pandas is None:
            return
        obj: Any = given
        if type(obj).__name__ == "Styler":
            obj = getattr(obj, "data", None)
        kind: Any = getattr(pandas, "DataFrame", ())
        series: Any = getattr(pandas, "Series", ())
        if isinstance(obj, series):
            obj = obj.iloc[:_MOST_ROWS].to_frame() if len(obj) > _MOST_ROWS else obj.to_frame()
        if not isinstance(obj, kind):
            return
        # A copy of the little that is kept: the next line of the cell may change the frame.
        part = obj.iloc[:_MOST_ROWS, :_MOST_COLUMNS].copy()
        order, number = self._order, self._next()
        make = partial(self._table, order, number, part, *obj.shape)
        if number > _MOST_OF_CELL:
            self._last = make
        else:
            self._later(make)

    def _figure(self, data: Any, *, update: bool = False) -> None:
        if not isinstance(data, dict):
            return
        mime = next((mime for mime in _FIGURES if mime in data), None)
        if mime is None:
            return
        content = data[mime]
        number = self._number if update and self._number else self._next()
        make = partial(self._write_figure, self._order, number, mime, content)
        if update or number > _MOST_OF_CELL:
            self._last = make
        elif len(content) > _AT_ONCE or not isinstance(content, str | bytes):
            self._later(make)
        else:
            self._keep(make)

    def _next(self) -> int:
        self._number = min(self._number + 1, _MOST_OF_CELL + 1)
        return self._number

    def _write_figure(self, order: int, number: int, mime: str, content: Any) -> Shown:
        name = f"{FIGURES}/{order}-{number}.{_FIGURES[mime]}"
        return shown(self._folder, name, _bytes(content), order, number, mime)

    def _table(self, order: int, number: int, part: Any, rows: int, columns: int) -> Shown:
        names = [str(name) for name in part.columns]
        content = {
            "columns": names,
            "types": [str(dtype) for dtype in part.dtypes],
            "index": [_text("", label) for label in part.index],
            "rows": [
                [_value(name, value) for name, value in zip(names, row, strict=True)]
                for row in part.itertuples(index=False, name=None)
            ],
            "shape": [rows, columns],
        }
        text = json.dumps(content, ensure_ascii=False).encode()
        name = f"{TABLES}/{order}-{number}.json"
        return shown(self._folder, name, text, order, number, "application/json", rows, columns)


def shown(
    folder: Path,
    name: str,
    content: bytes,
    order: int,
    number: int,
    mime: str,
    rows: int | None = None,
    columns: int | None = None,
) -> Shown:
    """Keep a figure or table under ``name`` in the journal's folder, and return its record.

    What is too large is only described. Raises `MlopsError` ``project.disk-full``.
    """
    kept = len(content) <= _MOST_BYTES
    if kept:
        path = folder / name
        part = path.with_name(f".{path.name}.part")
        with explain_os_errors(path):
            path.parent.mkdir(exist_ok=True)
            part.write_bytes(content)
            os.replace(part, path)
    return Shown(
        time=time.time(),
        order=order,
        number=number,
        kind="figure" if name.startswith(FIGURES) else "table",
        mime=mime,
        bytes=len(content),
        digest=xxhash.xxh3_128_hexdigest(content),
        file=name if kept else "",
        rows=rows,
        columns=columns,
    )


def _fail(error: Exception) -> Shown:
    raise error


def _bytes(content: Any) -> bytes:
    """Return a figure's bytes: pictures come as they are or in base64, all else as text or JSON."""
    if isinstance(content, bytes):
        return content
    if not isinstance(content, str):
        return json.dumps(redact_all(content), default=str).encode()
    if content.lstrip().startswith("<"):
        return redact(content).encode()
    try:
        return base64.b64decode(content, validate=False)
    except (binascii.Error, ValueError):
        return redact(content).encode()


def _value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value if not isinstance(value, int) or abs(value) < 1 << 53 else str(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "shape", None) == ():
        return _value(name, item())
    return _text(name, value)


def _text(name: str, value: Any) -> str:
    try:
        text = str(value)
    except Exception:
        return f"<{type(value).__name__}>"
    return redact_value(name, text[: 2 * _LONGEST_VALUE])[:_LONGEST_VALUE]
