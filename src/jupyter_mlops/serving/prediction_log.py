"""The log of predictions: one JSON line for each answered request, one file for each day (UTC).

A line holds ``time``, ``release``, ``request_id``, ``rows`` and ``predictions``. Each begins with
its newline and is written by one ``write()`` to a file opened for appending: several processes
may log to one folder, and a line that a full disk cut off never swallows the next one.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors

if TYPE_CHECKING:
    import pandas as pd

TIME, RELEASE, REQUEST_ID, PREDICTION = "_time", "_release", "_request_id", "_prediction"


class PredictionLog:
    """Appends to the log of one endpoint; threads may share one instance.

    Parameters
    ----------
    sync
        Whether a line is on the disk, not only with the operating system, before `append` ends.
        Without it a line survives the end of the process, but not a power failure.
    """

    def __init__(self, folder: Path, *, sync: bool = False) -> None:
        self.folder = folder
        self.sync = sync
        self._lock = threading.Lock()
        self._day = ""
        self._file = -1

    def append(
        self, release: str, request_id: str, rows: Sequence[Any], predictions: Sequence[Any]
    ) -> None:
        """Write one request; what was appended is acknowledged.

        Raises
        ------
        MlopsError
            ``project.disk-full`` or ``project.read-only``, or ``log.failed`` for any other reason.
            The request does not count as logged then.
        """
        import orjson

        now = datetime.now(UTC)
        record = {
            "time": now.isoformat(timespec="microseconds"),
            "release": release,
            "request_id": request_id,
            "rows": rows,
            "predictions": predictions,
        }
        line = b"\n" + orjson.dumps(record)
        with self._explained(), self._lock:
            self._write(now.strftime("%Y-%m-%d"), line)

    def open(self) -> None:
        """Make the folder and today's file, to learn early whether they can be; raises alike."""
        with self._explained(), self._lock:
            self._open(datetime.now(UTC).strftime("%Y-%m-%d"))

    def close(self) -> None:
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file, self._day = -1, ""

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with explain_os_errors(self.folder):
                yield
        except OSError as error:
            raise MlopsError(
                "log.failed",
                f"The prediction log cannot be written: {error.strerror or error}.",
                hint="look at the folder and its disk.",
                place=Place(str(self.folder)),
            ) from error

    def _write(self, day: str, line: bytes) -> None:
        # A file that somebody removed takes bytes and loses them.
        if day != self._day or os.fstat(self._file).st_nlink == 0:
            self._open(day)
        if os.write(self._file, line) != len(line):
            # The rest could land behind another process's line.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))
        if self.sync:
            os.fdatasync(self._file)

    def _open(self, day: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        opened = os.open(self.folder / f"{day}.jsonl", flags, 0o644)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._day = opened, day


def read(
    folder: Path,
    *,
    release: str | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
) -> pd.DataFrame:
    """Read a log: one line for each row asked, oldest first.

    Parameters
    ----------
    release
        Only what this release answered, such as ``flights/2``.
    since, until
        Only requests at or after, and before, these times; times without a zone are UTC.

    Returns
    -------
    DataFrame
        The features as they were sent (times are texts), then ``_time`` (UTC), ``_release``,
        ``_request_id`` and ``_prediction``. Lines that were cut off are left out;
        ``attrs["torn"]`` counts them.

    Raises
    ------
    MlopsError
        ``log.time`` where a time is not ISO 8601.
    """
    import pandas as pd

    start, end = _moment(since), _moment(until)
    records: list[dict[str, Any]] = []
    torn = 0
    for path in _files(folder, start, end):
        found, cut = _parse(path.read_bytes())
        records += found
        torn += cut
    if release is not None:
        records = [record for record in records if record["release"] == release]
    if start is not None:
        records = [record for record in records if record["time"] >= start]
    if end is not None:
        records = [record for record in records if record["time"] < end]
    # Processes that share a folder stamp their lines before they write them.
    records.sort(key=lambda record: record["time"])
    frame = _frame(records)
    frame[TIME] = pd.to_datetime(frame[TIME], format="ISO8601", utc=True)
    frame.attrs["torn"] = torn
    return frame


def _frame(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    rows = [row for record in records for row in record["rows"]]
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(name for keys in {tuple(row): None for row in rows} for name in keys):
        columns[name] = [row.get(name) for row in rows]
    sizes = [len(record["rows"]) for record in records]
    for target, key in ((TIME, "time"), (RELEASE, "release"), (REQUEST_ID, "request_id")):
        columns[target] = [
            value
            for record, size in zip(records, sizes, strict=True)
            for value in (record[key],) * size
        ]
    columns[PREDICTION] = [value for record in records for value in record["predictions"]]
    return pd.DataFrame(columns)


def _files(folder: Path, start: str | None, end: str | None) -> Iterable[Path]:
    for path in sorted(folder.glob("????-??-??.jsonl")) if folder.is_dir() else ():
        if start is not None and path.stem < start[:10]:
            continue
        if end is not None and path.stem > end[:10]:
            continue
        yield path


def _parse(content: bytes) -> tuple[list[dict[str, Any]], int]:
    """Return the whole records of a file and how many lines are cut off."""
    import orjson

    lines = [line for line in content.split(b"\n") if line]
    try:
        return orjson.loads(b"[" + b",".join(lines) + b"]"), 0
    except orjson.JSONDecodeError:
        pass
    records, torn = [], 0
    for line in lines:
        try:
            records.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            torn += 1
    return records, torn


def _moment(time: datetime | str | None) -> str | None:
    """Return a time as the log writes it, so that texts compare as times do."""
    if time is None:
        return None
    try:
        moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    except ValueError:
        raise MlopsError(
            "log.time",
            f"{time!r} is no time in ISO 8601.",
            hint="write 2013-07-01 or 2013-07-01T12:30.",
        ) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")
